"""The noise n of y = A x + n (equation 1), and the rounding of observations."""

from typing import Any

from keras import ops

# Largest standard deviation of the noise in training, on the scale of pixels.
PAPER_MAX_SIGMA = 55 / 255
_MAX_LEVEL = 255.0


def add_noise(measured, sigma, normal) -> Any:
    """Returns y = A x + n.

    Args:
      measured: A x, `(batch, ...)` float32.
      sigma: Standard deviation of n for each image, `(batch,)`, or one number.
      normal: Standard normal numbers of the shape of `measured`.
    """
    shape = (-1, *[1] * (len(measured.shape) - 1))
    return measured + ops.reshape(sigma, shape) * normal


def round_to_8_bits(observation, numpy: Any = ops) -> Any:
    """Returns an observation clipped to [0, 1] and rounded to 256 levels, halves up.

    Args:
      observation: Floats of any shape.
      numpy: What computes: `keras.ops`, or NumPy itself for an array that is to be
        the same on every backend.
    """
    levels = numpy.floor(_MAX_LEVEL * numpy.clip(observation, 0.0, 1.0) + 0.5)
    return levels / _MAX_LEVEL
