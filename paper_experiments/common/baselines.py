"""Well-kept denoisers of other libraries, on the very same observations.

Their PSNR is remembered per image, since BM3D takes half a minute for one. What
the project measured on BSDS-300 is in `numbers/baselines/`; `--baselines` measures
what is missing there and keeps it in the output folder.
"""

import functools
import hashlib
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from skimage import restoration
from tqdm import tqdm

from paper_experiments.common import image_sets
from paper_experiments.common.observations import Observations, psnr_of
from paper_experiments.common.table import NUMBERS_FOLDER
from rim_tf import files

CACHE_FILE = "baselines.json"
_SHIPPED_FOLDER = NUMBERS_FOLDER / "baselines"
# In units of the noise level; chosen on validation images, for noise of 15 to 50.
_TOTAL_VARIATION_WEIGHT = 0.8

Denoiser = Callable[[np.ndarray, float], np.ndarray]
# PSNR by name, noise and image id.
Values = dict[str, dict[str, dict[str, float]]]


class Baselines:
    """The baselines of one table, and what is known of their results.

    Args:
      script: Name of the table's script.
      color: A key of `rim_tf.images.COLOR_CONVERSIONS`.
      test: The test images.
      output_dir: Where new results are kept.
      seed: Seed of the run; what is shipped is that of seed 0.
    """

    def __init__(
        self,
        script: str,
        color: str,
        test: image_sets.TestImages,
        output_dir: Path,
        seed: int,
    ):
        self._test = test
        self._path = output_dir / CACHE_FILE
        self._denoisers = _denoisers(color)
        # The script says whether observations are quantised.
        self._key = f"{script}: {color}, {_describe_images(test)}, seed {seed}"
        self._values: Values = {}
        for path in (_SHIPPED_FOLDER / f"{script}.json", self._path):
            _update(self._values, _read(path).get(self._key, {}))

    @property
    def names(self) -> list[str]:
        """Names of the baselines whose library is installed or results are known."""
        return list(dict.fromkeys([*self._denoisers, *self._values]))

    @property
    def best_installed(self) -> str:
        """Name of the best baseline whose library is installed."""
        return next(iter(self._denoisers))

    def known(self, name: str, observations: Observations) -> Mapping[str, float]:
        """Returns PSNR by image id, as far as it was measured."""
        values = self._values.get(name, {}).get(f"{observations.sigma:g}", {})
        return {i: values[i] for i in self._test.images if i in values}

    def measure(self, name: str, observations: Observations) -> None:
        """Measures the images that are not known yet, and keeps what it finds."""
        if name not in self._denoisers:
            return
        noise = self._values.setdefault(name, {}).setdefault(
            f"{observations.sigma:g}", {}
        )
        missing = [i for i in self._test.images if i not in noise]
        for image_id in tqdm(
            missing, f"{name}, sigma {observations.sigma:g}", unit="image", leave=False
        ):
            estimate = self.restore(name, observations, image_id)
            psnr = psnr_of(estimate, observations.clean(image_id))
            noise[image_id] = round(psnr, 4)
            self._save()

    def restore(
        self, name: str, observations: Observations, image_id: str
    ) -> np.ndarray:
        """Returns a baseline's estimate, `(height, width, channels)`."""
        noisy = observations.noisy(image_id)
        return self._denoisers[name](noisy, observations.unit_sigma)

    def _save(self) -> None:
        # Another run may have written to the file since it was read.
        everything = _read(self._path)
        _update(everything.setdefault(self._key, {}), self._values)
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


def _read(path: Path) -> dict[str, Values]:
    """Returns what a file remembers, by key; nothing if there is no such file."""
    return files.read_json(path, "delete it") if path.exists() else {}


def _update(values: Values, more: Mapping[str, Any]) -> None:
    for name, noises in more.items():
        for sigma, images in noises.items():
            # null is what was restored without error.
            known = {i: math.inf if v is None else v for i, v in images.items()}
            values.setdefault(name, {}).setdefault(sigma, {}).update(known)


def _denoisers(color: str) -> dict[str, Denoiser]:
    """Returns the baselines whose library is installed."""
    found: dict[str, Denoiser] = {
        "total variation": total_variation,
        "wavelet": _wavelet,
    }
    try:
        import bm3d
    except (ImportError, OSError):
        # It is not installed, or its binary part does not fit this machine.
        return found
    if color == "rgb":
        return {"CBM3D": functools.partial(_cbm3d, bm3d.bm3d_rgb), **found}
    return {"BM3D": functools.partial(_bm3d, bm3d.bm3d), **found}


def _bm3d(denoise: Callable, noisy: np.ndarray, sigma: float) -> np.ndarray:
    return denoise(noisy[..., 0], sigma)[..., np.newaxis]


def _cbm3d(denoise: Callable, noisy: np.ndarray, sigma: float) -> np.ndarray:
    return denoise(noisy, sigma)


def total_variation(noisy: np.ndarray, sigma: float) -> np.ndarray:
    """Removes noise of that level from `(height, width, channels)`."""
    return restoration.denoise_tv_chambolle(
        noisy, weight=_TOTAL_VARIATION_WEIGHT * sigma, channel_axis=-1
    )


def _wavelet(noisy: np.ndarray, sigma: float) -> np.ndarray:
    return restoration.denoise_wavelet(
        noisy,
        sigma=sigma,
        method="BayesShrink",
        rescale_sigma=True,
        convert2ycbcr=noisy.shape[-1] == 3,
        channel_axis=-1,
    )
