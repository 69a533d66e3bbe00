"""Tests of bicubic down-sampling as a forward model."""

import numpy as np
import pytest

from rim_tf import bicubic
from rim_tf.forward_models import BicubicDownsampling
from tests.forward_models.cases import IS_TENSORFLOW, normal


def test_is_imresize_and_starts_from_upsampling():
    model, image = BicubicDownsampling(3), normal((1, 12, 9, 1))
    small = model.forward(image)
    np.testing.assert_allclose(small, bicubic.imresize(image, (4, 3)), atol=1e-6)
    start = model.initial_estimate(small)
    np.testing.assert_allclose(start, bicubic.imresize(small, (12, 9)), atol=1e-6)
    constant = np.ones((1, 4, 3, 1), np.float32)
    np.testing.assert_allclose(model.initial_estimate(constant), 1.0, rtol=1e-5)


@pytest.mark.skipif(not IS_TENSORFLOW, reason="unknown sizes are of tf.function")
@pytest.mark.parametrize("name", ["forward", "adjoint", "initial_estimate"])
def test_needs_known_sizes(name):
    import tensorflow as tf

    method = getattr(BicubicDownsampling(2), name)
    compiled = tf.function(method, [tf.TensorSpec([None] * 4, tf.float32)])
    with pytest.raises(ValueError, match="known height and width"):
        compiled(normal((1, 4, 4, 1)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BicubicDownsampling(0), "factor"),
        (lambda: BicubicDownsampling(2.5), "factor"),
        (lambda: BicubicDownsampling(2, "circular"), "boundary"),
        (lambda: BicubicDownsampling(2).forward(np.ones((1, 5, 4, 1))), "multiples"),
    ],
)
def test_refuses_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("name", ["forward", "adjoint", "initial_estimate"])
def test_nan_does_not_spread(name):
    image = np.ones((1, 32, 32, 1))
    image[0, 0, 31] = np.nan
    with pytest.raises(ValueError, match=r"finite, got nan at \(0, 0, 31, 0\)"):
        getattr(BicubicDownsampling(2), name)(image)
