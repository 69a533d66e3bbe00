"""Restoring images with a trained RIM: any image size, any number of steps."""

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from keras import ops

from rim_tf.aliasing import warn_of_aliasing
from rim_tf.cells import Convolution
from rim_tf.conjugate_gradients import StartByConjugateGradients
from rim_tf.forward_models import Denoising, ForwardModel
from rim_tf.likelihood import LogLikelihood
from rim_tf.rim import RIM
from rim_tf.speed import backend, windows, winograd

NumSteps = int | Literal["auto"] | None
Start = Literal["model", "cg"]

# When "auto" stops; root mean squares on the scale of pixels. See RESULTS.md, "When to
# stop", for what they were chosen by.
_SETTLED = 0.2 / 255
# Where A hides nothing, larger changes are still too small for PSNR.
_SETTLED_DENOISING = 0.7 / 255
# An estimate that is nearer to y than this times sigma has begun to fit the noise; but
# a network that sees sigma goes on to better ones.
_FITS_NOISE = 0.95
_FEWEST_STEPS = 8
_MOST_STEPS = 1.5  # Times those of the training.


class Details(NamedTuple):
    """How a restoration went.

    Attributes:
      num_steps: Number of steps made.
      reason: Why it stopped: "num_steps", "settled", or "fits the noise".
      residual: Root mean square of y - A x over the measurements, in units of sigma,
        `(batch,)`. About 1 or somewhat less if A and sigma are right; see `residual`.
    """

    num_steps: int
    reason: str
    residual: np.ndarray


def restore(
    model: RIM,
    observation,
    forward_model: ForwardModel | LogLikelihood | None = None,
    sigma=None,
    num_steps: NumSteps = None,
    normalize: bool | None = None,
    details: bool = False,
    start: Start = "model",
    ensemble: bool = False,
) -> Any:
    """Restores images: the estimate x_T after `num_steps` steps.

    The memory that this takes does not depend on the number of steps.

    Args:
      model: A trained RIM, for instance of `rim_tf.load_pretrained`.
      observation: y, a NumPy array or tensor; for denoising `(batch, height,
        width, channels)`, pixels on the scale from 0 to 1. Noisy values may lie
        outside that range.
      forward_model: The operator A; `rim_tf.Denoising()` if None. Or a
        `rim_tf.LogLikelihood` of your own, which may be any, with any noise.
      sigma: Standard deviation of the noise in the unit of y, 0 or more: a
        scalar, or `(batch,)`. Denoising needs it; else 0 if None. `rim_denoise` is
        better than y from 2/255 on, `rim_any` from 1/255 on.
      num_steps: T; the number of steps of the model's training if None. "auto" stops
        where going on gains little, or, unless the network sees sigma, begins to fit
        the noise: after 8 steps or more, and at most half as many again as in training.
        A batch stops together.
      normalize: Whether A, y and sigma are divided by the largest singular value of
        A, so that c A, c y and c sigma give the same estimate for all c. As the model
        says if None.
      details: Whether to return `Details`, too.
      start: Where the iteration begins: "model" at the forward model's initial
        estimate, as in the paper; "cg" at one that fits y better, by three steps of
        conjugate gradients. The shipped networks learnt with the first.
      ensemble: Whether to return the mean of what the eight flips and turns of the
        observation give, turned back: a little better, eight times as long, and no
        part of the paper. For denoising only, and without `details`.

    Returns:
      `(batch, height, width, channels)` float32 in [0, 1]; with `details` a pair of
      that and `Details`.

    Raises:
      TypeError: If the model is no RIM, or the forward model none.
      ValueError: If the observation is of integers, but for a `LogLikelihood`, holds
        NaN that A^T y shows, or its shape does not fit; sigma is missing for denoising
        or negative; the observation or sigma is not on the scale where pixels lie
        between 0 and 1, whatever A multiplies by; `num_steps` is neither 1 or more nor
        "auto"; `start` is not one of the above, or "cg" for a `LogLikelihood`;
        `ensemble` is asked for with another forward model, or with `details`.

    Warns:
      UserWarning: If sigma is above the 55/255 that the paper's networks have learnt;
        if what `BicubicDownsampling` is to explain was probably made small by another
        kernel, see `rim_tf.aliasing.is_aliased`.
    """
    if ensemble:
        _check_ensemble(forward_model, details)
        _check_start(start)
        return _mean_over_turns(model, observation, sigma, num_steps)
    arguments = (model, observation, forward_model, sigma, num_steps, normalize, start)
    for estimate, progress in _steps(*arguments):
        last, final = estimate, progress
    restored = ops.convert_to_numpy(last)
    return (restored, final.details(restored)) if details else restored


def _check_ensemble(forward_model: ForwardModel | None, details: bool) -> None:
    if not isinstance(forward_model, Denoising | None):
        raise ValueError(
            "ensemble is for denoising only: what other forward models measure cannot "
            "be flipped and turned as images can."
        )
    if details:
        raise ValueError("ensemble makes eight estimates, and has no details of one.")


def _check_start(start: Start) -> None:
    if start not in get_args(Start):
        raise ValueError(f"start must be one of {get_args(Start)}, not {start!r}.")


def _mean_over_turns(model: RIM, observation, sigma, num_steps: NumSteps) -> np.ndarray:
    """Denoises all flips and turns; returns the mean of what they give, turned back."""
    images = np.asarray(observation)
    plane = (-3, -2)
    estimates = []
    for turns, is_flipped in itertools.product(range(4), (False, True)):
        turned = np.rot90(images[..., ::-1, :] if is_flipped else images, turns, plane)
        estimate = restore(model, turned, None, sigma, num_steps)
        back = np.rot90(estimate, -turns, plane)
        estimates.append(back[..., ::-1, :] if is_flipped else back)
    return np.mean(estimates, axis=0)


def iterate(
    model: RIM,
    observation,
    forward_model: ForwardModel | LogLikelihood | None = None,
    sigma=None,
    num_steps: NumSteps = None,
    normalize: bool | None = None,
    start: Start = "model",
) -> Iterator:
    """Yields the estimates x_1 ... x_T one by one, keeping none of them.

    Args:
      model: See `restore`, as the others.
      observation: y.
      forward_model: The operator A, or a likelihood of one's own.
      sigma: Noise level in the unit of y.
      num_steps: T; with "auto" it ends where `restore` would.
      normalize: Whether to divide by the norm of A.
      start: Where the iteration begins.

    Yields:
      `(batch, height, width, channels)` float32 in [0, 1], a tensor of the backend.

    Raises:
      TypeError: See `restore`.
      ValueError: See `restore`.

    Example:

        estimates = list(rim_tf.iterate(model, noisy, sigma=25 / 255))
        rim_tf.show_estimates(estimates, clean, noisy)
    """
    arguments = (model, observation, forward_model, sigma, num_steps, normalize, start)
    for estimate, _ in _steps(*arguments):
        yield estimate


def _steps(
    model: RIM,
    observation,
    forward_model: ForwardModel | LogLikelihood | None,
    sigma,
    num_steps: NumSteps,
    normalize: bool | None,
    start: Start,
) -> Iterator[tuple[Any, "_Progress"]]:
    _check_start(start)
    if not isinstance(model, RIM):
        raise TypeError(
            f"model must be a rim_tf.RIM, got {model!r}; rim_tf.load_pretrained loads "
            "one by its name."
        )
    if not model.built:
        model.build()
    normalize = model.normalize if normalize is None else normalize
    as_given = observation, forward_model, sigma
    observation, sigma, forward_model = model.prepare(
        observation, sigma, forward_model, normalize
    )
    warn_of_aliasing(*as_given)
    if start == "cg":
        if isinstance(forward_model, LogLikelihood):
            raise ValueError('start="cg" is for forward models, not a LogLikelihood.')
        first = functools.partial(model.initial_estimate, forward_model=forward_model)
        forward_model = StartByConjugateGradients(forward_model, sigma, first)
    update = windows.in_windows(_update_of(model), model.cell)
    is_auto = isinstance(num_steps, str) and num_steps == "auto"
    if num_steps is None:
        num_steps = model.num_steps
    most = round(_MOST_STEPS * model.num_steps) if is_auto else num_steps
    prepared = observation, sigma, forward_model
    progress = _Progress(*prepared, getattr(model.cell, "sees_sigma", False))
    for estimate in model.iterate(*prepared, most, update):
        progress.step(estimate, may_stop=is_auto)
        yield estimate, progress
        if progress.reason != "num_steps":
            return


def _update_of(model: RIM) -> Callable:
    """Returns the compiled `model.update`, with the weights that the model has now.

    The forward model stays outside: a new one costs no compilation, and a user's own
    may be anything that Python can compute.
    """
    if not hasattr(model, "_compiled_update"):
        model._compiled_update = _compile_update(model)
    return model._compiled_update()


def _compile_update(model: RIM) -> Callable:
    """Returns what `_update_of` calls: it transforms the kernels once for all steps."""
    layers = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, Convolution)
        and winograd.pays_for(layer.kernel, layer.compute_dtype)
    ]

    def update(matrices: list, *args: Any) -> tuple[Any, list]:
        with winograd.constant_kernels(layers, matrices):
            return model.update(*args)

    compiled = backend.compile_method(model, update)

    def with_weights() -> Callable:
        matrices = [winograd.transform(x.kernel, x.compute_dtype) for x in layers]
        return functools.partial(compiled, matrices)

    # A function, since Keras would take layers in an attribute for more of the model's.
    return with_weights


class _Progress:
    """Where a restoration stands, and whether it is to stop."""

    def __init__(
        self,
        observation,
        sigma,
        forward_model: ForwardModel | LogLikelihood,
        sees_sigma: bool,
    ):
        self.sees_sigma = sees_sigma
        self.observation = ops.convert_to_numpy(observation)
        self.sigma = ops.convert_to_numpy(sigma)
        self.forward_model = forward_model
        self.num_steps = 0
        self.reason = "num_steps"
        self._last = None

    def step(self, estimate, may_stop: bool) -> None:
        """Takes notice of the next estimate."""
        self.num_steps += 1
        if may_stop:
            estimate = ops.convert_to_numpy(estimate)
            if self.num_steps >= _FEWEST_STEPS:
                self._judge(estimate)
            self._last = estimate

    def _judge(self, estimate: np.ndarray) -> None:
        change = _root_mean_square(estimate - self._last).max()
        if change < (_SETTLED_DENOISING if self._is_denoising else _SETTLED):
            self.reason = "settled"
        elif (
            not (self._is_denoising or self.sees_sigma)
            and self._residual(estimate).max() < _FITS_NOISE
        ):
            self.reason = "fits the noise"

    def details(self, estimate: np.ndarray) -> Details:
        """Returns them for the last estimate."""
        return Details(self.num_steps, self.reason, self._residual(estimate))

    def _residual(self, estimate: np.ndarray) -> np.ndarray:
        return residual(estimate, self.observation, self.sigma, self.forward_model)

    @functools.cached_property
    def _is_denoising(self) -> bool:
        if isinstance(self.forward_model, LogLikelihood):
            return False
        # Of a random image: a constant one is what a blur makes of it, too.
        shape = self._last.shape
        image = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
        measured = ops.convert_to_numpy(self.forward_model.forward(image))
        return measured.shape == shape and np.allclose(measured, image, atol=1e-5)


def residual(
    estimate: np.ndarray,
    observation,
    sigma,
    forward_model: ForwardModel | LogLikelihood,
) -> np.ndarray:
    """Returns the root mean square of y - A x in units of sigma, as `Details` has it.

    Args:
      estimate: x, `(batch, height, width, channels)` float32.
      observation: y, float32.
      sigma: Standard deviation of the noise, a number or `(batch,)`.
      forward_model: The operator A.

    Returns:
      `(batch,)`; where sigma is 0 infinite, or not a number if y is A x. Not a number
      for a `LogLikelihood`.
    """
    if isinstance(forward_model, LogLikelihood):
        return np.full(len(estimate), np.nan)
    measured = ops.convert_to_numpy(forward_model.forward(estimate))
    # What A makes of no image is no measurement, such as the pixels of a mask.
    anything = 1 + np.random.default_rng(0).random(estimate.shape, np.float32)
    is_measured = ops.convert_to_numpy(forward_model.forward(anything)) != 0
    difference = np.subtract(observation, measured)
    difference[~is_measured] = 0
    share = _mean(is_measured)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _root_mean_square(difference) / np.sqrt(share) / sigma


def _mean(batch: np.ndarray) -> np.ndarray:
    return batch.reshape(len(batch), -1).mean(axis=1, dtype=np.float64)


def _root_mean_square(batch: np.ndarray) -> np.ndarray:
    return np.sqrt(_mean(np.square(batch)))
