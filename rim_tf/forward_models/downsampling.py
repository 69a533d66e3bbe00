"""Bicubic down-sampling, the forward model of super-resolution (section 3.3)."""

import numbers
from collections.abc import Sequence

import numpy as np
from keras import ops

from rim_tf import arguments, bicubic
from rim_tf.forward_models.base import ForwardModel


class BicubicDownsampling(ForwardModel):
    """MATLAB's bicubic down-sampling, without rounding (section 3.3).

    x is `(batch, height, width, channels)`, y is `(batch, height / factor, width /
    factor, channels)`. The RIM starts from the bicubic up-sampling of y, which is
    not the adjoint.

    Args:
      factor: A positive integer that divides height and width.
      boundary: See `rim_tf.bicubic.resize_matrix`.

    Raises:
      ValueError: If the factor is not a positive integer, or the boundary unknown.
    """

    def __init__(self, factor: int, boundary: str = "replicate"):
        if not isinstance(factor, numbers.Integral) or factor < 1:
            raise ValueError(f"factor must be a positive integer, not {factor}.")
        arguments.check_boundary(boundary, bicubic.BOUNDARIES)
        self.factor = int(factor)
        self.boundary = boundary

    def forward(self, image):
        image = self._image(image)
        sizes = self._known_sizes(image)
        if any(size % self.factor for size in sizes):
            raise ValueError(
                f"BicubicDownsampling({self.factor}) needs images whose height and "
                f"width are multiples of {self.factor}, got {tuple(image.shape)}."
            )
        return bicubic.apply_matrices(image, *self._matrices(sizes))

    def adjoint(self, observation):
        observation = self._observation(observation)
        rows, columns = self._matrices(self._enlarged(observation))
        return bicubic.apply_matrices(observation, rows.T, columns.T)

    def initial_estimate(self, observation):
        observation = self._observation(observation)
        size = self._enlarged(observation)
        return bicubic.imresize(observation, size, self.boundary)

    def _known_sizes(self, values) -> list[int]:
        sizes = list(values.shape[1:3])
        if None in sizes:
            raise ValueError(
                f"BicubicDownsampling({self.factor}) needs a known height and width, "
                f"got {tuple(values.shape)}."
            )
        return sizes

    def _enlarged(self, observation) -> list[int]:
        return [self.factor * size for size in self._known_sizes(observation)]

    def _matrices(self, sizes: list[int]) -> list[np.ndarray]:
        return [
            bicubic.resize_matrix(size, size // self.factor, self.boundary)
            for size in sizes
        ]


class Resizing(ForwardModel):
    """Images of one size made smaller by given matrices.

    Args:
      smaller: The matrices of A for rows and columns, `(new size, size)`.
      larger: Those that make the first estimate of y.
    """

    def __init__(self, smaller: Sequence, larger: Sequence):
        self._smaller, self._larger = smaller, larger

    def forward(self, image):
        return bicubic.apply_matrices(image, *self._smaller)

    def adjoint(self, observation):
        return bicubic.apply_matrices(observation, *map(ops.transpose, self._smaller))

    def initial_estimate(self, observation):
        return bicubic.apply_matrices(observation, *self._larger)


def in_graph(factor: int, size) -> Resizing:
    """Returns `BicubicDownsampling` of a size that is known only when a graph runs.

    Args:
      factor: See there.
      size: Height and width of y, integer tensors.
    """
    resize = bicubic.resize_matrix_in_graph
    return Resizing(
        [resize(factor * n, factor, is_larger=False) for n in size],
        [resize(n, factor, is_larger=True) for n in size],
    )
