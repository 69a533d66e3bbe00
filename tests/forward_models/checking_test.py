"""Tests of the check of forward models: it finds mistakes."""

import numpy as np
import pytest
from keras import ops

from rim_tf.forward_models import Blur, ForwardModel, Inpainting, check_adjoint
from tests.forward_models.cases import ANY, kernel


class _Model(ForwardModel):
    def __init__(self, forward, adjoint, observation_shape=ANY):
        self._forward, self._adjoint = forward, adjoint
        self.observation_shape = observation_shape

    def forward(self, image):
        return self._forward(image)

    def adjoint(self, observation):
        return self._adjoint(observation)


def _same(values):
    return values


def _through_numpy(function):
    """Returns a function that cannot be differentiated."""
    return lambda x: function(ops.convert_to_numpy(x))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (_Model(lambda x: 2 * x, _same), "not the adjoint"),
        (_Model(lambda x: x + 1, _same), "not linear"),
        (_Model(lambda x: x - ops.mean(x, axis=0), _same), "in each image alone"),
        (_Model(lambda x: x[::-1], lambda y: y[::-1]), "in each image alone"),
        (_Model(_same, lambda y: y[:, 1:]), r"adjoint .* \(2, 3, 4, 1\)"),
        (_Model(_same, lambda y: None), "adjoint .* None"),
        (_Model(lambda x: None, _same), "forward .* None"),
        (_Model(lambda x: x[:1], _same), r"forward .* \(1, 4, 4, 1\)"),
        (_Model(_same, _same, (4, 5, 1)), r"forward .* \(2, 4, 5, 1\), got"),
        (Inpainting.random((4, 5), 0.5), r"states images of shape \(batch, 4, 5, any"),
    ],
)
def test_finds_mistakes(model, message):
    with pytest.raises(ValueError, match=message):
        check_adjoint(model, (2, 4, 4, 1))


@pytest.mark.parametrize("prepare", [_same, _through_numpy])
def test_finds_small_mistakes_in_large_images(prepare):
    blur, other = Blur(kernel(5, 3)), Blur(kernel(5, 3), "symmetric")
    shape, forward = (1, 128, 128, 1), prepare(blur.forward)
    assert check_adjoint(_Model(forward, blur.adjoint), shape) < 1e-5
    for wrong in (lambda y: 1.01 * blur.adjoint(y), other.adjoint):
        with pytest.raises(ValueError, match="not the adjoint"):
            check_adjoint(_Model(forward, wrong), shape)


def test_finds_one_wrong_pixel():
    pixel = np.zeros((128, 128, 1), np.float32)
    pixel[0, 5] = 0.01
    model = _Model(_same, lambda y: y + pixel * y)
    with pytest.raises(ValueError, match="by automatic differentiation"):
        check_adjoint(model, (1, 128, 128, 1))


def test_a_wrong_factor_is_no_small_error():
    """One random y may hide it, but not all of them."""
    half = _Model(lambda x: x / 2, _same)
    for seed in range(10):
        with pytest.raises(ValueError, match="not the adjoint") as refused:
            check_adjoint(half, (2, 32, 32, 1), seed=seed)
        assert float(str(refused.value).split()[-1].rstrip(".")) > 0.1
