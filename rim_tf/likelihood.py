"""The gradient of the likelihood: equation 9, or that of a likelihood of your own."""

from collections.abc import Callable
from typing import Any

from keras import ops

from rim_tf import arguments
from rim_tf.forward_models.base import ForwardModel
from rim_tf.forward_models.linear_function import transposed


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
      epsilon: Keeps the gradient finite when sigma is 0: a scalar, 0 or more, and
        positive where sigma may be 0.

    Returns:
      A tensor of the shape and dtype of `estimate`.

    Raises:
      ValueError: If y is not of floats, or not of the shape of A x.
    """
    name = type(forward_model).__name__
    estimate = ops.convert_to_tensor(estimate)
    measured = ops.convert_to_tensor(forward_model.forward(estimate))
    observation = arguments.check_floats(observation, f"{name} has observations y")
    if not arguments.fits(tuple(observation.shape), tuple(measured.shape)):
        raise ValueError(
            f"y has the shape {tuple(observation.shape)}, but A x, which {name} makes "
            f"of x, {tuple(measured.shape)}."
        )
    residual = ops.cast(observation, measured.dtype) - measured
    sigma, epsilon = (ops.cast(v, estimate.dtype) for v in (sigma, epsilon))
    precision = 1.0 / (ops.square(sigma) + epsilon)
    # A user's operator may compute in another dtype.
    back = ops.cast(forward_model.adjoint(residual), estimate.dtype)
    return ops.reshape(precision, (-1, 1, 1, 1)) * back


class LogLikelihood:
    """log p(y | x) of any forward model and any noise, in the place of equation 9.

    It takes the place of the forward model in a call of a `RIM`, in `rim_tf.restore`,
    and in what a problem draws for a training. Give the logarithm, which automatic
    differentiation takes, or its gradient.

    **A trained network knows gradients of the scale of equation 9 only**, which epsilon
    bounds: 1 / (variance + epsilon) times a difference of pixels. Of counts of up to 60
    photons `rim_denoise` made 29.6 dB with the gradient below, and 21.8 dB with that of
    y log(x) - 60 x, which is larger where the image is dark. So add the epsilon of the
    model to a variance; or train with yours.

    Args:
      start: From y to the first estimate, `(batch, height, width, channels)` in [0, 1].
      value: From x, y and sigma, `(batch,)`, to log p(y | x) of each image, `(batch,)`,
        up to what does not depend on x. Made of `keras.ops`, or of the backend's own
        operations; of each image alone.
      gradient: From the same to the gradient with respect to x, of the shape of x.

    Raises:
      TypeError: If not one of `value` and `gradient` is given, or one is no function.

    Example:

        # Counts of at most 60 photons, whose variance is their mean.
        photons = LogLikelihood(
            lambda y: y / 60,
            gradient=lambda x, y, sigma: (y / 60 - x) / (x / 60 + model.epsilon),
        )
        restored = rim_tf.restore(model, counts, photons)
    """

    def __init__(
        self,
        start: Callable,
        value: Callable | None = None,
        gradient: Callable | None = None,
    ):
        given = [f for f in (value, gradient) if f is not None]
        if len(given) != 1 or not all(map(callable, (start, *given))):
            raise TypeError(
                "LogLikelihood needs two functions: start, and value or gradient."
            )
        self.start, self._value, self._gradient = start, value, gradient

    def __str__(self) -> str:
        return type(self).__name__

    def initial_estimate(self, observation):
        """Returns the image from which the RIM starts."""
        return self.start(observation)

    def gradient(self, estimate, observation, sigma):
        """Returns the gradient of log p(y | x) with respect to x.

        Args:
          estimate: x, `(batch, height, width, channels)` float32 in [0, 1].
          observation: y.
          sigma: `(batch,)` float32.

        Returns:
          A tensor of the shape and dtype of `estimate`.

        Raises:
          NoGradientError: If automatic differentiation finds none.
          ValueError: If a function returns another shape than it should.
        """
        estimate = ops.convert_to_tensor(estimate)
        if self._gradient is not None:
            gradient = self._gradient(estimate, observation, sigma)
        else:
            gradient = self._differentiated(estimate, observation, sigma)
        _check_shape(gradient, estimate.shape, "gradient")
        return ops.cast(gradient, estimate.dtype)

    def _differentiated(self, estimate, observation, sigma) -> Any:
        def value(estimate: Any):
            value = self._value(estimate, observation, sigma)
            _check_shape(value, estimate.shape[:1], "value")
            return ops.cast(value, estimate.dtype)

        one = ops.ones(ops.shape(estimate)[:1], estimate.dtype)
        return transposed(value, estimate, one)


def _check_shape(values, wanted, name: str) -> None:
    shape = None if values is None else tuple(values.shape)
    if shape is None or not arguments.fits(shape, tuple(wanted)):
        raise ValueError(
            f"{name} of LogLikelihood must return a tensor of shape "
            f"{arguments.describe(tuple(wanted))}, got {shape}."
        )
