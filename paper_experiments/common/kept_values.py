"""Values of a table, kept image by image: an interrupted run goes on where it was."""

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np

from paper_experiments.common import provenance
from rim_tf import files

_FILE = "values.json"


class KeptValues:
    """Numbers of images by the hash of all that they depend on, see `key`.

    They are written after each image. What depends on other images, weights, packages
    or settings has another hash, so that it is measured again.

    Args:
      folder: Where they are kept; if None, nowhere.
    """

    def __init__(self, folder: Path | None = None):
        self._path = folder and folder / _FILE
        self._records: dict[str, dict[str, Any]] = {}
        if self._path and self._path.exists():
            self._records = files.read_json(self._path, "delete it")
        self._found_before = len(self._records)
        self._commit = provenance.commit()
        self._used: set[str] = set()

    @property
    def found_before(self) -> int:
        """How many an earlier run left."""
        return self._found_before

    @property
    def commits(self) -> frozenset[str]:
        """Commits of the programs that measured what was asked for; "" if unknown."""
        return frozenset(self._records[key]["commit"] or "" for key in self._used)

    def __contains__(self, key: str) -> bool:
        return key in self._records

    def __getitem__(self, key: str) -> list[float]:
        self._used.add(key)
        # What is infinite, as the PSNR of what has no error, is null in JSON.
        return [math.inf if v is None else v for v in self._records[key]["values"]]

    def __setitem__(self, key: str, values: list[float]) -> None:
        self._records[key] = {"values": values, "commit": self._commit}
        if self._path:
            self._path.parent.mkdir(exist_ok=True)
            files.write_json(self._path, self._records, indent=1)


def key(*depends_on: Any) -> str:
    """Returns a hash of arrays and of what `repr` tells."""
    digest = hashlib.sha256()
    for part in depends_on:
        if isinstance(part, np.ndarray):
            digest.update(repr((part.shape, part.dtype.str)).encode())
            digest.update(part.tobytes())
        else:
            digest.update(repr(part).encode())
    return digest.hexdigest()
