"""MATLAB's bicubic `imresize`, as a linear operator and to the last digit.

Every library has a bicubic resize of its own. Super-resolution is measured with
MATLAB's, which differs from most of them in three ways: the kernel has a = -0.5, it
is stretched when an image shrinks (antialiasing), and pixels beyond the border take
the value of the border (newer releases of MATLAB mirror the image instead).
"""

import functools
import math

import numpy as np
from keras import ops

from rim_tf import arguments
from rim_tf.images import round_to_uint8

BOUNDARIES = ("replicate", "symmetric")
_KERNEL_WIDTH = 4


# Few, as one of a large image takes a hundred megabytes.
@functools.lru_cache(maxsize=16)
def resize_matrix(
    size: int,
    new_size: int,
    boundary: str = "replicate",
    scale: float | None = None,
) -> np.ndarray:
    """Returns the matrix that resizes one axis.

    Args:
      size: Number of pixels along the axis.
      new_size: Number of pixels after resizing.
      boundary: "replicate" repeats the border pixel, as MATLAB did when the
        benchmarks were made; "symmetric" mirrors, as releases since at least
        R2015b do. Choose it to compare with your own MATLAB.
      scale: Distance of pixels before by that after; `new_size / size` if None.

    Returns:
      `(new_size, size)` float64; its rows add up to 1. Do not write to it.

    Raises:
      ValueError: If a size is not positive, or the boundary is unknown.
    """
    arguments.check_boundary(boundary, BOUNDARIES)
    if size < 1 or new_size < 1:
        raise ValueError(f"Sizes must be positive, got {size} and {new_size}.")
    indices, weights = _kernels(new_size, scale or new_size / size)
    matrix = np.zeros((new_size, size))
    rows = np.broadcast_to(np.arange(new_size)[:, None], indices.shape)
    np.add.at(matrix, (rows, _inside(indices, size, boundary)), weights)
    matrix.flags.writeable = False
    return matrix


def _kernels(number: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns which old pixels the first new ones are made of, and their weights.

    Args:
      number: Of new pixels.
      scale: Distance of pixels before by that after.

    Returns:
      Indices, int, which may lie outside of the image; and weights, float64, that add
      up to 1: both `(number, taps)`.
    """
    # Below 1 the kernel is stretched, so that it averages what it skips.
    stretch = min(scale, 1.0)
    width = _KERNEL_WIDTH / stretch
    # Positions of the new pixels in the old image, counted from 1 as in MATLAB.
    centers = np.arange(1, number + 1) / scale + 0.5 * (1 - 1 / scale)
    first = np.floor(centers - width / 2)
    indices = first[:, None] + np.arange(math.ceil(width) + 2)
    weights = stretch * _cubic(stretch * (centers[:, None] - indices))
    weights /= weights.sum(axis=1, keepdims=True)
    return indices.astype(int) - 1, weights


def resize_matrix_in_graph(size, factor: int, is_larger: bool):
    """As `resize_matrix`, of a size that is known only when a graph runs.

    Args:
      size: Number of pixels along the axis, an integer tensor.
      factor: How many times larger, or smaller, the axis becomes.
      is_larger: Which of the two.

    Returns:
      The matrix for borders that are repeated, float32.
    """
    # New pixels come in periods, between which the kernels move by whole pixels.
    period, step = (factor, 1) if is_larger else (1, factor)
    indices, weights = _kernels(period, period / step)
    starts = step * ops.arange(size // step, dtype="int32")
    indices = ops.reshape(starts, (-1, 1, 1)) + np.int32(indices)
    indices = ops.clip(indices, 0, size - 1)
    is_there = ops.expand_dims(indices, -1) == ops.arange(size, dtype="int32")
    matrix = ops.sum(
        ops.cast(is_there, "float32") * np.float32(weights)[..., None], axis=2
    )
    return ops.reshape(matrix, (-1, size))


def imresize(
    images,
    size: tuple[int, int] | None = None,
    boundary: str = "replicate",
    *,
    scale: float | None = None,
):
    """Resizes images by a linear operator, differentiable and without rounding.

    Args:
      images: `(batch, height, width, channels)`, float; height and width must be
        known when a function is compiled.
      size: The new height and width, positive integers.
      boundary: See `resize_matrix`.
      scale: Instead of the size, as MATLAB's `imresize(I, scale)`: the sizes times
        the scale, rounded up. With 0.3 for 17 pixels, other than with the size 6,
        the distance of the new pixels is 1 / 0.3, not 17 / 6.

    Returns:
      `(batch, new_height, new_width, channels)` of the dtype of `images`. The values
      may lie a little outside the range of the images.

    Raises:
      ValueError: If the images are not a batch of finite floats, or the size or the
        boundary is not one of the above, or not one of size and scale is given.
    """
    images = arguments.check_floats(
        images, "imresize takes images", ", or use imresize_uint8"
    )
    return apply_matrices(
        images, *_matrices(_static_size(images), size, boundary, scale)
    )


def _matrices(
    old: tuple[int, int],
    size: tuple[int, int] | None,
    boundary: str,
    scale: float | None,
) -> list[np.ndarray]:
    """Returns the matrices of both axes, for a new size or a scale."""
    if (size is None) == (scale is None):
        raise ValueError("imresize needs either size or scale.")
    if scale is not None:
        if not 0 < scale < np.inf:
            raise ValueError(f"scale must be a positive number, not {scale!r}.")
        size = [math.ceil(scale * n) for n in old]
    size = arguments.check_size(size)
    return [
        resize_matrix(n, new, boundary, scale) for n, new in zip(old, size, strict=True)
    ]


def apply_matrices(images, rows: np.ndarray, columns: np.ndarray):
    """Multiplies the rows and the columns of images by two matrices.

    Args:
      images: `(batch, height, width, channels)`, float.
      rows: `(new_height, height)`.
      columns: `(new_width, width)`.

    Returns:
      `(batch, new_height, new_width, channels)` of the dtype of `images`.

    Raises:
      ValueError: If one of the images is not finite. Its NaN would spread over the
        whole image, since 0 times NaN is NaN.
    """
    arguments.check_finite(images, "Images that are resized or blurred")
    rows = ops.convert_to_tensor(rows, dtype=images.dtype)
    columns = ops.convert_to_tensor(columns, dtype=images.dtype)
    return ops.einsum("ih,bhwc,jw->bijc", rows, images, columns)


def imresize_uint8(
    image: np.ndarray,
    size: tuple[int, int] | None = None,
    boundary: str = "replicate",
    *,
    scale: float | None = None,
) -> np.ndarray:
    """Returns what MATLAB's `imresize` returns for an image of 8 bits.

    MATLAB resizes one axis after the other, that with the smaller scale first, and
    rounds after each.

    Args:
      image: `(height, width)` or `(height, width, channels)` uint8.
      size: The new height and width, positive integers.
      boundary: See `resize_matrix`.
      scale: Instead of the size; see `imresize`.

    Returns:
      `(new_height, new_width)` or `(new_height, new_width, channels)` uint8.

    Raises:
      ValueError: If the image is not of 8 bits or not of such a shape, or the size
        or the boundary is not one of the above, or not one of size and scale is
        given.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise ValueError(
            "imresize_uint8 needs an image (height, width[, channels]) of 8 bits, got "
            f"{image.dtype} of shape {image.shape}."
        )
    matrices = _matrices(image.shape[:2], size, boundary, scale)
    # Of equal scales MATLAB takes rows first, though their sizes may be rounded up.
    ratios = [1, 1] if scale else [len(m) / m.shape[1] for m in matrices]
    for axis in np.argsort(ratios, stable=True):
        resized = np.tensordot(matrices[axis], image.astype(np.float64), (1, axis))
        image = round_to_uint8(np.moveaxis(resized, 0, axis))
    return image


def mirrored(indices: np.ndarray, size: int) -> np.ndarray:
    """Returns which of `size` pixels stands for one beyond a mirroring border."""
    indices = indices % (2 * size)
    return np.where(indices < size, indices, 2 * size - 1 - indices)


def _cubic(x: np.ndarray) -> np.ndarray:
    """The cubic convolution kernel of Keys (1981) with a = -0.5."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def _inside(indices: np.ndarray, size: int, boundary: str) -> np.ndarray:
    """Returns which pixel stands for one beyond the border."""
    if boundary == "replicate":
        return np.clip(indices, 0, size - 1)
    return mirrored(indices, size)


def _static_size(images) -> tuple[int, int]:
    shape = tuple(images.shape)
    if len(shape) != 4 or None in shape[1:3]:
        raise ValueError(
            "imresize needs images (batch, height, width, channels) of known height "
            f"and width, got {shape}."
        )
    return shape[1], shape[2]
