"""All methods on all forward models and images; every value is kept when it is made."""

import contextlib
import dataclasses
import hashlib
import itertools
import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from tqdm import tqdm

from paper_experiments.common import provenance, table
from paper_experiments.common.errors import UserError
from paper_experiments.common.image_sets import TestImages
from paper_experiments.common.observations import psnr_of
from paper_experiments.unseen import problems
from paper_experiments.unseen.methods import Method
from paper_experiments.unseen.problems import Operator
from rim_tf import files, images


class Kept(NamedTuple):
    """What a method made of one image seen through one forward model.

    Attributes:
      psnr: By column, in dB; only what the method is for.
      shown: Estimates by column, `(height, width, 1)` uint8; of the first image only.
      commits: Commits of the programs that made it; "" where unknown.
    """

    psnr: dict[str, float]
    shown: dict[str, np.ndarray]
    commits: frozenset[str]


class _Pair(NamedTuple):
    image_id: str
    operator: Operator


@dataclasses.dataclass(frozen=True, eq=False)
class Measurement:
    """All methods on all forward models and images.

    Each value is kept on disk when it is made, so that an interrupted measurement goes
    on where it was. What was measured of other images, models, weights, packages or
    settings is measured again, but not what an earlier version of this program did.

    Attributes:
      test: The test images.
      methods: What is measured.
      seed: Seed of the noise.
      folder: Where values are kept.
      operators: The forward models.
    """

    test: TestImages
    methods: Sequence[Method]
    seed: int
    folder: Path
    operators: Sequence[Operator]

    def check_sizes(self) -> None:
        """Raises a `UserError` if an image is too small for the kernels."""
        for image_id, image in self.test.images.items():
            if min(image.shape[:2]) < problems.LEAST_SIZE:
                height, width = image.shape[:2]
                raise UserError(
                    f"--images: {image_id} has {height}x{width} pixels, too few for "
                    f"the kernels; give images of {problems.LEAST_SIZE}x"
                    f"{problems.LEAST_SIZE} pixels or more."
                )

    def clean(self, image_id: str) -> np.ndarray:
        """Returns a grey image, `(height, width, 1)` float32 in [0, 1]."""
        return problems.to_gray(self.test.images[image_id])

    def run(self) -> dict[tuple[str, str], Kept]:
        """Measures what was not measured before.

        Returns:
          By image id and name of the forward model, of all methods together.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        total = len(self._pairs) * len(self.methods)
        with tqdm(total=total, initial=total - len(self.missing())) as bar:
            return {
                (pair.image_id, pair.operator.name): self._finish(pair, bar)
                for pair in self._pairs
            }

    def missing(self) -> list[tuple[str, Operator, Method]]:
        """Returns what was not measured before."""
        return [
            (*pair, method)
            for pair in self._pairs
            for kept in [self._read(pair)]
            for method in self.methods
            if method.name not in kept
        ]

    def pixel_steps(self) -> int:
        """Returns how long the rest takes: pixels times steps of a RIM."""
        return sum(
            self.clean(image_id).size * method.steps
            for image_id, _, method in self.missing()
        )

    @property
    def _pairs(self) -> list[_Pair]:
        return [_Pair(*p) for p in itertools.product(self.test.images, self.operators)]

    def _finish(self, pair: _Pair, bar: tqdm) -> Kept:
        kept = self._read(pair)
        for method in self.methods:
            if method.name not in kept:
                bar.set_description(f"{pair.operator.title}, {method.name}")
                kept[method.name] = self._measure(pair, method)
                bar.update()
        return _together([kept[method.name] for method in self.methods])

    def _measure(self, pair: _Pair, method: Method) -> Kept:
        """Measures what one method makes of a pair, and keeps it."""
        number = self.test.numbers[pair.image_id]
        clean = self.clean(pair.image_id)
        problem = problems.observe(pair.operator, clean, self.seed, number)
        where = f"image {pair.image_id}, {pair.operator.title}"
        problem = problem._replace(where=where)
        made = zip(method.columns, method.restore(problem), strict=True)
        estimates = {name: image for name, image in made if image is not None}
        psnr = {name: psnr_of(image, clean) for name, image in estimates.items()}
        shown = estimates if self._is_shown(pair) else {}
        shown = {name: images.to_8_bits(image) for name, image in shown.items()}
        commit = provenance.commit() or ""
        with files.replacing(self._path(pair, method)) as temporary:
            np.savez(
                temporary,
                psnr=json.dumps(psnr),
                commit=commit,
                fingerprint=self._fingerprint(pair) + method.fingerprint,
                **shown,
            )
        return Kept(psnr, shown, frozenset([commit]))

    def _read(self, pair: _Pair) -> dict[str, Kept]:
        """Returns by method what `_measure` kept, if there is no reason against it."""
        found, of_pair = {}, self._fingerprint(pair)
        for method in self.methods:
            # There may be none, or the machine stopped while it was written.
            with (
                contextlib.suppress(
                    OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile
                ),
                np.load(self._path(pair, method)) as kept,
            ):
                if kept["fingerprint"] == of_pair + method.fingerprint:
                    shown = {
                        name: kept[name] for name in method.columns if name in kept
                    }
                    psnr = json.loads(str(kept["psnr"]))
                    found[method.name] = Kept(
                        psnr, shown, frozenset([str(kept["commit"])])
                    )
        return found

    def _path(self, pair: _Pair, method: Method) -> Path:
        number = self.test.numbers[pair.image_id]
        # Of weights of one's own it has the name of a folder in it.
        name = re.sub(r"[^\w-]+", "_", method.name)
        return self.folder / f"{number:03d}_{pair.operator.name}_{name}.npz"

    def _is_shown(self, pair: _Pair) -> bool:
        return pair.image_id == next(iter(self.test.images))

    def _fingerprint(self, pair: _Pair) -> str:
        """Returns a hash of image, operator and noise: of all but the method."""
        settings = (*pair.operator[:-1], self.seed, self._is_shown(pair))
        digest = hashlib.sha256(repr(settings).encode())
        clean = self.clean(pair.image_id)
        digest.update(clean.tobytes())
        model = pair.operator.make(clean.shape[:2])
        for name in ("kernel", "mask"):
            if hasattr(model, name):
                drawn = keras.ops.convert_to_numpy(getattr(model, name))
                digest.update(drawn.tobytes())
        return digest.hexdigest()


def to_measured(
    found: dict[tuple[str, str], Kept], test: TestImages, operators: Sequence[Operator]
) -> list[table.Score]:
    """Returns means over images, by forward model and column."""
    records = []
    for operator in operators:
        by_column: dict[str, dict[str, float]] = {}
        for image_id in test.images:
            for name, psnr in found[image_id, operator.name].psnr.items():
                by_column.setdefault(name, {})[image_id] = psnr
        condition: dict[str, Any] = {
            "forward_model": operator.title,
            "origin": operator.origin,
            "sigma": operator.sigma,
        }
        for name, values in by_column.items():
            records += table.measured_on(test.sets, values, name, condition)
    return records


def _together(kept: Sequence[Kept]) -> Kept:
    """Returns what several methods made, as if of one."""
    psnr = {name: value for each in kept for name, value in each.psnr.items()}
    shown = {name: image for each in kept for name, image in each.shown.items()}
    return Kept(psnr, shown, frozenset().union(*(each.commits for each in kept)))
