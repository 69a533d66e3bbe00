"""Half-quadratic splitting: any denoiser restores through any forward model.

It alternates two steps: the estimate that fits the observation and stays near the
last one, by conjugate gradients through A and A^T only; and a denoiser, at a level
that falls to that of the noise. The schedule is that of DPIR (Zhang et al., 2021).
"""

from collections.abc import Callable

import keras
import numpy as np
from scipy.sparse import linalg

from paper_experiments.unseen.problems import Problem
from rim_tf.forward_models import Scaled, scaling

_ITERATIONS = 8
# DPIR's level of the first denoising.
_FIRST_LEVEL = 49 / 255
# Lambda, the best of 1, 2 and 4 on a photograph that is in no table. DPIR's 0.23, for
# another network, lost up to 7 dB there: ours leaves noise of small levels.
_WEIGHT = 2.0
# Conjugate gradients: those from a good start, and those that find the start.
_FEW, _MANY = 5, 25
# Standard deviation of the difference of neighbouring pixels, for the start.
_ROUGHNESS = 0.08

# From an image `(height, width, 1)` and the level of its noise.
Denoiser = Callable[[np.ndarray, float], np.ndarray]


class Splitting:
    """Half-quadratic splitting for one problem, with any number of denoisers.

    Attributes:
      problem: The problem, whose forward model has a largest singular value of 1.
      start: What the first iteration begins with, `(height, width, 1)` float32.

    Args:
      problem: A problem; its forward model may have any scale.
    """

    def __init__(self, problem: Problem):
        self.problem = normalize(problem)
        self.start = smoothest(self.problem)

    def restore(self, denoise: Denoiser) -> np.ndarray:
        """Returns what a denoiser makes of the problem, as it returns it."""
        estimate, sigma = self.start, self.problem.sigma
        for level in np.geomspace(max(_FIRST_LEVEL, sigma), sigma, _ITERATIONS):
            weight = _WEIGHT * (sigma / level) ** 2
            estimate = denoise(fit(self.problem, estimate, weight), float(level))
        return estimate


def normalize(problem: Problem) -> Problem:
    """Returns the same problem with a largest singular value of 1."""
    back = _adjoint(problem, problem.observation)
    norm = scaling.norm(problem.model, back[np.newaxis])
    return problem._replace(
        model=Scaled(problem.model, 1 / norm),
        observation=problem.observation / np.float32(norm),
        sigma=problem.sigma / norm,
    )


def fit(problem: Problem, near: np.ndarray, weight: float) -> np.ndarray:
    """Returns the x that minimises |A x - y|^2 + weight |x - near|^2, nearly.

    Args:
      problem: A and y.
      near: `(height, width, 1)`.
      weight: More than 0.
    """
    residual = problem.observation - forward(problem, near)
    change = _solve(
        lambda x: _normal(problem, x) + weight * x, _adjoint(problem, residual), _FEW
    )
    return near + change


def smoothest(problem: Problem) -> np.ndarray:
    """Returns the most likely image if differences of neighbours were normal.

    So missing pixels begin as what is around them, not black.
    """
    weight = (problem.sigma / _ROUGHNESS) ** 2
    return _solve(
        lambda x: _normal(problem, x) + weight * _laplacian(x),
        _adjoint(problem, problem.observation),
        _MANY,
    )


def forward(problem: Problem, image: np.ndarray) -> np.ndarray:
    """Returns A x of an image, `(height, width, 1)`."""
    measured = problem.model.forward(np.float32(image)[np.newaxis])
    return keras.ops.convert_to_numpy(measured)


def _solve(apply: Callable, right: np.ndarray, steps: int) -> np.ndarray:
    """Returns x with apply(x) = right, nearly, by conjugate gradients from 0."""
    operator = linalg.LinearOperator(
        2 * (right.size,),
        lambda x: apply(x.reshape(right.shape)).ravel(),
        dtype=right.dtype,
    )
    found, _ = linalg.cg(operator, right.ravel(), rtol=1e-4, maxiter=steps)
    return found.reshape(right.shape)


def _laplacian(image: np.ndarray) -> np.ndarray:
    """Returns the gradient of half the squared differences of neighbours."""
    result = np.zeros_like(image)
    for axis in (0, 1):
        nothing = np.zeros_like(image).take([0], axis)
        differences = np.diff(image, axis=axis)
        result -= np.diff(differences, axis=axis, prepend=nothing, append=nothing)
    return result


def _normal(problem: Problem, image: np.ndarray) -> np.ndarray:
    return _adjoint(problem, forward(problem, image))


def _adjoint(problem: Problem, observation: np.ndarray) -> np.ndarray:
    back = problem.model.adjoint(np.float32(observation))
    return keras.ops.convert_to_numpy(back)[0]
