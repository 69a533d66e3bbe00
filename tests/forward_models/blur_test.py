"""Tests of blur."""

import numpy as np
import pytest

from rim_tf.forward_models import Blur
from tests.forward_models.cases import kernel, normal


@pytest.mark.parametrize("boundary", ["circular", "symmetric"])
@pytest.mark.parametrize("size", [(3, 5), (4, 2)])
def test_is_scipys_convolution(boundary, size):
    from scipy import ndimage

    weights, image = kernel(*size), normal((1, 12, 11, 1))
    mode = {"circular": "wrap", "symmetric": "reflect"}[boundary]
    expected = ndimage.convolve(image[0, ..., 0], weights, mode=mode)
    actual = np.asarray(Blur(weights, boundary).forward(image))[0, ..., 0]
    np.testing.assert_allclose(actual, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Blur(np.ones((3, 3)), "zero"), "boundary"),
        # There is one kernel for all images.
        (lambda: Blur(np.ones((2, 3, 3))), r"\(rows, columns\).* \(2, 3, 3\)"),
        (lambda: Blur(np.ones((5, 5))).forward(np.ones((1, 4, 8, 1))), "smaller"),
        (lambda: Blur(np.ones((5, 5))).adjoint(np.ones((1, 8, 4, 1))), "smaller"),
    ],
)
def test_refuses_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("name", ["forward", "adjoint"])
def test_nan_does_not_spread(name):
    image = np.ones((1, 32, 32, 1))
    image[0, 3, 0] = np.nan
    with pytest.raises(ValueError, match="blurred must be finite, got nan at "):
        getattr(Blur(kernel(3, 3)), name)(image)


def test_states_its_norm_where_that_is_known():
    assert Blur(np.full((3, 3), 0.5)).norm == 4.5
    # A part of the image may count twice.
    assert Blur(np.full((3, 3), 0.5), "symmetric").norm is None
    assert Blur(np.float32([[-1, 2, -1]])).norm is None
    assert Blur(np.zeros((3, 3))).norm is None
