"""Choices about the measure: what is compared with what, and how."""

import functools

import numpy as np
from skimage import metrics

from paper_experiments.choices.steps import Choice, psnr, psnr_inside, wang_ssim
from rim_tf import images


def not_clipped(estimate: np.ndarray, clean: np.ndarray) -> float:
    """PSNR of the estimate as it is."""
    return psnr(estimate, clean, 1.0)


def rounded(estimate: np.ndarray, clean: np.ndarray) -> float:
    """PSNR of the estimate in 8 bits."""
    return psnr(images.to_8_bits(estimate), 255 * clean)


def truncated(estimate: np.ndarray, clean: np.ndarray) -> float:
    """PSNR of the estimate cast to uint8: rounded down."""
    return psnr(np.uint8(255 * np.clip(estimate, 0, 1)), 255 * clean)


def own_range(estimate: np.ndarray, clean: np.ndarray) -> float:
    """PSNR with the range of the true image as the peak."""
    peak = float(clean.max() - clean.min())
    return psnr(np.clip(estimate, 0, 1), clean, peak)


def own_range_inside(estimate: np.ndarray, clean: np.ndarray, factor: int) -> float:
    """The same of 8 bits without the border."""
    inside = clean[factor:-factor, factor:-factor]
    range_in_db = 20 * np.log10((float(inside.max()) - float(inside.min())) / 255)
    return psnr_inside(estimate, clean, factor) + float(range_in_db)


def with_border(estimate: np.ndarray, clean: np.ndarray, factor: int) -> float:
    """PSNR of all pixels."""
    del factor
    return psnr(estimate, clean)


def without_20_pixels(estimate: np.ndarray, clean: np.ndarray) -> float:
    """PSNR without a border of 20 pixels, as long as there is an inside."""
    border = min(20, min(clean.shape[:2]) // 4)
    inside = np.s_[border:-border, border:-border]
    return psnr(np.clip(estimate, 0, 1)[inside], clean[inside], 1.0)


def keras_psnr(estimate: np.ndarray, clean: np.ndarray) -> float:
    """`keras.ops.psnr` of two images of 8 bits."""
    import keras

    pair = (images.to_8_bits(image) for image in (estimate, clean))
    return float(keras.ops.psnr(*map(keras.ops.convert_to_tensor, pair), max_val=255))


def wrapped(estimate: np.ndarray, clean: np.ndarray) -> float:
    """PSNR whose difference and square are computed in 8 bits."""
    difference = images.to_8_bits(estimate) - images.to_8_bits(clean)
    return float(10 * np.log10(255**2 / np.mean(difference * difference)))


def skimage_ssim(estimate: np.ndarray, clean: np.ndarray) -> float:
    """SSIM by scikit-image's defaults: a square window of 7 x 7."""
    pair = (clean[..., 0], np.clip(estimate[..., 0], 0, 1))
    return float(metrics.structural_similarity(*pair, data_range=1.0))


def skimage_range_2(estimate: np.ndarray, clean: np.ndarray) -> float:
    """The same, taken for images from -1 to 1, as was long the default of floats."""
    pair = (clean[..., 0], np.clip(estimate[..., 0], 0, 1))
    return float(metrics.structural_similarity(*pair, data_range=2.0))


def tensorflow_ssim(estimate: np.ndarray, clean: np.ndarray) -> float:
    """SSIM by `tf.image.ssim`."""
    import tensorflow as tf

    pair = (np.float32(clean), np.float32(np.clip(estimate, 0, 1)))
    return float(tf.image.ssim(*pair, max_val=1.0))


def ssim_255_of_unit(estimate: np.ndarray, clean: np.ndarray) -> float:
    """SSIM of images in [0, 1] with the constants of 0 to 255."""
    pair = (clean[..., 0], np.clip(estimate[..., 0], 0, 1))
    return float(metrics.structural_similarity(*pair, data_range=255.0))


_ssim = functools.partial(Choice, metric="ssim")
OUR_SSIM = _ssim("wang_ssim", "SSIM of Wang et al.: ours", {"score": wang_ssim})
CHOICES = (
    Choice("not_clipped", "estimate not clipped", {"score": not_clipped}),
    Choice("rounded", "estimate rounded to 8 bits", {"score": rounded}),
    Choice(
        "truncated", "estimate cast to uint8 without rounding", {"score": truncated}
    ),
    Choice(
        "own_range",
        "the image's own range as the peak",
        {"score": own_range},
        {"score": own_range_inside},
    ),
    Choice(
        "with_border", "border not cropped", super_resolution={"score": with_border}
    ),
    Choice(
        "without_20_pixels",
        "a border of 20 pixels cropped",
        {"score": without_20_pixels},
        cure="measure all pixels",
    ),
    Choice("wrapped", "difference and square in uint8", {"score": wrapped}),
    Choice(
        "keras_psnr",
        "`keras.ops.psnr` of uint8",
        {"score": keras_psnr},
        packages=("keras",),
    ),
    OUR_SSIM,
    _ssim(
        "skimage_ssim",
        "SSIM by scikit-image's defaults",
        {"score": skimage_ssim},
        packages=("scikit-image",),
    ),
    _ssim(
        "skimage_range_2",
        "the same with `data_range=2`",
        {"score": skimage_range_2},
        packages=("scikit-image",),
    ),
    _ssim(
        "tensorflow_ssim",
        "SSIM by `tf.image.ssim`",
        {"score": tensorflow_ssim},
        packages=("tensorflow",),
    ),
    _ssim(
        "ssim_255",
        "SSIM of images in [0, 1] with `data_range=255`",
        {"score": ssim_255_of_unit},
        packages=("scikit-image",),
    ),
)
