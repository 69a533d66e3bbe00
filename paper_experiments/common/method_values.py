"""PSNR of rival methods on the test images: what is known of it, and measured now.

It is remembered per image, since BM3D takes half a minute for one. What the project
measured on BSDS-300 is in `numbers/baselines/`; `--method` measures what is missing
there and keeps it in the output folder. A user's own method is measured each time: what
it depends on is not known here.
"""

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from paper_experiments.common import image_sets, provenance
from paper_experiments.common.method_files import Methods
from paper_experiments.common.observations import Observations, psnr_of
from paper_experiments.common.table import NUMBERS_FOLDER
from rim_tf import Denoising, files

CACHE_FILE = "baselines.json"
_SHIPPED_FOLDER = NUMBERS_FOLDER / "baselines"
# Beside the values by images and seed: by which versions they were measured.
_VERSIONS = "versions"

# PSNR by row, noise and image id.
Values = dict[str, dict[str, dict[str, float]]]


class MethodValues:
    """What is known of methods on the images of one table.

    Args:
      script: Name of the table's script.
      color: A key of `rim_tf.images.COLOR_CONVERSIONS`.
      test: The test images.
      output_dir: Where new results are kept.
      seed: Seed of the run; what is shipped is that of seed 0.
      methods: Those that are to be measured.
    """

    def __init__(
        self,
        script: str,
        color: str,
        test: image_sets.TestImages,
        output_dir: Path,
        seed: int,
        methods: Methods,
    ):
        self._test = test
        self._path = output_dir / CACHE_FILE
        self._methods = methods
        # The script says whether observations are quantised.
        self._key = f"{script}: {color}, {_describe_images(test)}, seed {seed}"
        self._values: Values = {}
        self._values_of_yours: Values = {}
        for path in (_SHIPPED_FOLDER / f"{script}.json", self._path):
            _update(self._values, _read(path).get(self._key, {}))

    @property
    def rows(self) -> list[str]:
        """Rows of methods that are to be measured, or are known."""
        return list(dict.fromkeys([*self._methods.files, *self._values]))

    def known(self, row: str, observations: Observations) -> Mapping[str, float]:
        """Returns PSNR by image id, as far as it was measured."""
        values = {**self._values, **self._values_of_yours}.get(row, {})
        values = values.get(f"{observations.sigma:g}", {})
        return {i: values[i] for i in self._test.images if i in values}

    def measure(self, row: str, observations: Observations) -> None:
        """Measures the images that are not known yet, and keeps what it finds.

        A user's method that fails has no values then.
        """
        if row not in self._methods.files:
            return
        is_yours = self._methods.files[row].is_yours
        values = self._values_of_yours if is_yours else self._values
        noise = values.setdefault(row, {}).setdefault(f"{observations.sigma:g}", {})
        missing = [i for i in self._test.images if i not in noise]
        for image_id in tqdm(
            missing, f"{row}, sigma {observations.sigma:g}", unit="image", leave=False
        ):
            estimate = self.restore(row, observations, image_id)
            if estimate is None:
                self._values_of_yours.pop(row, None)
                return
            psnr = psnr_of(estimate, observations.clean(image_id))
            noise[image_id] = round(psnr, 4)
            if not is_yours:
                self._save(row)

    def restore(
        self, row: str, observations: Observations, image_id: str
    ) -> np.ndarray | None:
        """Returns an estimate, `(height, width, channels)`; None if it fails."""
        noisy = observations.noisy(image_id)
        where = f"image {image_id}, sigma {observations.sigma:g}"
        return self._methods.restore(
            *(row, where, noisy, observations.unit_sigma, Denoising(), noisy.shape)
        )

    def _save(self, row: str) -> None:
        # Another run may have written to the file since it was read.
        everything = _read(self._path)
        _update(everything.setdefault(self._key, {}), {row: self._values[row]})
        everything.setdefault(_VERSIONS, {})[row] = provenance.versions()
        files.write_json(self._path, everything, indent=1)


def _describe_images(test: image_sets.TestImages) -> str:
    """Names the images; those of a user's folder by what they show, too."""
    always_the_same = {
        # A folder of this name has one set, of this name.
        "bsds300": "bsds300" not in test.sets,
        "embedded": image_sets.EMBEDDED_NOTE in test.notes,
    }
    if always_the_same.get(test.dataset):
        return test.dataset
    content = hashlib.sha256()
    for image in test.images.values():
        content.update(image.tobytes())
    return f"{test.dataset} {content.hexdigest()[:8]}"


def _read(path: Path) -> dict[str, Any]:
    """Returns what a file remembers, by key; nothing if there is no such file."""
    return files.read_json(path, "delete it") if path.exists() else {}


def _update(values: Values, more: Mapping[str, Any]) -> None:
    for name, noises in more.items():
        for sigma, images in noises.items():
            # null is what was restored without error.
            known = {i: math.inf if v is None else v for i, v in images.items()}
            values.setdefault(name, {}).setdefault(sigma, {}).update(known)
