"""Forward models y = A x + n (equation 1) and the likelihood gradient (equation 9).

A forward model says how an image becomes an observation. Write your own by
subclassing `ForwardModel` with `forward` and `adjoint`.
"""

import abc

from keras import ops


class ForwardModel(abc.ABC):
    """A linear operator A, known and the same in training and at the test or not."""

    @abc.abstractmethod
    def forward(self, image):
        """Returns A x.

        Args:
          image: x, `(batch, height, width, channels)` float32 in [0, 1].
        """

    @abc.abstractmethod
    def adjoint(self, observation):
        """Returns A^T y, of the image's shape, for y of the observation's shape."""

    def initial_estimate(self, observation):
        """Returns the image from which the RIM starts: A^T y, unless overridden."""
        return self.adjoint(observation)


class Denoising(ForwardModel):
    """A = I: the observation is the image with noise added."""

    def forward(self, image):
        return image

    def adjoint(self, observation):
        return observation


def likelihood_gradient(
    estimate, observation, sigma, forward_model: ForwardModel, epsilon=0.0
):
    """Gradient of the Gaussian log-likelihood log p(y | x) (equation 9).

        1 / (sigma^2 + epsilon) A^T (y - A x)

    Args:
      estimate: x, `(batch, height, width, channels)` float32 in [0, 1].
      observation: y, float32, of the shape that `forward_model.forward` returns.
      sigma: Standard deviation of the noise in the unit of y, `(batch,)` float32.
      forward_model: The operator A.
      epsilon: Keeps the gradient finite when sigma is 0: a positive scalar.

    Returns:
      A tensor of the shape and dtype of `estimate`.
    """
    residual = observation - forward_model.forward(estimate)
    precision = 1.0 / (ops.square(sigma) + epsilon)
    return ops.reshape(precision, (-1, 1, 1, 1)) * forward_model.adjoint(residual)
