"""Tests of linear functions whose adjoint is found by differentiation."""

import numpy as np
import pytest
from keras import ops

from rim_tf.forward_models import LinearFunction
from tests.forward_models.cases import IS_TENSORFLOW, normal


def test_adjoint_is_the_transpose_of_the_matrix():
    matrix = normal((6, 8))
    model = LinearFunction(lambda x: ops.reshape(x, (-1, 8)) @ matrix.T, (4, 2, 1))
    observation = normal((3, 6))
    expected = (observation @ matrix).reshape(3, 4, 2, 1)
    np.testing.assert_allclose(model.adjoint(observation), expected, atol=1e-5)


def test_without_a_gradient():
    def through_numpy(x):
        return 2 * ops.convert_to_numpy(x)

    model = LinearFunction(through_numpy, (4, 4, 1))
    np.testing.assert_array_equal(model.forward(np.ones((1, 4, 4, 1))), 2.0)
    with pytest.raises(ValueError, match="finds no gradient"):
        model.adjoint(normal((1, 4, 4, 1)))


@pytest.mark.skipif(not IS_TENSORFLOW, reason="operations of TensorFlow")
def test_without_a_gradient_in_tensorflow():
    import tensorflow as tf

    for function in (
        tf.zeros_like,
        lambda x: tf.image.adjust_contrast(x, 2.0),
        lambda x: tf.numpy_function(lambda v: 2 * v, [x], tf.float32),
    ):
        with pytest.raises(ValueError, match="finds no gradient"):
            LinearFunction(function, (4, 4, 1)).adjoint(normal((1, 4, 4, 1)))


@pytest.mark.parametrize(
    ("function", "shape", "message"),
    [
        (lambda x: x, (4, 4), "image_shape must be"),
        (lambda x: x, (4, None, 1), "image_shape must be"),
        (lambda x: x[0], (4, 4, 1), "begins with the batch"),
        (lambda x: None, (4, 4, 1), "makes None"),
    ],
)
def test_refuses_bad_arguments(function, shape, message):
    with pytest.raises(ValueError, match=message):
        LinearFunction(function, shape)
