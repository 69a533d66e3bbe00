"""Choices about how images are made small, by library; ours is MATLAB's `imresize`."""

import io
from collections.abc import Callable

import numpy as np
import skimage.transform
from PIL import Image
from scipy import ndimage

from paper_experiments.choices.methods import BASELINE
from paper_experiments.choices.steps import Choice, Method, NotMeasurableError, shrink
from rim_tf import bicubic
from rim_tf.images import round_to_uint8

_OPENCV = ("opencv-python-headless", "opencv-python")


def newer_matlab(rgb: np.ndarray, factor: int) -> np.ndarray:
    """As releases of MATLAB since about 2015: the border is mirrored."""
    return bicubic.imresize_uint8(rgb, size_of(rgb, factor), "symmetric")


def pillow(rgb: np.ndarray, factor: int) -> np.ndarray:
    """Pillow's `resize(BICUBIC)`."""
    height, width = size_of(rgb, factor)
    image = Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def pillow_lanczos(rgb: np.ndarray, factor: int) -> np.ndarray:
    """Pillow's `resize(LANCZOS)`."""
    height, width = size_of(rgb, factor)
    image = Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image)


def tensorflow(rgb: np.ndarray, factor: int) -> np.ndarray:
    """`tf.image.resize(method="bicubic", antialias=True)`."""
    import tensorflow as tf

    size = size_of(rgb, factor)
    made = tf.image.resize(np.float32(rgb), size, "bicubic", antialias=True)
    return round_to_uint8(made.numpy())


def tensorflow_default(rgb: np.ndarray, factor: int) -> np.ndarray:
    """`tf.image.resize(method="bicubic")`, whose default is no antialiasing."""
    import tensorflow as tf

    made = tf.image.resize(np.float32(rgb), size_of(rgb, factor), "bicubic")
    return round_to_uint8(made.numpy())


def tensorflow_1(rgb: np.ndarray, factor: int) -> np.ndarray:
    """`tf.compat.v1.image.resize_bicubic`, whose grid begins in a corner."""
    import tensorflow as tf

    # That it is deprecated is the point.
    tf.get_logger().setLevel("ERROR")
    batch = np.float32(rgb)[np.newaxis]
    made = tf.compat.v1.image.resize_bicubic(batch, size_of(rgb, factor))
    return round_to_uint8(made.numpy()[0])


def keras(rgb: np.ndarray, factor: int) -> np.ndarray:
    """`keras.ops.image.resize(interpolation="bicubic", antialias=True)`."""
    import keras

    made = keras.ops.image.resize(
        np.float32(rgb),
        size_of(rgb, factor),
        interpolation="bicubic",
        antialias=True,
        data_format="channels_last",
    )
    return round_to_uint8(keras.ops.convert_to_numpy(made))


def jax(rgb: np.ndarray, factor: int) -> np.ndarray:
    """`jax.image.resize(method="bicubic")`, whose default is antialiasing."""
    import jax

    shape = (*size_of(rgb, factor), 3)
    made = jax.image.resize(np.float32(rgb), shape, "bicubic")
    return round_to_uint8(np.asarray(made))


def skimage_order_3(rgb: np.ndarray, factor: int) -> np.ndarray:
    """scikit-image's `resize(order=3)`, whose default is a Gaussian first."""
    made = skimage.transform.resize(
        rgb, size_of(rgb, factor), order=3, preserve_range=True, anti_aliasing=True
    )
    return round_to_uint8(made)


def scipy_zoom(rgb: np.ndarray, factor: int) -> np.ndarray:
    """SciPy's `zoom(order=3)`, whose grid puts corner on corner."""
    size = np.array(size_of(rgb, factor)) / rgb.shape[:2]
    return round_to_uint8(ndimage.zoom(np.float64(rgb), (*size, 1), order=3))


def opencv_cubic(rgb: np.ndarray, factor: int) -> np.ndarray:
    """OpenCV's `INTER_CUBIC`, without antialiasing."""
    import cv2

    return cv2.resize(rgb, size_of(rgb, factor)[::-1], interpolation=cv2.INTER_CUBIC)


def opencv_area(rgb: np.ndarray, factor: int) -> np.ndarray:
    """OpenCV's `INTER_AREA`: the mean of the pixels that a pixel covers."""
    import cv2

    return cv2.resize(rgb, size_of(rgb, factor)[::-1], interpolation=cv2.INTER_AREA)


def opencv_linear(rgb: np.ndarray, factor: int) -> np.ndarray:
    """OpenCV's `resize` with its default, `INTER_LINEAR`."""
    import cv2

    return cv2.resize(rgb, size_of(rgb, factor)[::-1])


def torch_antialias(rgb: np.ndarray, factor: int) -> np.ndarray:
    """`torch.nn.functional.interpolate(mode="bicubic", antialias=True)`."""
    return _torch(rgb, factor, antialias=True)


def torch_default(rgb: np.ndarray, factor: int) -> np.ndarray:
    """`torch.nn.functional.interpolate(mode="bicubic")`: no antialiasing."""
    return _torch(rgb, factor, antialias=False)


def _torch(rgb: np.ndarray, factor: int, antialias: bool) -> np.ndarray:
    import torch

    made = torch.nn.functional.interpolate(
        _channels_first(rgb),
        size=size_of(rgb, factor),
        mode="bicubic",
        align_corners=False,
        antialias=antialias,
    )
    return _channels_last(made)


def kornia(rgb: np.ndarray, factor: int) -> np.ndarray:
    """Kornia's `resize(interpolation="bicubic", antialias=True)`: a Gaussian first."""
    import kornia

    made = kornia.geometry.transform.resize(
        _channels_first(rgb),
        size_of(rgb, factor),
        interpolation="bicubic",
        antialias=True,
    )
    return _channels_last(made)


def deepinv(rgb: np.ndarray, factor: int) -> np.ndarray:
    """Deepinv's `Downsampling(filter="bicubic")`."""
    return _deepinv("Downsampling", rgb, factor, filter="bicubic", padding="replicate")


def deepinv_matlab(rgb: np.ndarray, factor: int) -> np.ndarray:
    """Deepinv's `DownsamplingMatlab`."""
    return _deepinv("DownsamplingMatlab", rgb, factor)


def _deepinv(name: str, rgb: np.ndarray, factor: int, **settings: str) -> np.ndarray:
    import deepinv

    image = _channels_first(rgb) / 255
    if name == "Downsampling":
        settings["img_size"] = tuple(image.shape[1:])
    made = 255 * getattr(deepinv.physics, name)(factor=factor, **settings)(image)
    height, width = size_of(rgb, factor)
    return _channels_last(made)[:height, :width]


def _channels_first(rgb: np.ndarray):
    import torch

    return torch.from_numpy(np.float32(rgb)).permute(2, 0, 1)[None]


def _channels_last(batch) -> np.ndarray:
    return round_to_uint8(batch[0].permute(1, 2, 0).numpy())


def every_pixel(rgb: np.ndarray, factor: int) -> np.ndarray:
    """Every n-th pixel, from the first on."""
    return rgb[::factor, ::factor]


def saved_as_jpeg(rgb: np.ndarray, factor: int) -> np.ndarray:
    """MATLAB's small image, saved as JPEG at quality 95."""
    file = io.BytesIO()
    Image.fromarray(shrink(rgb, factor)).save(file, "JPEG", quality=95)
    return np.asarray(Image.open(file).convert("RGB"))


def enlarge_by_opencv(
    method: Method, small: np.ndarray, factor: int, luminance: Callable
) -> np.ndarray:
    """Enlarges by OpenCV's `INTER_CUBIC`, whose kernel is torch's and not MATLAB's."""
    if method.name != BASELINE:
        raise NotMeasurableError("a network does not enlarge by bicubic")
    import cv2

    size = (factor * small.shape[1], factor * small.shape[0])
    return luminance(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC))


def size_of(rgb: np.ndarray, factor: int) -> tuple[int, int]:
    """Returns height and width of the small image."""
    height, width = rgb.shape[:2]
    return height // factor, width // factor


def _made(name: str, what: str, function: Callable, *packages: str) -> Choice:
    return Choice(name, what, super_resolution={"shrink": function}, packages=packages)


CHOICES = (
    _made("newer_matlab", "MATLAB's newer border, mirrored", newer_matlab),
    _made("pillow", "Pillow, `BICUBIC`", pillow, "pillow"),
    _made("pillow_lanczos", "Pillow, `LANCZOS`", pillow_lanczos, "pillow"),
    _made(
        "tensorflow",
        "`tf.image.resize`, bicubic, antialias",
        tensorflow,
        "tensorflow",
    ),
    _made(
        "tensorflow_default",
        "`tf.image.resize`, bicubic, its default",
        tensorflow_default,
        "tensorflow",
    ),
    _made(
        "tensorflow_1",
        "`tf.compat.v1.image.resize_bicubic`",
        tensorflow_1,
        "tensorflow",
    ),
    _made("keras", "`keras.ops.image.resize`, bicubic, antialias", keras, "keras"),
    _made("jax", "`jax.image.resize`, bicubic", jax, "jax"),
    _made(
        "skimage_order_3",
        "scikit-image, `resize(order=3)`",
        skimage_order_3,
        "scikit-image",
    ),
    _made("scipy_zoom", "SciPy, `zoom(order=3)`", scipy_zoom, "scipy"),
    _made("opencv_cubic", "OpenCV, `INTER_CUBIC`", opencv_cubic, *_OPENCV),
    _made("opencv_area", "OpenCV, `INTER_AREA`", opencv_area, *_OPENCV),
    _made(
        "opencv_linear", "OpenCV, its default `INTER_LINEAR`", opencv_linear, *_OPENCV
    ),
    _made("torch_antialias", "torch, bicubic, antialias", torch_antialias, "torch"),
    _made("torch_default", "torch, bicubic, its default", torch_default, "torch"),
    _made("kornia", "kornia, bicubic, antialias", kornia, "kornia"),
    _made("deepinv", 'deepinv, `Downsampling("bicubic")`', deepinv, "deepinv"),
    _made("deepinv_matlab", "deepinv, `DownsamplingMatlab`", deepinv_matlab, "deepinv"),
    _made("every_pixel", "every n-th pixel", every_pixel),
    _made(
        "saved_as_jpeg", "small image saved as JPEG, quality 95", saved_as_jpeg
    )._replace(cure="save small images as PNG"),
    Choice(
        "opencv_enlarged",
        "MATLAB's small image, enlarged by OpenCV's `INTER_CUBIC`",
        super_resolution={"enlarge": enlarge_by_opencv},
        packages=_OPENCV,
    ),
    Choice(
        "opencv_both",
        "OpenCV, `INTER_CUBIC`, made small and enlarged",
        super_resolution={"shrink": opencv_cubic, "enlarge": enlarge_by_opencv},
        packages=_OPENCV,
    ),
)
