"""Restoring images with a trained RIM: any image size, any number of steps."""

import collections
from collections.abc import Iterator

import numpy as np
from keras import ops

from rim_tf import arguments
from rim_tf.forward_models import Denoising, ForwardModel
from rim_tf.rim import RIM
from rim_tf.speed import backend, stripes

# No noise from which an image could be restored goes so far on the scale from 0 to 1.
_LARGEST_PIXEL = 10.0


def restore(
    model: RIM,
    observation,
    forward_model: ForwardModel | None = None,
    sigma=0.0,
    num_steps: int | None = None,
) -> np.ndarray:
    """Restores images: the estimate x_T after `num_steps` steps.

    The memory that this takes does not depend on the number of steps.

    Args:
      model: A trained RIM, for instance of `rim_tf.load_pretrained`.
      observation: y, a NumPy array or tensor; for denoising `(batch, height,
        width, channels)`, pixels on the scale from 0 to 1. Noisy values may lie
        outside that range.
      forward_model: The operator A; `rim_tf.Denoising()` if None.
      sigma: Standard deviation of the noise in the unit of y, 0 or more: a
        scalar, or `(batch,)`.
      num_steps: T; the number of steps of the model's training if None.

    Returns:
      `(batch, height, width, channels)` float32 in [0, 1].

    Raises:
      ValueError: If the observation is of integers or its shape does not fit the
        model, or sigma is negative, or `num_steps` is less than 1; for denoising also
        if pixels or sigma are on a scale to 255.
    """
    estimates = iterate(model, observation, forward_model, sigma, num_steps)
    (last,) = collections.deque(estimates, maxlen=1)
    return ops.convert_to_numpy(last)


def iterate(
    model: RIM,
    observation,
    forward_model: ForwardModel | None = None,
    sigma=0.0,
    num_steps: int | None = None,
) -> Iterator:
    """Yields the estimates x_1 ... x_T one by one; see `restore`."""
    forward_model = forward_model or Denoising()
    num_steps = model.num_steps if num_steps is None else num_steps
    if num_steps < 1:
        raise ValueError(f"num_steps must be at least 1, not {num_steps}.")
    if not model.built:
        model.build()
    observation = arguments.check_floats(observation, "A RIM restores observations")
    observation = ops.cast(observation, "float32")
    sigma = _noise_levels(sigma, observation.shape[0])
    if isinstance(forward_model, Denoising):
        _check_scale("a pixel", observation)
        _check_scale("sigma", sigma)
    if not hasattr(model, "_compiled_update"):
        # The forward model stays outside: a new one costs no compilation, and a user's
        # own may be anything that Python can compute.
        model._compiled_update = backend.compile_method(model, model.update)
    update = stripes.in_stripes(model._compiled_update, model.cell)
    yield from model.iterate(observation, sigma, forward_model, num_steps, update)


def _check_scale(what: str, values) -> None:
    """Raises a `ValueError` for values that are not on the scale from 0 to 1."""
    largest = float(ops.max(ops.abs(values)))
    if largest > _LARGEST_PIXEL:
        raise ValueError(
            f"Images and sigma must be on the scale from 0 to 1, got {largest:g} for "
            f"{what}; divide by 255 first."
        )


def _noise_levels(sigma, batch_size: int):
    sigma = np.asarray(sigma, np.float32)
    if sigma.shape not in ((), (1,), (batch_size,)):
        raise ValueError(
            f"sigma must be a number or one per image ({batch_size}), "
            f"got the shape {sigma.shape}."
        )
    if not (sigma >= 0).all():
        raise ValueError(f"sigma must not be negative, got {sigma.min()}.")
    return ops.convert_to_tensor(np.broadcast_to(sigma, (batch_size,)))
