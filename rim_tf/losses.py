"""What a training minimises: equation 8, and an alternative to it."""

from collections.abc import Callable
from typing import Any

from keras import ops

# The mean squared error of rounding pixels to 8 bits.
_ROUNDING_ERROR = 1 / (12 * 255**2)


def mean_squared_error(estimates, clean) -> Any:
    """Returns the loss of equation 8 with w_t = 1, a mean over steps and pixels.

    Args:
      estimates: x_1 ... x_T, `(num_steps, batch, height, width, channels)` float32.
      clean: The true images, `(batch, height, width, channels)` float32.

    Returns:
      A float32 scalar.
    """
    return ops.mean(ops.square(estimates - clean))


def log_mean_squared_error(estimates, clean) -> Any:
    """Returns the mean over steps and images of the logarithm of their squared error.

    Not the paper's loss. It is the negative of the mean PSNR but for a factor, and
    images that are easy to restore count as much as those that are not. Errors below
    that of rounding to 8 bits hardly count.

    Args:
      estimates: `(num_steps, batch, height, width, channels)` float32.
      clean: The true images, `(batch, height, width, channels)` float32.

    Returns:
      A float32 scalar.
    """
    errors = ops.mean(ops.square(estimates - clean), axis=(2, 3, 4))
    return ops.mean(ops.log(errors + _ROUNDING_ERROR))


def get(name: str) -> Callable:
    """Returns a loss by its name in the settings of a training: "mse" or "log_mse"."""
    return {"mse": mean_squared_error, "log_mse": log_mean_squared_error}[name]
