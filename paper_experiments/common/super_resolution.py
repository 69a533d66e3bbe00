"""Test images of super-resolution, and their quality as the literature measures it.

The protocol of Huang et al. (2015) and others: images are cropped to a multiple of
the factor and made small by MATLAB's `imresize`, in colour; what counts is the
luminance, 8 bits between 16 and 235, without a border of `factor` pixels.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from skimage import metrics
from tqdm import tqdm

from paper_experiments.common import figures, kept_values, provenance
from paper_experiments.common.errors import UserError
from paper_experiments.common.image_sets import TestImages
from paper_experiments.common.kept_values import KeptValues
from paper_experiments.common.method_files import Methods
from paper_experiments.common.table import Score, measured_on
from rim_tf import bicubic, images
from rim_tf.forward_models import BicubicDownsampling
from rim_tf.restoration import iterate
from rim_tf.rim import RIM
from rim_tf.trajectory import Trajectory

FACTORS = (2, 3, 4)
_MAX_PIXEL = 255.0
# Beyond this border the window of SSIM (Gaussian, 11 x 11) is inside the image.
_SSIM_BORDER = 5
_DETAIL_FACTOR = 3


class Quality(NamedTuple):
    """PSNR in dB and SSIM of an image."""

    psnr: float
    ssim: float


class Pair(NamedTuple):
    """An image, cropped to a multiple of the factor, and its small version.

    Attributes:
      factor: How many times smaller it is.
      large: `(height, width, 3)` uint8.
      small: `(height / factor, width / factor, 3)` uint8.
    """

    factor: int
    large: np.ndarray
    small: np.ndarray

    @property
    def observation(self) -> np.ndarray:
        """The luminance of the small image, `(h, w, 1)` float32 in [0, 1]."""
        return np.float32(images.to_luminance(self.small)) / np.float32(_MAX_PIXEL)

    @property
    def clean(self) -> np.ndarray:
        """The luminance of the large image, `(height, width, 1)` uint8."""
        return images.to_luminance(self.large)

    @property
    def bicubic(self) -> np.ndarray:
        """The small image made large again, `(height, width, 3)` uint8."""
        return bicubic.imresize_uint8(self.small, self.large.shape[:2])

    def quality(self, luminance: np.ndarray) -> Quality:
        """Measures a luminance, `(height, width, 1)` uint8, without the border."""
        border = self.factor
        clean, estimate = (
            image[border:-border, border:-border, 0]
            for image in (self.clean, luminance)
        )
        error = np.mean(np.square(clean.astype(float) - estimate))
        with np.errstate(divide="ignore"):
            psnr = 10 * np.log10(_MAX_PIXEL**2 / error)
        return Quality(float(psnr), ssim(clean, estimate))


def ssim(clean: np.ndarray, estimate: np.ndarray) -> float:
    """Returns the SSIM of Wang et al., pixels on the scale from 0 to 255.

    Args:
      clean: `(height, width)`, 11 pixels or more each.
      estimate: The same shape and dtype.
    """
    _, similarity = metrics.structural_similarity(
        clean,
        estimate,
        data_range=_MAX_PIXEL,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    inside = slice(_SSIM_BORDER, -_SSIM_BORDER)
    return float(similarity[inside, inside].mean())


# Quality by factor and image id.
Results = dict[int, dict[str, Quality]]


def check_sizes(test: TestImages) -> None:
    """Raises a `UserError` if SSIM cannot be measured for an image.

    Its window must fit between the borders.
    """
    for image_id, image in test.images.items():
        for factor in FACTORS:
            size = min(image.shape[:2])
            if size - size % factor - 2 * factor < 2 * _SSIM_BORDER + 1:
                height, width = image.shape[:2]
                raise UserError(
                    f"--images: {image_id} has {height}x{width} pixels, too few to "
                    f"measure SSIM for a factor of {factor}; give images of 20x20 "
                    "pixels or more."
                )


def pair(image: np.ndarray, factor: int) -> Pair:
    """Returns an image, cropped, and its small version as MATLAB makes it, to the bit.

    Args:
      image: `(height, width, 3)` uint8.
      factor: How many times smaller.
    """
    height, width = (size - size % factor for size in image.shape[:2])
    large = image[:height, :width]
    size = (height // factor, width // factor)
    return Pair(factor, large, bicubic.imresize_uint8(large, size))


def measure_bicubic(test: TestImages) -> Results:
    """Returns the quality of all small images made large by the bicubic kernel."""
    results: Results = {}
    for factor in FACTORS:
        bar = tqdm(test.images.items(), f"Bicubic, x{factor}", leave=False)
        results[factor] = {
            image_id: small.quality(images.to_luminance(small.bicubic))
            for image_id, small in ((i, pair(image, factor)) for i, image in bar)
        }
    return results


def measure_method(methods: Methods, row: str, test: TestImages) -> Results:
    """Returns the quality that a method has on all images; nothing if it fails."""
    results: Results = {}
    for factor in FACTORS:
        model = BicubicDownsampling(factor)
        bar = tqdm(test.images.items(), f"{row}, x{factor}", unit="image", leave=False)
        for image_id, image in bar:
            small = pair(image, factor)
            where = f"image {image_id}, x{factor}"
            estimate = methods.restore(
                *(row, where, small.observation, 0.0, model, small.clean.shape)
            )
            if estimate is None:
                return {}
            quality = small.quality(images.to_8_bits(estimate))
            results.setdefault(factor, {})[image_id] = quality
    return results


class OfRIM(NamedTuple):
    """How well a RIM does, and what pictures show of the first image.

    Attributes:
      results: Quality of all images.
      pictures: Estimates of the first, of each factor.
      detail: It, and what a picture shows of it by title, of one factor.
      trajectory: All steps of the same factor, without the border.
    """

    results: Results
    pictures: list[figures.Restored]
    detail: tuple[np.ndarray, Mapping[str, np.ndarray]]
    trajectory: Trajectory


def measure_rim(
    model: RIM, test: TestImages, num_steps: int, kept: KeptValues
) -> OfRIM:
    """Returns the quality of all images, and what pictures show of the first.

    Args:
      model: A trained RIM.
      test: The test images.
      num_steps: T.
      kept: What was measured before; what is measured now is added.
    """
    fingerprint = provenance.fingerprint({"": model}, kept_values.WHERE)
    results: Results = {}
    pictures, detail, trajectory = [], None, None
    for factor in FACTORS:
        values = results.setdefault(factor, {})
        bar = tqdm(test.images.items(), f"RIM, x{factor}", unit="image", leave=False)
        for image_id, image in bar:
            small = pair(image, factor)
            key = kept_values.key(fingerprint, num_steps, *small)
            # The first image is restored in any case, since it is shown.
            if not values or key not in kept:
                estimates = _restore(model, small, num_steps)
                luminance = images.to_8_bits(estimates[-1])
            if key not in kept:
                kept[key] = list(small.quality(luminance))
            if not values:
                pictures.append(_picture(small, estimates, image_id))
                if factor == _DETAIL_FACTOR:
                    detail = _detail(small, luminance)
                    trajectory = _trajectory(small, estimates, image_id)
            values[image_id] = Quality(*kept[key])
            mean = np.mean([quality.psnr for quality in values.values()])
            bar.set_postfix_str(f"mean so far {mean:.2f} dB")
    return OfRIM(results, pictures, detail, trajectory)


def to_measured(results: Results, name: str, test: TestImages) -> list[Score]:
    """Returns means of both metrics and all factors, in the order of the table."""
    return [
        record
        for metric in Quality._fields
        for factor, by_image in results.items()
        for record in measured_on(
            test.sets,
            {i: getattr(quality, metric) for i, quality in by_image.items()},
            name,
            {"factor": factor},
            metric,
        )
    ]


def _restore(model: RIM, small: Pair, num_steps: int) -> list[np.ndarray]:
    """Returns the estimates of all steps, `(height, width, 1)`."""
    estimates = iterate(
        model,
        small.observation[np.newaxis],
        BicubicDownsampling(small.factor),
        num_steps=num_steps,
    )
    return [np.asarray(estimate)[0] for estimate in estimates]


def _inside(small: Pair, luminance: np.ndarray) -> np.ndarray:
    """Returns a uint8 luminance without the border, in [0, 1]."""
    border = small.factor
    return luminance[border:-border, border:-border] / _MAX_PIXEL


def _picture(
    small: Pair, estimates: Sequence[np.ndarray], image_id: str
) -> figures.Restored:
    kept = {
        t: _inside(small, images.to_8_bits(estimates[t - 1]))
        for t in figures.steps_to_show(len(estimates))
    }
    large = _inside(small, images.to_luminance(small.bicubic))
    clean = _inside(small, small.clean)
    title = f"RIM\nx{small.factor}"
    return figures.Restored(title, clean, large, kept, "bicubic", image_id)


def _trajectory(
    small: Pair, estimates: Sequence[np.ndarray], image_id: str
) -> Trajectory:
    clean = _inside(small, small.clean)
    large = _inside(small, images.to_luminance(small.bicubic))
    return Trajectory(
        [_inside(small, images.to_8_bits(estimate)) for estimate in estimates],
        {"bicubic": large, "clean": clean},
        clean,
        title=f"RIM, {image_id}, x{small.factor}",
    )


def _detail(
    small: Pair, luminance: np.ndarray
) -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
    large = images.to_luminance(small.bicubic)
    before, after = small.quality(large).psnr, small.quality(luminance).psnr
    return small.large / 255.0, {
        f"bicubic, x{small.factor}: {before:.2f} dB": small.bicubic / 255.0,
        f"RIM: {after:.2f} dB": images.replace_luminance(small.bicubic, luminance),
    }
