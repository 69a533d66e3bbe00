"""The gradient of the likelihood (equation 9)."""

from keras import ops

from rim_tf import arguments
from rim_tf.forward_models.base import ForwardModel


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
