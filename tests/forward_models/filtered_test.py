"""Tests of the operator for many tasks."""

import numpy as np
import pytest
from keras import ops

from rim_tf.forward_models import (
    Blur,
    FilteredProjection,
    FourierProjection,
    Inpainting,
)
from tests.forward_models.cases import kernel, normal

_SIZE = (12, 9)
_ONES = np.ones(_SIZE, np.float32)
_IMPULSE = np.zeros(_SIZE, np.float32)
_IMPULSE[0, 0] = 1


def _same(ours, other):
    """Compares two models on random images, and their adjoints."""
    image = normal((2, *_SIZE, 1))
    for name in ("forward", "adjoint"):
        np.testing.assert_allclose(
            getattr(ours, name)(image), getattr(other, name)(image), atol=1e-5
        )


def test_with_a_kernel_it_is_a_circular_blur():
    small = kernel(5, 3)
    whole = np.zeros(_SIZE, np.float32)
    whole[:5, :3] = small
    whole = np.roll(whole, (-2, -1), (0, 1))
    _same(FilteredProjection(whole, _ONES, _ONES, 0), Blur(small))


def test_with_a_mask_it_is_inpainting():
    mask = np.float32(kernel(*_SIZE) > 0.3)
    ours = FilteredProjection(_IMPULSE, mask, -_ONES, 0)
    _same(ours, Inpainting(mask[..., np.newaxis]))


def test_spectral_it_is_a_fourier_projection():
    other = FourierProjection.random(_SIZE, 0.4)
    mask = ops.convert_to_numpy(other.mask)
    _same(FilteredProjection(_IMPULSE, mask, _ONES, 1), other)


def test_random_signs_spread_an_image():
    """The measurements of a constant image are one number, or noise."""
    image = np.ones((1, *_SIZE, 1), np.float32)
    signs = np.sign(normal(_SIZE))
    plain, spread = (
        np.abs(FilteredProjection(_IMPULSE, _ONES, s, 1).forward(image))
        for s in (_ONES, signs)
    )
    assert np.sum(plain > 1e-4) == 1
    assert np.sum(spread > 1e-4) > 0.9 * spread.size


def test_maps_operators_of_single_images():
    model = FilteredProjection(
        kernel(2, *_SIZE), kernel(2, *_SIZE) > 0.5, np.sign(normal((2, *_SIZE))), [0, 1]
    )
    image = normal((2, *_SIZE, 1))
    second = model.map_operators(lambda operators: operators[1:])
    np.testing.assert_allclose(second.forward(image[1:]), model.forward(image)[1:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((_IMPULSE[1:], _ONES, _ONES, 0), r"one height and width, got \(11, 9\)"),
        ((_IMPULSE[0], _ONES, _ONES, 0), "Expected kernel"),
        ((_IMPULSE, 255 * _ONES, _ONES, 0), "A mask is 1"),
        ((_IMPULSE + 1j, _ONES, _ONES, 0), "kernel must be of real numbers"),
        ((_IMPULSE, _ONES, 1j * _ONES, 0), "signs must be of real numbers"),
        ((_IMPULSE, _ONES, _ONES, 1j), "is_spectral must be of real numbers"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        FilteredProjection(*arguments)
