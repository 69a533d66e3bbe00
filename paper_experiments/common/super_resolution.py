"""Test images of super-resolution, and their quality as the literature measures it.

The protocol of Huang et al. (2015) and others: images are cropped to a multiple of
the factor and made small by MATLAB's `imresize`, in colour; what counts is the
luminance, 8 bits between 16 and 235, without a border of `factor` pixels.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from skimage import metrics

from paper_experiments import image_sets
from paper_experiments.user_errors import UserError
from rim_tf import bicubic, images

FACTORS = (2, 3, 4)
_MAX_PIXEL = 255.0
# Beyond this border the window of SSIM (Gaussian, 11 x 11) is inside the image.
_SSIM_BORDER = 5
# More pixels than this share would be another kernel, not another rounding.
_ALLOWED_DIFFERENCES = 0.01


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
        _, ssim = metrics.structural_similarity(
            clean,
            estimate,
            data_range=_MAX_PIXEL,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )
        inside = ssim[_SSIM_BORDER:-_SSIM_BORDER, _SSIM_BORDER:-_SSIM_BORDER]
        with np.errstate(divide="ignore"):
            psnr = 10 * np.log10(_MAX_PIXEL**2 / error)
        return Quality(float(psnr), float(inside.mean()))


def is_large_enough(image: np.ndarray, factor: int) -> bool:
    """Says whether SSIM can be measured, whose window must fit between the borders."""
    size = min(image.shape[:2])
    return size - size % factor - 2 * factor >= 2 * _SSIM_BORDER + 1


def pair(
    test: image_sets.TestImages, image_id: str, factor: int, lr_dir: str | None
) -> Pair:
    """Returns a test image and its small version.

    Args:
      test: The test images.
      image_id: Which of them.
      factor: How many times smaller.
      lr_dir: A folder with `x<factor>/img_<number>_SRF_<factor>_LR.png`, numbers
        counting from 001 in the order of the ids as text. If None, the small images are
        our own, which are MATLAB's bit by bit.

    Raises:
      UserError: If `lr_dir` has no image of that name, or not the large
        one made small.
    """
    image = test.images[image_id]
    height, width = (size - size % factor for size in image.shape[:2])
    large = image[:height, :width]
    size = (height // factor, width // factor)
    if lr_dir is None:
        return Pair(factor, large, bicubic.imresize_uint8(large, size))
    number = sorted(test.numbers).index(image_id) + 1
    name = f"img_{number:03d}_SRF_{factor}_LR.png"
    path = Path(lr_dir).expanduser() / f"x{factor}" / name
    try:
        small = images.read_image(path)
    except ValueError as error:
        raise UserError(f"--lr_dir: {error}") from error
    if small.shape[:2] != size:
        raise UserError(
            f"--lr_dir: {path} has {small.shape[:2]} pixels, image {image_id} made "
            f"{factor} times smaller has {size}."
        )
    if not _made_by_matlab(small, large):
        raise UserError(
            f"--lr_dir: {path} is not image {image_id} made small by MATLAB's kernel; "
            "without --lr_dir such images are made here."
        )
    return Pair(factor, large, small)


def _made_by_matlab(small: np.ndarray, large: np.ndarray) -> bool:
    """Says whether an image was made small as any release of MATLAB does."""
    candidates = (
        bicubic.imresize_uint8(large, small.shape[:2], boundary)
        for boundary in bicubic.BOUNDARIES
    )
    return any(
        np.mean(np.any(candidate != small, axis=-1)) <= _ALLOWED_DIFFERENCES
        for candidate in candidates
    )
