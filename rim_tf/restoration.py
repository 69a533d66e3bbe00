"""Restoring images with a trained RIM: any image size, any number of steps."""

import collections
from collections.abc import Iterator

import numpy as np
from keras import ops

from rim_tf.forward_models import ForwardModel
from rim_tf.rim import RIM
from rim_tf.speed import backend, stripes


def restore(
    model: RIM,
    observation,
    forward_model: ForwardModel | None = None,
    sigma=None,
    num_steps: int | None = None,
    normalize: bool | None = None,
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
        scalar, or `(batch,)`. Denoising needs it; else 0 if None.
      num_steps: T; the number of steps of the model's training if None.
      normalize: Whether A, y and sigma are divided by the largest singular value of
        A, so that c A, c y and c sigma give the same estimate for all c. As the model
        says if None.

    Returns:
      `(batch, height, width, channels)` float32 in [0, 1].

    Raises:
      TypeError: If the model is no RIM, or the forward model none.
      ValueError: If the observation is of integers, holds NaN that A^T y shows, or its
        shape does not fit; sigma is missing for denoising or negative; the
        observation or sigma is not on the scale where pixels lie between 0 and 1,
        whatever A multiplies by; `num_steps` is less than 1.

    Warns:
      UserWarning: If sigma is above the 55/255 that the paper's networks have learnt.
    """
    estimates = iterate(model, observation, forward_model, sigma, num_steps, normalize)
    (last,) = collections.deque(estimates, maxlen=1)
    return ops.convert_to_numpy(last)


def iterate(
    model: RIM,
    observation,
    forward_model: ForwardModel | None = None,
    sigma=None,
    num_steps: int | None = None,
    normalize: bool | None = None,
) -> Iterator:
    """Yields the estimates x_1 ... x_T one by one; see `restore`."""
    if not isinstance(model, RIM):
        raise TypeError(
            f"model must be a rim_tf.RIM, got {model!r}; rim_tf.load_pretrained loads "
            "one by its name."
        )
    num_steps = model.num_steps if num_steps is None else num_steps
    if not model.built:
        model.build()
    normalize = model.normalize if normalize is None else normalize
    prepared = model.prepare(observation, sigma, forward_model, normalize)
    if not hasattr(model, "_compiled_update"):
        # The forward model stays outside: a new one costs no compilation, and a user's
        # own may be anything that Python can compute.
        model._compiled_update = backend.compile_method(model, model.update)
    update = stripes.in_stripes(model._compiled_update, model.cell)
    yield from model.iterate(*prepared, num_steps, update)
