"""Choices about the images themselves: decoder, grey, luminance, size."""

import io
from collections.abc import Callable

import numpy as np
import skimage.color
from PIL import Image

from paper_experiments.choices.methods import BASELINE
from paper_experiments.choices.steps import (
    Choice,
    Method,
    NotMeasurableError,
    Photograph,
)
from rim_tf import bicubic, images
from rim_tf.images import round_to_uint8

_FOUR_DIGITS = (0.2989, 0.5870, 0.1140)


def tensorflow_jpeg(photograph: Photograph) -> np.ndarray:
    """Decodes the file with TensorFlow's default, a quick integer transform."""
    if photograph.jpeg is None:
        raise NotMeasurableError("the JPEG file is not known")
    import tensorflow as tf

    return tf.io.decode_jpeg(photograph.jpeg.read_bytes(), channels=3).numpy()


def saved_again(photograph: Photograph) -> np.ndarray:
    """Saves and reads the image as JPEG once more, at Pillow's default quality."""
    file = io.BytesIO()
    Image.fromarray(photograph.rgb).save(file, "JPEG")
    return np.asarray(Image.open(file).convert("RGB"))


def four_digits(rgb: np.ndarray) -> np.ndarray:
    """Grey with the weights that manuals print."""
    return round_to_uint8(rgb @ np.array(_FOUR_DIGITS))[..., np.newaxis]


def pillow_gray(rgb: np.ndarray) -> np.ndarray:
    """Grey as `convert("L")` makes it."""
    return np.asarray(Image.fromarray(rgb).convert("L"))[..., np.newaxis]


def skimage_gray(rgb: np.ndarray) -> np.ndarray:
    """Grey as scikit-image makes it: weights of another standard, no rounding."""
    return 255 * skimage.color.rgb2gray(rgb)[..., np.newaxis]


def tensorflow_gray(rgb: np.ndarray) -> np.ndarray:
    """Grey as `tf.image.rgb_to_grayscale` makes it of 8 bits."""
    import tensorflow as tf

    return tf.image.rgb_to_grayscale(rgb).numpy()


def opencv_gray(rgb: np.ndarray) -> np.ndarray:
    """Grey as OpenCV makes it."""
    import cv2

    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., np.newaxis]


def channel_mean(rgb: np.ndarray) -> np.ndarray:
    """Grey as the mean of the channels."""
    return round_to_uint8(rgb.mean(axis=-1, keepdims=True))


def green(rgb: np.ndarray) -> np.ndarray:
    """The green channel."""
    return rgb[..., 1:2]


def full_range(rgb: np.ndarray) -> np.ndarray:
    """Luminance between 0 and 255, as in JPEG files and as Pillow makes it."""
    return np.asarray(Image.fromarray(rgb).convert("YCbCr"))[..., :1]


def enlarge_in_color(
    method: Method, small: np.ndarray, factor: int, luminance: Callable
) -> np.ndarray:
    """Makes an RGB image larger; a network its luminance, and bicubic the chroma."""
    if method.name == BASELINE:
        return method.enlarge(small, factor, luminance)
    enlarged = method.enlarge(small, factor, images.to_luminance)
    chroma = bicubic.imresize_uint8(small, enlarged.shape[:2])
    return images.to_8_bits(images.replace_luminance(chroma, enlarged))


def no_crop(rgb: np.ndarray, factor: int) -> np.ndarray:
    """Leaves the size as it is."""
    del factor
    return rgb


def shrink_any_size(rgb: np.ndarray, factor: int) -> np.ndarray:
    """MATLAB's `imresize(I, 1 / factor)`, whose sizes are rounded up."""
    return bicubic.imresize_uint8(rgb, scale=1 / factor)


CHOICES = (
    Choice(
        "tensorflow_jpeg",
        "JPEG decoded by `tf.io.decode_jpeg`, its default",
        {"decode": tensorflow_jpeg},
        {"decode": tensorflow_jpeg},
        ("tensorflow",),
    ),
    Choice(
        "saved_again",
        "images saved as JPEG once more",
        {"decode": saved_again},
        {"decode": saved_again},
        ("pillow",),
    ),
    Choice("four_digits", "grey with weights of four digits", {"gray": four_digits}),
    Choice(
        "pillow_gray",
        'grey by Pillow\'s `convert("L")`',
        {"gray": pillow_gray},
        packages=("pillow",),
    ),
    Choice(
        "opencv_gray",
        "grey by OpenCV's `COLOR_RGB2GRAY`",
        {"gray": opencv_gray},
        packages=("opencv-python-headless", "opencv-python"),
    ),
    Choice(
        "tensorflow_gray",
        "grey by `tf.image.rgb_to_grayscale`",
        {"gray": tensorflow_gray},
        packages=("tensorflow",),
    ),
    Choice(
        "skimage_gray",
        "grey by scikit-image's `rgb2gray`",
        {"gray": skimage_gray},
        packages=("scikit-image",),
    ),
    Choice("channel_mean", "grey as the mean of the channels", {"gray": channel_mean}),
    Choice("green", "the green channel for grey", {"gray": green}),
    Choice(
        "full_range",
        "luminance from 0 to 255",
        super_resolution={"luminance": full_range},
    ),
    Choice(
        "rgb",
        "PSNR of red, green and blue, for that of luminance",
        super_resolution={"luminance": images.to_rgb, "enlarge": enlarge_in_color},
        cure="measure the luminance of `rim_tf.images.to_luminance`",
    ),
    Choice(
        "no_crop",
        "images not cut to a multiple of the factor",
        super_resolution={"crop": no_crop, "shrink": shrink_any_size},
        cure="cut images to a multiple of the factor before they are made small",
    ),
)
