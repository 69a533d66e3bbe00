"""A start of the iteration by conjugate gradients, instead of A^T y."""

from collections.abc import Callable
from typing import Any

from keras import ops

from rim_tf.forward_models import ForwardModel

# More fit the observation better, and gave worse estimates; see RESULTS.md.
_STEPS = 3
# Standard deviation of the true pixels around the start, on the scale from 0 to 1.
_SPREAD = 0.25
# Of noise that is said to be none: rounding, at least.
_LEAST_SIGMA = 1 / 255


class StartByConjugateGradients(ForwardModel):
    """A, whose initial estimate fits the observation better than A^T y does.

    That is the x near to another initial estimate x_0 that minimises

        |A x - y|^2 + lambda |x - x_0|^2,    lambda = sigma^2 / spread^2

    after a few steps of conjugate gradients on the normal equations.

    Args:
      model: A, with a largest singular value of about 1.
      sigma: Standard deviation of the noise in the unit of y, `(batch,)` float32.
      first: From y to x_0.
    """

    def __init__(self, model: ForwardModel, sigma, first: Callable[[Any], Any]):
        self.model = model
        self.first = first
        self.weight = ops.reshape(
            ops.square(ops.maximum(sigma, _LEAST_SIGMA) / _SPREAD), (-1, 1, 1, 1)
        )
        self.image_shape = model.image_shape
        self.observation_shape = model.observation_shape
        self.norm = model.norm

    def __str__(self) -> str:
        return str(self.model)

    def forward(self, image):
        return self.model.forward(image)

    def adjoint(self, observation):
        return self.model.adjoint(observation)

    def initial_estimate(self, observation):
        start = self.first(observation)
        residual = self.adjoint(observation - self.forward(start))
        return start + self._solve(residual)

    def _solve(self, right):
        """Returns (A^T A + lambda)^-1 right, nearly."""
        solution, residual, direction = ops.zeros_like(right), right, right
        square = _dot(residual, residual)
        for _ in range(_STEPS):
            image = self.adjoint(self.forward(direction)) + self.weight * direction
            length = _ratio(square, _dot(direction, image))
            solution = solution + length * direction
            residual = residual - length * image
            last, square = square, _dot(residual, residual)
            direction = residual + _ratio(square, last) * direction
        return solution


def _dot(first, second):
    """Returns the inner product for each image, `(batch, 1, 1, 1)`."""
    return ops.sum(first * second, axis=(1, 2, 3), keepdims=True)


def _ratio(numerator, denominator):
    """Returns 0 where both are 0: the solution is found."""
    return ops.where(denominator > 0, numerator / ops.maximum(denominator, 1e-30), 0)
