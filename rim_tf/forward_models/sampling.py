"""Samples of an image: a sensor's mosaic of colours, and skipped rows and columns."""

import numbers

import numpy as np
from keras import ops

from rim_tf import arguments, bicubic
from rim_tf.forward_models.base import ForwardModel
from rim_tf.forward_models.pixels import LEAST_SHARE_TO_INTERPOLATE

# Of bilinear interpolation of samples that are two pixels apart.
_TENT = np.float32([[1, 2, 1], [2, 4, 2], [1, 2, 1]])


class Mosaic(ForwardModel):
    """The colour filter array of a camera: of each pixel one colour is measured.

    x is `(batch, height, width, 3)`, RGB; y is `(batch, height, width, 1)`, the raw
    image of the sensor, of any size. The RIM starts from the bilinear interpolation of
    each colour.

    Args:
      pattern: The colours of the first two pixels of the first row, and of those of
        the second: one of `PATTERNS`, such as "RGGB".

    Raises:
      ValueError: If the pattern is unknown.
    """

    PATTERNS = ("RGGB", "BGGR", "GRBG", "GBRG")
    norm = 1.0
    image_shape = (None, None, 3)
    observation_shape = (None, None, 1)

    def __init__(self, pattern: str):
        if pattern not in self.PATTERNS:
            raise ValueError(f"pattern must be one of {self.PATTERNS}, not {pattern}.")
        self.pattern = pattern
        colors = np.reshape(["RGB".index(color) for color in pattern], (2, 2))
        # 1 where a colour is measured, of two by two pixels.
        self._cell = np.eye(3, dtype="float32")[colors]

    def __str__(self) -> str:
        return f"Mosaic({self.pattern!r})"

    def forward(self, image):
        image = self._image(image)
        return ops.sum(self._measured(image) * image, axis=-1, keepdims=True)

    def adjoint(self, observation):
        observation = self._observation(observation)
        return self._measured(observation) * observation

    def initial_estimate(self, observation):
        back = self.adjoint(observation)
        measured = self._measured(observation)
        total = _blurred(back)
        # A colour that an image of one pixel width lacks stays 0.
        weight = ops.maximum(_blurred(ops.broadcast_to(measured, ops.shape(back))), 1)
        return ops.where(measured == 1, back, total / weight)

    def _measured(self, values):
        """Returns `(1, height, width, 3)`: 1 where a colour is measured, else 0."""
        height, width = ops.shape(values)[1:3]
        tiles = ops.tile(self._cell, ((height + 1) // 2, (width + 1) // 2, 1))
        return ops.cast(tiles[None, :height, :width], values.dtype)


def _blurred(images):
    """Returns each channel correlated with the tent, borders being 0."""
    kernel = ops.cast(np.repeat(_TENT[..., None, None], 3, axis=2), images.dtype)
    return ops.depthwise_conv(
        images, kernel, padding="same", data_format="channels_last"
    )


class Subsampling(ForwardModel):
    """Rows and columns are skipped: y holds the first, and every n-th from there.

    x is `(batch, height, width, channels)`, y is `(batch, height / rows, width /
    columns, channels)`. The RIM starts from the linear interpolation of y if that is
    every other row or column, else from A^T y, see `Inpainting`.

    Args:
      step: The distance of what is kept, in rows and columns: a positive integer, or
        a pair of them, such as (2, 1) for every other row.

    Raises:
      ValueError: If the step is not that.
    """

    norm = 1.0

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
