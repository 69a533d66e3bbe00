"""Choices that no table has: what the diagnosis must not take for another choice."""

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage import restoration

from paper_experiments.choices.small_images import size_of
from paper_experiments.choices.steps import SIGMA, Choice, Method, add, psnr, shrink
from rim_tf.images import round_to_uint8


def weaker_noise(clean: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Adds noise of sigma 22, and tells the method 25."""
    return add(clean, normal * np.float32(22 / SIGMA))


def noise_of_light(clean: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Adds noise that is stronger where the image is brighter."""
    return add(clean, normal * np.sqrt(2 * clean))


def in_stripes(clean: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Adds a noise of rows, too."""
    return add(clean, normal + normal[:, :1] / 2)


def median(method: Method, noisy: np.ndarray, sigma: float) -> np.ndarray:
    """Takes the median of 3 x 3 pixels of what the method returns."""
    return ndimage.median_filter(method.denoise(noisy, sigma), (3, 3, 1))


def stopped_early(method: Method, noisy: np.ndarray, sigma: float) -> np.ndarray:
    """Total variation that stops after 20 iterations."""
    del method
    return restoration.denoise_tv_chambolle(
        noisy, 0.7 * sigma, eps=0, max_num_iter=20, channel_axis=-1
    )


def pillow_hamming(rgb: np.ndarray, factor: int) -> np.ndarray:
    """Pillow's `resize(HAMMING)`."""
    return _resized(rgb, size_of(rgb, factor), Image.Resampling.HAMMING)


def blurred_first(rgb: np.ndarray, factor: int) -> np.ndarray:
    """Blurs by a Gaussian of 1.6 pixels, and takes every n-th pixel in the middle."""
    blurred = ndimage.gaussian_filter(np.float64(rgb), (1.6, 1.6, 0))
    first, (height, width) = factor // 2, size_of(rgb, factor)
    return round_to_uint8(blurred[first::factor, first::factor][:height, :width])


def in_linear_light(rgb: np.ndarray, factor: int) -> np.ndarray:
    """Takes the mean of the pixels that a pixel covers, of light and not of levels."""
    height, width = size_of(rgb, factor)
    light = (np.float64(rgb) / 255) ** 2.2
    blocks = light.reshape(height, factor, width, factor, 3)
    return round_to_uint8(255 * blocks.mean(axis=(1, 3)) ** (1 / 2.2))


def noisy_small_image(rgb: np.ndarray, factor: int) -> np.ndarray:
    """MATLAB's small image with noise of sigma 3."""
    small = np.float64(shrink(rgb, factor))
    return round_to_uint8(small + np.random.default_rng(0).normal(0, 3, small.shape))


def shifted(rgb: np.ndarray, factor: int) -> np.ndarray:
    """MATLAB's small image of an image that is shifted by a pixel."""
    return shrink(np.roll(rgb, 1, axis=1), factor)


def enlarged_linearly(method, small, factor, luminance) -> np.ndarray:
    """Enlarges by Pillow's `BILINEAR`."""
    return luminance(_enlarged(small, factor, Image.Resampling.BILINEAR))


def enlarged_by_lanczos(method, small, factor, luminance) -> np.ndarray:
    """Enlarges by Pillow's `LANCZOS`."""
    return luminance(_enlarged(small, factor, Image.Resampling.LANCZOS))


def darker(estimate: np.ndarray, clean: np.ndarray, factor: int) -> float:
    """PSNR of an estimate that is three levels too dark."""
    inside = np.s_[factor:-factor, factor:-factor]
    return psnr(np.float64(estimate)[inside] - 3, clean[inside])


def _enlarged(small: np.ndarray, factor: int, kernel) -> np.ndarray:
    height, width = small.shape[:2]
    return _resized(small, (factor * height, factor * width), kernel)


def _resized(rgb: np.ndarray, size: tuple[int, int], kernel) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).resize(size[::-1], kernel))


def _denoising(name: str, **steps) -> Choice:
    return Choice(name, name.replace("_", " "), steps)


def _enlarging(name: str, **steps) -> Choice:
    return Choice(name, name.replace("_", " "), super_resolution=steps)


CHOICES = (
    _denoising("weaker_noise", add=weaker_noise),
    _denoising("noise_of_light", add=noise_of_light),
    _denoising("noise_in_stripes", add=in_stripes),
    _denoising("median_afterwards", denoise=median),
    _denoising("stopped_early", denoise=stopped_early),
    _enlarging("pillow_hamming", shrink=pillow_hamming),
    _enlarging("blurred_first", shrink=blurred_first),
    _enlarging("linear_light", shrink=in_linear_light),
    _enlarging("noisy_small_image", shrink=noisy_small_image),
    _enlarging("shifted_small_image", shrink=shifted),
    _enlarging("enlarged_linearly", enlarge=enlarged_linearly),
    _enlarging("enlarged_by_lanczos", enlarge=enlarged_by_lanczos),
    _enlarging("darker", score=darker),
)
