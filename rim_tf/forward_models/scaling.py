"""How much a forward model enlarges, and whether observations are on that scale."""

import warnings
from typing import Any

import numpy as np
from keras import ops

from rim_tf import arguments
from rim_tf.forward_models.base import ForwardModel
from rim_tf.noise import PAPER_MAX_SIGMA

# No noise from which an image could be restored goes so far on the scale from 0 to 1.
_LARGEST_PIXEL = 10.0
# Power iteration ends when it gains less, or after so many products.
_TOLERANCE = 1e-3
_MOST_ITERATIONS = 20
# Where A^T y shows this part of an image or less, it is a poor start.
_MOSTLY_HIDDEN = 0.5
# Of the random part of the first image: without one, an image that A enlarges little
# could hide those that it enlarges most.
_RANDOM_SHARE = 0.1


def norm(model: ForwardModel, image: np.ndarray) -> float:
    """Returns the largest singular value of A: stated by the model, or found.

    What was found is kept in the model, with the image that A enlarges so, for images
    of this shape. It is used again while A enlarges that image as before.

    Args:
      model: The forward model.
      image: From where a search begins, such as A^T y, `(batch, height, width,
        channels)`.
    """
    if model.norm is not None:
        return model.norm
    kept = vars(model).setdefault("_found_norms", {})
    if image.shape in kept:
        enlarged, found = kept[image.shape]
        if abs(_enlargement(model, enlarged)[0] - found) <= _TOLERANCE * found:
            return found
    kept[image.shape] = _power_iteration(model, image)
    return kept[image.shape][1]


def _power_iteration(model: ForwardModel, image: np.ndarray) -> tuple:
    """Returns the image of norm 1 that A enlarges most, and by how much."""
    normal = np.random.default_rng(0).standard_normal(image.shape)
    image = _unit(_unit(image) + _RANDOM_SHARE * _unit(normal))
    found = 0.0
    for _ in range(_MOST_ITERATIONS):
        # Each is a lower bound of the largest singular value, no less than the last.
        bound, measured = _enlargement(model, image)
        if bound <= (1 + _TOLERANCE) * found:
            break
        enlarged, found = image, bound
        image = _unit(ops.convert_to_numpy(model.adjoint(measured)))
    return (enlarged, found) if found else (image, 0.0)


def _enlargement(model: ForwardModel, image: np.ndarray) -> tuple[float, Any]:
    measured = model.forward(ops.convert_to_tensor(image, "float32"))
    return float(np.linalg.norm(ops.convert_to_numpy(measured))), measured


def _unit(values: np.ndarray) -> np.ndarray:
    values = values.astype(np.float64)
    return values / max(np.linalg.norm(values), np.finfo(np.float64).tiny)


def finite_adjoint(model: ForwardModel, observation) -> np.ndarray | None:
    """Returns A^T y; None while a function of y is compiled.

    Args:
      model: The forward model A.
      observation: y, of floats.

    Raises:
      ValueError: If A^T y is not finite.
    """
    image = arguments.known(model.adjoint(observation))
    if image is None or np.isfinite(image).all():
        return image
    arguments.check_finite(observation, "The observation y")
    raise ValueError(f"{model} makes of finite y an A^T y that is not finite.")


def check_start(model: ForwardModel, observation, image: np.ndarray) -> None:
    """Warns where A^T y, from which a RIM is to start, is zero whatever y is.

    Args:
      model: The forward model A.
      observation: y.
      image: A^T y, `(batch, height, width, channels)`.

    Warns:
      UserWarning: If that is so at half of the pixels or more, and the model has no
        `initial_estimate` of its own.
    """
    is_overridden = type(model).initial_estimate is not ForwardModel.initial_estimate
    if is_overridden or np.mean(image == 0) < _MOSTLY_HIDDEN:
        return
    anything = np.random.default_rng(0).uniform(1, 2, tuple(observation.shape))
    of_anything = ops.convert_to_numpy(model.adjoint(np.float32(anything)))
    hidden = np.mean(of_anything == 0)
    if hidden >= _MOSTLY_HIDDEN:
        warnings.warn(
            f"The RIM starts from A^T y of {model}, which is zero at {hidden:.0%} of "
            "the pixels; override initial_estimate by an interpolation of y, and set "
            "fills_pixels = True.",
            stacklevel=2,
        )


def check_scale(model: ForwardModel, image: np.ndarray, sigma, s: float) -> None:
    """Checks y and sigma against pixels between 0 and 1, whatever A multiplies by.

    With s the largest singular value of A, A^T y / s^2 is about as large as the
    image, and sigma / s is the noise of the same problem with s = 1.

    Args:
      model: The forward model A.
      image: A^T y, `(batch, height, width, channels)`.
      sigma: Standard deviation of the noise in the unit of y, of any shape.
      s: See above.

    Raises:
      ValueError: If A^T y / s^2 goes beyond 10, or sigma / s beyond 1.

    Warns:
      UserWarning: If sigma / s goes beyond the paper's training, 55/255.
    """
    if not s:
        return
    pixel = np.abs(image).max() / s**2
    noise = ops.convert_to_numpy(sigma).max() / s
    for what, value, largest in (
        ("a pixel", pixel, _LARGEST_PIXEL),
        ("sigma", noise, 1),
    ):
        if value > largest:
            scale = "" if s == 1 else f", its largest singular value {s:.3g} taken out"
            raise ValueError(
                "Images and sigma must be on the scale from 0 to 1, got "
                f"{value:.4g} for {what} ({model}{scale}); divide by 255 first, or by "
                "the white level."
            )
    # Of what is found the last digits are wrong.
    if noise > (1 + 10 * _TOLERANCE) * PAPER_MAX_SIGMA:
        warnings.warn(
            f"sigma is {255 * noise:.3g}/255 of the scale of pixels; the paper's "
            f"networks have learnt up to {255 * PAPER_MAX_SIGMA:.0f}/255.",
            stacklevel=2,
        )
