"""What restores the images of the table, each under one signature."""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras
import numpy as np

from paper_experiments.common import forward_model_names as names
from paper_experiments.common import provenance
from paper_experiments.common.method_files import Methods
from paper_experiments.unseen import classics
from paper_experiments.unseen.problems import Problem
from paper_experiments.unseen.splitting import Splitting, normalize
from rim_tf.forward_models import Blur
from rim_tf.restoration import iterate, restore
from rim_tf.rim import RIM

_CLASSICS = dict(
    zip(
        names.CLASSICS,
        (classics.wiener, classics.biharmonic, classics.total_variation),
        strict=True,
    )
)
_SHOWN_STEPS = (10, 20, 50)
# Of plug-and-play: T of each denoising.
_DENOISER_STEPS = 8


class Method(NamedTuple):
    """A way of restoring images.

    Attributes:
      name: What it is called in files.
      columns: What its estimates are called in the table.
      restore: From a problem to as many estimates, `(height, width, 1)` in [0, 1];
        None where it is not for the forward model.
      fingerprint: Hash of what they depend on, beside the problem.
      steps: How long it takes, in steps of a RIM: roughly, on a CPU.
    """

    name: str
    columns: tuple[str, ...]
    restore: Callable[[Problem], list[np.ndarray | None]]
    fingerprint: str
    steps: int


def all_of(
    models: Mapping[str, RIM], denoiser: RIM, num_steps: int, asked: Methods
) -> list[Method]:
    """Returns the methods in the order of the table.

    Args:
      models: The RIMs by name.
      denoiser: That of plug-and-play.
      num_steps: T of the RIMs. Other estimates of the table are of the same run.
      asked: Files of other methods.
    """
    versions = provenance.fingerprint({})

    def single(name: str, function: Callable, steps: int) -> Method:
        return Method(name, (name,), lambda p: [function(p)], versions, steps)

    steps = sorted({t for t in _SHOWN_STEPS if t < num_steps} | {num_steps})
    return [
        single(names.OBSERVATION, as_image, 0),
        *(single(n, f, 20 * (n == "TV")) for n, f in _CLASSICS.items()),
        Method(
            names.PLUG_AND_PLAY,
            (names.PLUG_AND_PLAY,),
            lambda problem: [plug_and_play(problem, denoiser)],
            provenance.fingerprint({names.PLUG_AND_PLAY: denoiser}),
            80,
        ),
        *(_of_file(row, asked) for row in asked.files),
        *(
            Method(
                name,
                tuple(names.column(name, t) for t in steps),
                lambda problem, model=model: run(model, problem, steps),
                provenance.fingerprint({name: model}) + repr(steps),
                num_steps,
            )
            for name, model in models.items()
        ),
    ]


def _of_file(row: str, asked: Methods) -> Method:
    """Returns a file's method, which is measured anew in each run.

    What its values depend on is not known here.
    """

    def restore(problem: Problem) -> list[np.ndarray | None]:
        y = problem.observation[0]
        settings = problem.sigma, problem.model, problem.clean.shape
        return [asked.restore(row, problem.where, y, *settings)]

    number = list(asked.files).index(row)
    return Method(f"file {number}", (row,), restore, str(time.time_ns()), 0)


def as_image(problem: Problem) -> np.ndarray:
    """Returns the observation as an image on the scale of pixels, clipped to [0, 1].

    Of a blur that is y, of a smaller image the up-sampling, else A^T y.
    """
    image = problem.observation
    if not isinstance(problem.model, Blur):
        problem = normalize(problem)
        is_smaller = problem.observation.shape[1] < len(problem.clean)
        model, y = problem.model, problem.observation
        image = model.initial_estimate(y) if is_smaller else model.adjoint(y)
    return np.clip(keras.ops.convert_to_numpy(image)[0], 0, 1)


def plug_and_play(problem: Problem, denoiser: RIM) -> np.ndarray:
    """Restores by half-quadratic splitting with a RIM that removes noise."""

    def denoise(image: np.ndarray, level: float) -> np.ndarray:
        noisy = image[np.newaxis]
        return restore(denoiser, noisy, sigma=level, num_steps=_DENOISER_STEPS)[0]

    return Splitting(problem).restore(denoise)


def run(model: RIM, problem: Problem, steps: list[int]) -> list[np.ndarray]:
    """Returns the estimates at the given t, of one run."""
    estimates = iterate(
        model, problem.observation, problem.model, problem.sigma, max(steps)
    )
    return [
        keras.ops.convert_to_numpy(estimate)[0]
        for t, estimate in enumerate(estimates, start=1)
        if t in steps
    ]
