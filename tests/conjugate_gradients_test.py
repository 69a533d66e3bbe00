"""Tests of the start by conjugate gradients."""

import numpy as np
import pytest
from keras import ops

from rim_tf import conjugate_gradients
from rim_tf.conjugate_gradients import StartByConjugateGradients
from rim_tf.forward_models import Blur, Denoising, ForwardModel, check_adjoint
from tests.forward_models.cases import MODELS, kernel, normal


class _Matrix(ForwardModel):
    """A small matrix, whose normal equations NumPy solves."""

    def __init__(self):
        self.matrix = normal((6, 8), 3) / 4

    def forward(self, image):
        return ops.reshape(ops.reshape(image, (-1, 8)) @ self.matrix.T, (-1, 6, 1, 1))

    def adjoint(self, observation):
        image = ops.reshape(observation, (-1, 6)) @ self.matrix
        return ops.reshape(image, (-1, 2, 4, 1))


def _start(model, sigma):
    return StartByConjugateGradients(model, sigma, model.initial_estimate)


def test_it_solves_the_normal_equations(monkeypatch):
    """As many steps as there are singular values find the minimum."""
    monkeypatch.setattr(conjugate_gradients, "_STEPS", 8)
    model, sigma = _Matrix(), np.float32([0.1, 0.5])
    observation = normal((2, 6, 1, 1))
    start = _start(model, sigma).initial_estimate(observation)
    first = model.adjoint(observation)
    for i, weight in enumerate((sigma / 0.25) ** 2):
        normal_matrix = model.matrix.T @ model.matrix + weight * np.eye(8)
        right = model.matrix.T @ np.ravel(observation[i]) + weight * np.ravel(first[i])
        expected = np.linalg.solve(normal_matrix, right)
        np.testing.assert_allclose(np.ravel(start[i]), expected, atol=1e-3)


def test_of_denoising_it_is_the_observation():
    observation = normal((2, 5, 4, 1))
    model = _start(Denoising(), np.float32([0.1, 0]))
    np.testing.assert_array_equal(model.initial_estimate(observation), observation)


def test_an_estimate_that_fits_whole_stays():
    model = _start(Blur(kernel(3, 3)), np.float32([0]))
    nothing = np.zeros((1, 8, 8, 1), np.float32)
    np.testing.assert_array_equal(model.initial_estimate(nothing), nothing)


@pytest.mark.parametrize("name", ["blur circular", "bicubic 2", "gaussian", "function"])
def test_it_fits_better_than_the_models_own(name):
    model, shape = MODELS[name]()
    wrapped = _start(model, np.full(shape[0], 0.01, np.float32))
    check_adjoint(wrapped, shape)
    image = np.random.default_rng(0).uniform(size=shape).astype("float32")
    observation = ops.convert_to_numpy(model.forward(image))
    errors = [
        np.linalg.norm(model.forward(m.initial_estimate(observation)) - observation)
        for m in (model, wrapped)
    ]
    assert errors[1] < 0.5 * errors[0]
