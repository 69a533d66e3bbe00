"""How much a forward model enlarges, and whether observations are on that scale."""

import warnings
from collections.abc import Iterator

import numpy as np
from keras import ops

from rim_tf import arguments
from rim_tf.forward_models.base import ForwardModel
from rim_tf.noise import PAPER_MAX_SIGMA

# No noise from which an image could be restored goes so far on the scale from 0 to 1.
_LARGEST_PIXEL = 10.0
_MOST_ITERATIONS = 30
# Of the random part of the first image: without one, an image that A enlarges little
# could hide those that it enlarges most.
_RANDOM_SHARE = 0.1


def norm(model: ForwardModel, image) -> float:
    """Returns the largest singular value of A: stated by the model, or found.

    Args:
      model: The forward model.
      image: From where a search begins, such as A^T y, `(batch, height, width,
        channels)`.
    """
    *_, last = _norms(model, image)
    return last


def finite_adjoint(model: ForwardModel, observation) -> np.ndarray | None:
    """Returns A^T y, float64; None while a function of y is compiled.

    Args:
      model: The forward model A.
      observation: y, of floats.

    Raises:
      ValueError: If A^T y is not finite.
    """
    image = arguments.known(model.adjoint(observation))
    if image is None:
        return None
    if not np.isfinite(image).all():
        arguments.check_finite(observation, "The observation y")
        raise ValueError(f"{model} makes of finite y an A^T y that is not finite.")
    return image.astype(np.float64)


def check_scale(model: ForwardModel, image: np.ndarray, sigma) -> None:
    """Checks y and sigma against pixels between 0 and 1, whatever A multiplies by.

    With s the largest singular value of A, A^T y / s^2 is about as large as the
    image, and sigma / s is the noise of the same problem with s = 1.

    Args:
      model: The forward model A.
      image: A^T y, `(batch, height, width, channels)`.
      sigma: Standard deviation of the noise in the unit of y, of any shape.

    Raises:
      ValueError: If A^T y / s^2 goes beyond 10, or sigma / s beyond 1.

    Warns:
      UserWarning: If sigma / s goes beyond the paper's training, 55/255.
    """
    pixel, noise = np.abs(image).max(), ops.convert_to_numpy(sigma).max()
    # Of a norm that is found the last digits are wrong.
    warned = 1.01 * PAPER_MAX_SIGMA
    # Each estimate of s is a lower bound. The first is near enough, but where the
    # scale is wrong.
    for s in _norms(model, image):
        if pixel <= _LARGEST_PIXEL * s**2 and noise <= warned * s:
            return
    if s == 0:
        return
    if pixel > _LARGEST_PIXEL * s**2:
        raise ValueError(_wrong("a pixel", pixel / s**2, model, s))
    if noise > s:
        raise ValueError(_wrong("sigma", noise / s, model, s))
    warnings.warn(
        f"sigma is {255 * noise / s:.3g}/255 of the scale of pixels; the paper's "
        f"networks have learnt up to {255 * PAPER_MAX_SIGMA:.0f}/255.",
        stacklevel=2,
    )


def _norms(model: ForwardModel, image) -> Iterator[float]:
    """Yields lower bounds of the largest singular value, by power iteration."""
    if model.norm is not None:
        yield model.norm
        return
    image = ops.convert_to_numpy(image).astype(np.float64)
    normal = np.random.default_rng(0).standard_normal(image.shape)
    image = _unit(_unit(image) + _RANDOM_SHARE * _unit(normal))
    for _ in range(_MOST_ITERATIONS):
        measured = model.forward(ops.convert_to_tensor(image, "float32"))
        yield float(np.linalg.norm(ops.convert_to_numpy(measured)))
        image = _unit(ops.convert_to_numpy(model.adjoint(measured)).astype(np.float64))


def _unit(values: np.ndarray) -> np.ndarray:
    return values / max(np.linalg.norm(values), np.finfo(np.float64).tiny)


def _wrong(what: str, value: float, model: ForwardModel, s: float) -> str:
    scale = "" if s == 1 else f", with A / s for A and {s:.3g} for s"
    return (
        f"Images and sigma must be on the scale from 0 to 1, got {value:.4g} for "
        f"{what} ({model}{scale}); divide by 255 first, or by the white level."
    )
