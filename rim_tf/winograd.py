"""3 x 3 convolutions with a quarter of the products: Winograd's F(4 x 4, 3 x 3).

A convolution of an image tile of 6 x 6 pixels with a kernel of 3 x 3 has 4 x 4
results. With the constant matrices below they are, for one channel,

    A^T [(B^T tile B) * (G kernel G^T)] A,

where * is element by element: 36 products instead of 144 (Lavin and Gray, "Fast
Algorithms for Convolutional Neural Networks", 2016). With many channels the products
become 36 matrix products. The results are those of the convolution, up to rounding in
the fifth digit.

This pays where arithmetic takes the time: in float32 on a CPU. A CPU's matrix units for
bfloat16 are so fast that moving the numbers takes longer, and GPUs have such kernels
already. It uses TensorFlow, with XLA for the sums of a tile; under JAX nothing changes.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from rim_tf import precision

# The names of the matrices are those of the literature.
_B_TRANSPOSED = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
_G = np.array(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ]
)
_A_TRANSPOSED = np.array(
    [
        [1, 1, 1, 1, 1, 0],
        [0, 1, -1, 2, -2, 0],
        [0, 1, 1, 4, 4, 0],
        [0, 1, -1, 8, -8, 1],
    ]
)
_OUTPUTS, _TILE = _A_TRANSPOSED.shape

# Fewer channels make matrix products too thin to be worth their preparation.
_LEAST_CHANNELS = 64
# Tiles hold 2.25 times the numbers of an image. Larger images are taken in stripes of
# about this many pixels: for memory, and because caches hold them.
_STRIPE_PIXELS = 8192


class _Border(NamedTuple):
    """Pixels of value 0 around a stripe, and the dilation of the kernel."""

    top: int
    bottom: int
    left: int
    right: int
    dilation: int

    @property
    def surplus(self) -> tuple[int, int]:
        """Rows and columns of whole tiles that are outside of the image."""
        return (
            max(self.bottom - self.dilation, 0),
            max(self.right - self.dilation, 0),
        )


def is_faster(images, kernel) -> bool:
    """Says whether `convolve` is known to be faster than the usual convolution.

    Args:
      images: `(batch, height, width, in)`.
      kernel: `(3, 3, in, out)`.
    """
    return (
        keras.backend.backend() == "tensorflow"
        and keras.backend.standardize_dtype(images.dtype) == "float32"
        and None not in images.shape[1:3]
        and tuple(kernel.shape[:2]) == (3, 3)
        and min(kernel.shape[2:]) >= _LEAST_CHANNELS
        and not precision.has_gpu()
    )


def convolve(images, kernel, dilation: int = 1):
    """Returns the convolution with stride 1 and borders of 0 ("same").

    Args:
      images: `(batch, height, width, in)` float32; height and width are known when
        the graph is made.
      kernel: `(3, 3, in, out)` float32.
      dilation: Distance of the pixels that the kernel looks at.

    Returns:
      `(batch, height, width, out)` float32.
    """
    kernel = _transform_kernel(kernel)
    height, width = images.shape[1:3]
    period = _OUTPUTS * dilation
    right = dilation + -width % period
    rows = _stripe_rows(images, period)
    stripes = []
    for first in range(0, height, rows):
        last = first + -(-min(rows, height - first) // period) * period
        seen = images[:, max(first - dilation, 0) : min(last + dilation, height)]
        border = _Border(
            top=max(dilation - first, 0),
            bottom=max(last + dilation - height, 0),
            left=dilation,
            right=right,
            dilation=dilation,
        )
        stripes.append(_convolve_stripe(seen, kernel, border))
    return stripes[0] if len(stripes) == 1 else ops.concatenate(stripes, axis=1)


def _stripe_rows(images, period: int) -> int:
    """Returns the rows of a stripe, a multiple of those of a row of tiles."""
    batch_size, height, width = images.shape[:3]
    if batch_size is None:
        return height
    return max(_STRIPE_PIXELS // (batch_size * width * period), 1) * period


def _convolve_stripe(images, kernel, border: _Border):
    """Convolves rows of an image with a transformed kernel, `(36, in, out)`."""
    tiles = _tiles()(images, border)
    products = ops.matmul(ops.reshape(tiles, (_TILE**2, -1, kernel.shape[1])), kernel)
    shape = (*tiles.shape[:2], -1, *tiles.shape[3:-1], kernel.shape[2])
    return _pixels()(ops.reshape(products, shape), border)


def _transform_kernel(kernel):
    """Returns G kernel G^T, `(36, in, out)`, as one matrix product."""
    matrix = ops.convert_to_tensor(np.kron(_G, _G), "float32")
    columns = ops.matmul(matrix, ops.reshape(kernel, (9, -1)))
    return ops.reshape(columns, (_TILE**2, *kernel.shape[2:]))


# Below, rows and columns of an image are counted as (tile, pixel in the tile, phase),
# where the phases are the `dilation` images that a dilated kernel sees apart. Tiles
# overlap by two pixels; their pixels in the direction that was not taken apart yet
# are one axis.


def _to_tiles(images, border: _Border):
    """Returns B^T tile B, `(6, 6, batch, rows, phases, columns, phases, channels)`."""
    top, bottom, left, right, dilation = border
    images = ops.pad(images, [[0, 0], [top, bottom], [left, right], [0, 0]])
    _, height, width, channels = images.shape
    images = ops.reshape(
        images,
        (-1, height // dilation, dilation, width // dilation, dilation, channels),
    )
    tiles = _combine(_B_TRANSPOSED, _overlapping(images, axis=1))
    return ops.stack(
        [ops.stack(_combine(_B_TRANSPOSED, _overlapping(row, axis=3))) for row in tiles]
    )


def _to_tiles_adjoint(tiles, border: _Border):
    columns = _combine(_B_TRANSPOSED.T, [tiles[:, i] for i in range(_TILE)])
    columns = _add_overlapping(columns, axis=4)
    rows = _combine(_B_TRANSPOSED.T, [columns[i] for i in range(_TILE)])
    images = _merge_phases(_add_overlapping(rows, axis=1))
    height, width = images.shape[1:3]
    return images[
        :, border.top : height - border.bottom, border.left : width - border.right
    ]


def _to_pixels(products, border: _Border):
    """Returns A^T products A, `(batch, height, width, channels)`."""
    rows = _combine(_A_TRANSPOSED, [products[i] for i in range(_TILE)])
    pixels = ops.stack(
        [
            ops.stack(_combine(_A_TRANSPOSED, [row[i] for i in range(_TILE)]), axis=4)
            for row in rows
        ],
        axis=2,
    )
    _, *sizes, channels = pixels.shape
    images = ops.reshape(pixels, (-1, np.prod(sizes[:3]), np.prod(sizes[3:]), channels))
    height, width = images.shape[1:3]
    surplus_rows, surplus_columns = border.surplus
    return images[:, : height - surplus_rows, : width - surplus_columns]


def _to_pixels_adjoint(images, border: _Border):
    surplus_rows, surplus_columns = border.surplus
    images = ops.pad(images, [[0, 0], [0, surplus_rows], [0, surplus_columns], [0, 0]])
    _, height, width, channels = images.shape
    dilation = border.dilation
    pixels = ops.reshape(
        images,
        (
            *(-1, height // (_OUTPUTS * dilation), _OUTPUTS, dilation),
            *(width // (_OUTPUTS * dilation), _OUTPUTS, dilation, channels),
        ),
    )
    rows = _combine(_A_TRANSPOSED.T, [pixels[:, :, i] for i in range(_OUTPUTS)])
    return ops.stack(
        [
            ops.stack(
                _combine(_A_TRANSPOSED.T, [row[:, :, :, :, i] for i in range(_OUTPUTS)])
            )
            for row in rows
        ]
    )


def _combine(matrix: np.ndarray, parts: Sequence) -> list:
    """Returns the products of a matrix with a list of tensors."""
    return [
        sum(
            (
                float(factor) * part
                for factor, part in zip(row, parts, strict=True)
                if factor
            ),
        )
        for row in matrix
    ]


def _overlapping(images, axis: int) -> list:
    """Returns pixel 0 ... 5 of all tiles along an axis."""
    index = (slice(None),) * axis
    return [
        images[(*index, slice(i, (i - _TILE + 1) or None, _OUTPUTS))]
        for i in range(_TILE)
    ]


def _add_overlapping(parts: Sequence, axis: int):
    """The adjoint of `_overlapping`: adds what tiles share."""

    def pad(part, before: int, after: int):
        paddings = [[0, 0]] * len(part.shape)
        paddings[axis] = [before, after]
        return ops.pad(part, paddings)

    pixels = [pad(part, 0, 1) for part in parts[:_OUTPUTS]]
    for i, part in enumerate(parts[_OUTPUTS:]):
        pixels[i] = pixels[i] + pad(part, 1, 0)
    images = ops.stack(pixels, axis=axis + 1)
    shape = list(images.shape)
    shape[axis : axis + 2] = [shape[axis] * _OUTPUTS]
    images = ops.reshape(images, [-1 if size is None else size for size in shape])
    # The last tile shares its last pixels with none.
    end = _TILE - 2 * _OUTPUTS
    return images[(*(slice(None),) * axis, slice(end))]


def _merge_phases(images):
    _, rows, row_phases, columns, column_phases, channels = images.shape
    return ops.reshape(
        images, (-1, rows * row_phases, columns * column_phases, channels)
    )


def _compile_linear(function: Callable, adjoint: Callable) -> Callable:
    """Compiles a linear function by XLA, as its gradient, the adjoint."""
    import tensorflow as tf

    forward = tf.function(function, jit_compile=True)
    backward = tf.function(adjoint, jit_compile=True)

    def call(tensor, border: _Border):
        @tf.custom_gradient
        def linear(tensor: Any):
            return forward(tensor, border), lambda upstream: backward(upstream, border)

        return linear(tensor)

    return call


@functools.cache
def _tiles() -> Callable:
    return _compile_linear(_to_tiles, _to_tiles_adjoint)


@functools.cache
def _pixels() -> Callable:
    return _compile_linear(_to_pixels, _to_pixels_adjoint)
