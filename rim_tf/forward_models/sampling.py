"""Samples of an image: a sensor's mosaic of colours, and skipped rows and columns."""

import numbers

import numpy as np
from keras import ops

from rim_tf import arguments, bicubic
from rim_tf.forward_models.base import ForwardModel
from rim_tf.forward_models.pixels import LEAST_SHARE_TO_INTERPOLATE

# The filters of Malvar, He and Cutler (2004), "High-quality linear interpolation for
# demosaicing of Bayer-patterned color images", times 8. They look at a pixel and at two
# on each side: green at red or blue,
_GREEN = np.float32(
    [
        [0, 0, -1, 0, 0],
        [0, 0, 2, 0, 0],
        [-1, 2, 4, 2, -1],
        [0, 0, 2, 0, 0],
        [0, 0, -1, 0, 0],
    ]
)
# at green the colour of the pixels beside it; transposed, of those above and below,
_BESIDE = np.float32(
    [
        [0, 0, 0.5, 0, 0],
        [0, -1, 0, -1, 0],
        [-1, 4, 5, 4, -1],
        [0, -1, 0, -1, 0],
        [0, 0, 0.5, 0, 0],
    ]
)
# and red at blue, blue at red.
_ACROSS = np.float32(
    [
        [0, 0, -1.5, 0, 0],
        [0, 2, 0, 2, 0],
        [-1.5, 0, 6, 0, -1.5],
        [0, 2, 0, 2, 0],
        [0, 0, -1.5, 0, 0],
    ]
)
_RADIUS = 2


class Mosaic(ForwardModel):
    """The colour filter array of a camera: of each pixel one colour is measured.

    x is `(batch, height, width, 3)`, RGB; y is `(batch, height, width, 1)`, the raw
    image of the sensor, of any size. A RIM starts from the linear interpolation of
    Malvar, He and Cutler (2004), which takes the detail of a colour from the others,
    unless it has learnt to start from A^T y.

    Args:
      pattern: The colours of the first two pixels of the first row, and of those of
        the second: one of `PATTERNS`, such as "RGGB".

    Raises:
      ValueError: If the pattern is unknown.
    """

    PATTERNS = ("RGGB", "BGGR", "GRBG", "GBRG")
    norm = 1.0
    fills_pixels = True
    image_shape = (None, None, 3)
    observation_shape = (None, None, 1)

    def __init__(self, pattern: str):
        if pattern not in self.PATTERNS:
            raise ValueError(f"pattern must be one of {self.PATTERNS}, not {pattern}.")
        self.pattern = pattern
        colors = np.reshape(["RGB".index(color) for color in pattern], (2, 2))
        # 1 where a colour is measured, of two by two pixels.
        self._cell = np.eye(3, dtype="float32")[colors]
        self._interpolation = _interpolation_kernel(self._cell)

    def __str__(self) -> str:
        return f"Mosaic({self.pattern!r})"

    def forward(self, image):
        image = self._image(image)
        return ops.sum(self._measured(image) * image, axis=-1, keepdims=True)

    def adjoint(self, observation):
        observation = self._observation(observation)
        return self._measured(observation) * observation

    def initial_estimate(self, observation):
        observation = self._observation(observation)
        height, width = ops.shape(observation)[1:3]
        padded = observation
        for axis, size in ((1, height), (2, width)):
            padded = ops.take(padded, _mirrored(size), axis=axis)
        kernel = ops.cast(self._interpolation, observation.dtype)
        # Of each two by two pixels all colours at once.
        colors = ops.conv(
            padded, kernel, strides=2, padding="valid", data_format="channels_last"
        )
        rows, columns = ops.shape(colors)[1:3]
        colors = ops.reshape(colors, (-1, rows, columns, 2, 2, 3))
        colors = ops.transpose(colors, (0, 1, 3, 2, 4, 5))
        colors = ops.reshape(colors, (-1, 2 * rows, 2 * columns, 3))
        # To the last digit, whatever the arithmetic of the convolution.
        measured = self._measured(observation) == 1
        return ops.where(measured, observation, colors[:, :height, :width])

    def _measured(self, values):
        """Returns `(1, height, width, 3)`: 1 where a colour is measured, else 0."""
        height, width = ops.shape(values)[1:3]
        tiles = ops.tile(self._cell, ((height + 1) // 2, (width + 1) // 2, 1))
        return ops.cast(tiles[None, :height, :width], values.dtype)


def _interpolation_kernel(cell: np.ndarray) -> np.ndarray:
    """Returns `(6, 6, 1, 12)`, from 6 x 6 pixels to all colours of those in the middle.

    The last axis is row, column and colour of the pixel.
    """
    kernel = np.zeros((6, 6, 1, 2, 2, 3), "float32")
    for row, column, color in np.ndindex(2, 2, 3):
        window = kernel[row : row + 5, column : column + 5, 0, row, column, color]
        window[:] = _filter(cell, row, column, color)
    return kernel.reshape(6, 6, 1, 12)


def _filter(cell: np.ndarray, row: int, column: int, color: int) -> np.ndarray:
    """Returns the 5 x 5 filter that makes a colour of one of two by two pixels."""
    if cell[row, column, color]:
        only = np.zeros((5, 5), "float32")
        only[_RADIUS, _RADIUS] = 1
        return only
    if color == 1:
        return _GREEN / 8
    if cell[row, 1 - column, color]:
        return _BESIDE / 8
    if cell[1 - row, column, color]:
        return _BESIDE.T / 8
    return _ACROSS / 8


def _mirrored(size):
    """Returns where to look for pixels from -2 to 2 beyond an even size.

    Mirroring about the centre of the first and last pixel keeps the colours' places.
    """
    # Of one pixel there is nothing to mirror.
    period = ops.maximum(2 * (size - 1), 1)
    index = ops.arange(-_RADIUS, size + size % 2 + _RADIUS) % period
    return ops.minimum(index, period - index)


class Subsampling(ForwardModel):
    """Rows and columns are skipped: y holds the first, and every n-th from there.

    x is `(batch, height, width, channels)`, y is `(batch, height / rows, width /
    columns, channels)`. A RIM starts from the linear interpolation of y if that is
    every other row or column, else from A^T y, see `Inpainting`.

    Args:
      step: The distance of what is kept, in rows and columns: a positive integer, or
        a pair of them, such as (2, 1) for every other row.

    Raises:
      ValueError: If the step is not that.
    """

    norm = 1.0
    fills_pixels = True

    def __init__(self, step: int | tuple[int, int]):
        both = (step, step) if isinstance(step, numbers.Integral) else step
        self.step = arguments.check_size(both, "step", ("rows", "columns"))

    def __str__(self) -> str:
        return f"Subsampling({self.step})"

    def forward(self, image):
        image = self._image(image)
        sizes = zip(image.shape[1:3], self.step, strict=True)
        if any(size is not None and size % step for size, step in sizes):
            raise ValueError(
                f"{self} needs images whose height and width are multiples of its "
                f"steps, got {tuple(image.shape)}."
            )
        return image[:, :: self.step[0], :: self.step[1]]

    def adjoint(self, observation):
        image = self._observation(observation)
        for axis, step in enumerate(self.step, start=1):
            image = _spread(image, axis, step)
        return image

    @property
    def starts_from_adjoint(self) -> bool:
        return 1 / (self.step[0] * self.step[1]) < LEAST_SHARE_TO_INTERPOLATE

    def initial_estimate(self, observation):
        if self.starts_from_adjoint:
            return self.adjoint(observation)
        observation = self._observation(observation)
        if None in observation.shape[1:3]:
            raise ValueError(
                f"{self} interpolates observations of a known height and width, got "
                f"{tuple(observation.shape)}; to export, give an input_signature of "
                "one size."
            )
        sizes = zip(observation.shape[1:3], self.step, strict=True)
        matrices = [_interpolation(size, step) for size, step in sizes]
        return bicubic.apply_matrices(observation, *matrices)


def _spread(values, axis: int, step: int):
    """Returns values with step - 1 zeros behind each along an axis."""
    shape = list(ops.shape(values))
    values = ops.expand_dims(values, axis + 1)
    paddings = [[0, 0]] * 5
    paddings[axis + 1] = [0, step - 1]
    shape[0], shape[axis] = -1, shape[axis] * step
    return ops.reshape(ops.pad(values, paddings), shape)


def _interpolation(size: int, step: int) -> np.ndarray:
    """Returns the `(size * step, size)` matrix of linear interpolation of one axis.

    Behind the last sample its value goes on.
    """
    positions = np.minimum(np.arange(size * step) / step, size - 1)
    distances = np.abs(positions[:, None] - np.arange(size))
    return np.maximum(1 - distances, 0)
