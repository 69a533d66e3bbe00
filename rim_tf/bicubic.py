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
def resize_matrix(size: int, new_size: int, boundary: str = "replicate") -> np.ndarray:
    """Returns the matrix that resizes one axis.

    Args:
      size: Number of pixels along the axis.
      new_size: Number of pixels after resizing.
      boundary: "replicate" repeats the border pixel, as MATLAB did when the
        benchmarks were made; "symmetric" mirrors, as newer releases do.

    Returns:
      `(new_size, size)` float64; its rows add up to 1. Do not write to it.

    Raises:
      ValueError: If a size is not positive, or the boundary is unknown.
    """
    arguments.check_boundary(boundary, BOUNDARIES)
    if size < 1 or new_size < 1:
        raise ValueError(f"Sizes must be positive, got {size} and {new_size}.")
    scale = new_size / size
    # Below 1 the kernel is stretched, so that it averages what it skips.
    stretch = min(scale, 1.0)
    width = _KERNEL_WIDTH / stretch
    # Positions of the new pixels in the old image, counted from 1 as in MATLAB.
    centers = np.arange(1, new_size + 1) / scale + 0.5 * (1 - 1 / scale)
    first = np.floor(centers - width / 2)
    indices = first[:, None] + np.arange(math.ceil(width) + 2)
    weights = stretch * _cubic(stretch * (centers[:, None] - indices))
    weights /= weights.sum(axis=1, keepdims=True)

    matrix = np.zeros((new_size, size))
    rows = np.broadcast_to(np.arange(new_size)[:, None], indices.shape)
    np.add.at(matrix, (rows, _inside(indices.astype(int) - 1, size, boundary)), weights)
    matrix.flags.writeable = False
    return matrix


def imresize(images, size: tuple[int, int], boundary: str = "replicate"):
    """Resizes images by a linear operator, differentiable and without rounding.

    Args:
      images: `(batch, height, width, channels)`, float; height and width must be
        known when a function is compiled.
      size: The new height and width, positive integers.
      boundary: See `resize_matrix`.

    Returns:
      `(batch, *size, channels)` of the dtype of `images`. The values may lie a
      little outside the range of the images.

    Raises:
      ValueError: If the images are not a batch of floats, or the size or the
        boundary is not one of the above.
    """
    images = arguments.check_floats(
        images, "imresize takes images", "divide by 255 first, or use imresize_uint8"
    )
    size = arguments.check_size(size)
    height, width = _static_size(images)
    rows = resize_matrix(height, size[0], boundary)
    columns = resize_matrix(width, size[1], boundary)
    return apply_matrices(images, rows, columns)


def apply_matrices(images, rows: np.ndarray, columns: np.ndarray):
    """Multiplies the rows and the columns of images by two matrices.

    Args:
      images: `(batch, height, width, channels)`, float.
      rows: `(new_height, height)`.
      columns: `(new_width, width)`.

    Returns:
      `(batch, new_height, new_width, channels)` of the dtype of `images`.
    """
    rows = ops.convert_to_tensor(rows, dtype=images.dtype)
    columns = ops.convert_to_tensor(columns, dtype=images.dtype)
    return ops.einsum("ih,bhwc,jw->bijc", rows, images, columns)


def imresize_uint8(
    image: np.ndarray, size: tuple[int, int], boundary: str = "replicate"
) -> np.ndarray:
    """Returns what MATLAB's `imresize` returns for an image of 8 bits.

    MATLAB resizes one axis after the other, that with the smaller scale first, and
    rounds after each.

    Args:
      image: `(height, width)` or `(height, width, channels)` uint8.
      size: The new height and width, positive integers.
      boundary: See `resize_matrix`.

    Returns:
      `(*size)` or `(*size, channels)` uint8.

    Raises:
      ValueError: If the image is not of 8 bits or not of such a shape, or the size
        or the boundary is not one of the above.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise ValueError(
            "imresize_uint8 needs an image (height, width[, channels]) of 8 bits, got "
            f"{image.dtype} of shape {image.shape}."
        )
    size = arguments.check_size(size)
    scales = [new / old for new, old in zip(size, image.shape[:2], strict=True)]
    for axis in (0, 1) if scales[0] <= scales[1] else (1, 0):
        matrix = resize_matrix(image.shape[axis], size[axis], boundary)
        resized = np.tensordot(matrix, image.astype(np.float64), axes=(1, axis))
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
