"""Tests of the likelihood gradient (equation 9)."""

import re

import keras
import numpy as np
import pytest
from keras import ops

from rim_tf.forward_models import Denoising
from rim_tf.likelihood import likelihood_gradient
from tests.forward_models.cases import IS_TENSORFLOW, MODELS, normal


def _differentiated(function, image):
    """Returns the gradient of a function of an image by automatic differentiation."""
    if not IS_TENSORFLOW:
        import jax

        return jax.grad(function)(image)
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(image)
        value = function(image)
    return tape.gradient(value, image)


@pytest.mark.parametrize("name", MODELS)
def test_is_the_gradient_of_the_gaussian(name):
    """Equation 9 equals automatic differentiation of log p(y | x)."""
    model, shape = MODELS[name]()
    image = ops.convert_to_tensor(normal(shape, 1))
    observation = normal(tuple(model.forward(image).shape), 2)
    sigma, epsilon = np.linspace(0.5, 2, shape[0]).astype("float32"), 0.1

    def log_likelihood(x):
        squares = ops.square(observation - model.forward(x))
        squares = ops.sum(ops.reshape(squares, (shape[0], -1)), axis=1)
        return ops.sum(-0.5 * squares / (sigma**2 + epsilon))

    expected = ops.convert_to_numpy(_differentiated(log_likelihood, image))
    gradient = likelihood_gradient(image, observation, sigma, model, epsilon)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(gradient, expected, atol=1e-5 * scale)


def test_vanishes_where_the_estimate_explains_the_observation():
    image = normal((3, 4, 5, 2))
    sigma = np.zeros(3, np.float32)
    gradient = likelihood_gradient(image, image, sigma, Denoising(), 0.01)
    np.testing.assert_array_equal(gradient, np.zeros_like(image))


@pytest.mark.parametrize("shape", [(1, 4, 4, 1), (2, 4, 1, 1), (2, 4, 4)])
def test_refuses_observations_of_another_shape(shape):
    image, sigma = normal((2, 4, 4, 1)), np.ones(2, np.float32)
    message = rf"{re.escape(str(shape))}.*\(2, 4, 4, 1\)"
    with pytest.raises(ValueError, match=message):
        likelihood_gradient(image, normal(shape), sigma, Denoising())


def test_has_the_dtype_of_the_estimate():
    image, other = normal((2, 4, 4, 1)), np.zeros((2, 4, 4, 1))
    gradient = likelihood_gradient(
        image, other, np.full(2, 0.5), Denoising(), np.float64(0.75)
    )
    assert keras.backend.standardize_dtype(gradient.dtype) == "float32"
    np.testing.assert_allclose(gradient, -image)


def test_refuses_integers():
    image, integers = normal((2, 4, 4, 1)), np.zeros((2, 4, 4, 1), int)
    with pytest.raises(ValueError, match="observations y of floats, got int"):
        likelihood_gradient(image, integers, np.ones(2), Denoising())
