"""Values of a table, kept image by image: an interrupted run goes on where it was."""

import hashlib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from paper_experiments.common import provenance
from rim_tf import files

_FILE = "values.json"
_FIELDS = {"values", "commit", "machine"}
# What of `provenance.versions` is told instead: the parts of a table may be measured
# on machines of several kinds.
WHERE = ("machine", "processor", "gpu")


class KeptValues:
    """Numbers of images by the hash of all that they depend on, see `key`.

    They are written after each image. What depends on other images, weights, packages
    or settings has another hash, so that it is measured again.

    Attributes:
      found_before: How many an earlier run left.

    Args:
      folder: Where they are kept; if None, nowhere.
    """

    def __init__(self, folder: Path | None = None):
        self._path = folder and folder / _FILE
        self._records = _read(folder) if folder else {}
        self.found_before = len(self._records)
        versions = provenance.versions()
        where = next(filter(None, (versions[n] for n in reversed(WHERE))), "")
        self._made_by = {"commit": versions["commit"] or "", "machine": where}
        self._used: set[str] = set()

    def notes(self) -> list[str]:
        """Says so if what was asked for is of several versions or machines."""
        made_by = [self._records[key] for key in self._used]
        machines = sorted({each["machine"] for each in made_by})
        notes = provenance.note_on_commits({each["commit"] for each in made_by})
        if len(machines) > 1:
            notes.append(f"* Measured on several machines: {', '.join(machines)}.")
        return notes

    def __contains__(self, key: str) -> bool:
        return key in self._records

    def __getitem__(self, key: str) -> list[float]:
        self._used.add(key)
        # What is infinite, as the PSNR of what has no error, is null in JSON.
        return [math.inf if v is None else v for v in self._records[key]["values"]]

    def __setitem__(self, key: str, values: list[float]) -> None:
        self._records[key] = {"values": values, **self._made_by}
        if self._path:
            # JSON would make infinite of what is no number.
            kept = {k: r for k, r in self._records.items() if not _has_nan(r["values"])}
            self._path.parent.mkdir(exist_ok=True)
            files.write_json(self._path, kept, indent=1)


def _has_nan(values: list[float | None]) -> bool:
    return any(value is not None and math.isnan(value) for value in values)


def join(folders: Iterable[Path], into: Path) -> int:
    """Puts the values of several runs together.

    Args:
      folders: As `KeptValues` has them.
      into: Such a folder, which is made.

    Returns:
      How many values there are now.
    """
    # With what an interrupted run, or joining, has left there.
    folders = (into, *folders)
    records = {key: record for f in folders for key, record in _read(f).items()}
    into.mkdir(parents=True, exist_ok=True)
    files.write_json(into / _FILE, records, indent=1)
    return len(records)


def _read(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / _FILE
    records = files.read_json(path, "delete it") if path.exists() else {}
    try:
        is_whole = all(map(_is_whole, records.values()))
    except (AttributeError, TypeError):
        is_whole = False
    if not is_whole:
        raise files.DamagedFileError(f"{path} holds something else; delete it.")
    return records


def _is_whole(record: dict[str, Any]) -> bool:
    """Returns whether a record is one; raises a `TypeError` if not even a dict."""
    if set(record) != _FIELDS or not isinstance(record["values"], list):
        return False
    are_numbers = all(v is None or type(v) in (int, float) for v in record["values"])
    return are_numbers and isinstance(record["commit"] + record["machine"], str)


def key(*depends_on: Any) -> str:
    """Returns a hash of arrays and of what `repr` tells."""
    digest = hashlib.sha256()
    for part in depends_on:
        if isinstance(part, np.ndarray):
            digest.update(repr((part.shape, part.dtype.str)).encode())
            digest.update(part.tobytes())
        else:
            digest.update(repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()
