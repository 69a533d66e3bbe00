"""Tests of forward models and of the likelihood gradient (equation 9)."""

import numpy as np

from rim_tf.forward_models import Denoising, ForwardModel, likelihood_gradient


class Sum(ForwardModel):
    """y is one number per image, so that A is far from square."""

    def forward(self, image):
        return image.sum(axis=(1, 2, 3))

    def adjoint(self, observation):
        return np.reshape(observation, (-1, 1, 1, 1)) * np.ones((1, 4, 5, 2), "float32")


def _images(seed):
    return np.random.default_rng(seed).normal(size=(3, 4, 5, 2)).astype("float32")


def test_denoising_is_the_identity():
    image = _images(0)
    np.testing.assert_array_equal(Denoising().forward(image), image)
    np.testing.assert_array_equal(Denoising().adjoint(image), image)
    np.testing.assert_array_equal(Denoising().initial_estimate(image), image)


def test_likelihood_gradient_is_that_of_the_gaussian():
    """Compares with central differences of log p(y | x), in float64."""
    sigma, epsilon = np.array([0.5, 1.0, 2.0]), 0.1
    estimate, observation = _images(1).astype("float64"), np.array([0.3, -1.0, 2.0])

    def log_likelihood(image):
        residual = observation - image.sum(axis=(1, 2, 3))
        return np.sum(-0.5 * residual**2 / (sigma**2 + epsilon))

    expected = np.zeros_like(estimate)
    for index in np.ndindex(estimate.shape):
        change = np.zeros_like(estimate)
        change[index] = 1e-4
        difference = log_likelihood(estimate + change) - log_likelihood(
            estimate - change
        )
        expected[index] = difference / 2e-4
    gradient = likelihood_gradient(
        np.float32(estimate), np.float32(observation), np.float32(sigma), Sum(), epsilon
    )
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-4)


def test_gradient_vanishes_where_the_estimate_explains_the_observation():
    image = _images(2)
    gradient = likelihood_gradient(
        image, image, np.zeros(3, "float32"), Denoising(), 0.01
    )
    np.testing.assert_array_equal(gradient, np.zeros_like(image))
