"""Tests of half-quadratic splitting."""

import numpy as np
import pytest
import skimage.data

from paper_experiments.common.observations import psnr_of
from paper_experiments.unseen import problems, splitting
from paper_experiments.unseen.problems import OPERATORS, Problem
from rim_tf.forward_models import Denoising, Inpainting, Scaled

_CLEAN = np.float32(skimage.data.camera()[100:136, 200:248, None] / 255)
_BY_NAME = {operator.name: operator for operator in OPERATORS}


def _matrix(model, shape):
    """Returns A, a column for each pixel."""
    pixels = np.eye(shape[0] * shape[1], dtype="float32").reshape(-1, *shape, 1)
    return np.asarray(model.forward(pixels)).reshape(len(pixels), -1).T


@pytest.mark.parametrize("name", ["fifth", "bicubic_3", "radial", "denoising"])
def test_fit_minimises_what_it_says(name):
    shape = (6, 9)
    generator = np.random.default_rng(0)
    model = (
        Inpainting.random(shape, 0.2) if name == "fifth" else _BY_NAME[name].make(shape)
    )
    near = np.float32(generator.normal(size=(*shape, 1)))
    matrix = _matrix(model, shape)
    y = np.float32(generator.normal(size=np.shape(model.forward(near[np.newaxis]))))
    left = matrix.T @ matrix + 0.5 * np.eye(near.size)
    expected = np.linalg.solve(left, matrix.T @ y.ravel() + 0.5 * near.ravel())
    found = splitting.fit(Problem(model, y, 0.1, near), near, 0.5)
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-3)


@pytest.mark.parametrize("name", ["gaussian", "mirrored", "half", "bicubic_3"])
def test_the_start_is_smooth_and_fits(name):
    problem = problems.observe(_BY_NAME[name], _CLEAN, 0, 0)
    start = splitting.smoothest(splitting.normalize(problem))
    error = splitting.forward(problem, start) - problem.observation
    if name == "half":
        error = error[problem.observation != 0]
    assert np.sqrt(np.mean(error**2)) < 3 * problem.sigma
    # Missing pixels are not black.
    assert psnr_of(start, _CLEAN) > 21


def test_what_is_missing_is_as_what_is_known():
    mask = np.zeros((6, 6, 1), "float32")
    mask[2:4, 3] = 1
    problem = Problem(Inpainting(mask), 0.5 * mask[np.newaxis], 0.08, mask)
    np.testing.assert_allclose(splitting.smoothest(problem), 0.5, atol=1e-3)


@pytest.mark.parametrize("factor", [0.1, -3.0])
def test_the_scale_is_taken_out(factor):
    problem = problems.observe(_BY_NAME["bicubic_3"], _CLEAN, 0, 0)
    scaled = problem._replace(
        model=Scaled(problem.model, factor),
        observation=factor * problem.observation,
        sigma=abs(factor) * problem.sigma,
    )
    expected = splitting.normalize(problem)
    found = splitting.normalize(scaled)
    assert found.sigma == pytest.approx(expected.sigma, rel=1e-3)
    largest = np.linalg.svd(_matrix(found.model, (36, 48)), compute_uv=False)[0]
    assert largest == pytest.approx(1, abs=0.01)
    images = [
        splitting.Splitting(p).restore(lambda image, _: image)
        for p in (problem, scaled)
    ]
    np.testing.assert_allclose(*images, atol=2e-3)


def test_levels_fall_to_that_of_the_noise():
    levels = []

    def denoise(image, level):
        assert image.shape == (36, 48, 1)
        levels.append(255 * level)
        return np.full_like(image, 0.5)

    problem = problems.observe(_BY_NAME["half"], _CLEAN, 0, 0)
    # What the denoiser returned last.
    assert (splitting.Splitting(problem).restore(denoise) == 0.5).all()
    np.testing.assert_allclose(levels, 49 * (2 / 49) ** (np.arange(8) / 7))
    levels.clear()
    loud = Problem(Denoising(), _CLEAN[np.newaxis], 60 / 255, _CLEAN)
    splitting.Splitting(loud).restore(denoise)
    np.testing.assert_allclose(levels, 8 * [60])
