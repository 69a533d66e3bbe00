"""Tests of the kernels of blurs."""

import numpy as np
import pytest

from paper_experiments.unseen import kernels

_KERNELS = {
    "gaussian": kernels.gaussian(15, 1.6),
    "motion": kernels.motion(15, 0),
    "disc": kernels.disc(4),
    "double exposure": kernels.double_exposure(8),
    "box": kernels.box(9),
}


@pytest.mark.parametrize("name", _KERNELS)
def test_kernels_spread_light_and_neither_add_nor_take_any(name):
    kernel = _KERNELS[name]
    assert kernel.dtype == np.float32
    assert kernel.min() >= 0
    assert kernel.sum() == pytest.approx(1, abs=1e-6)
    assert all(size % 2 for size in kernel.shape)


def _moments(kernel):
    """Returns the mean and the standard deviation of the rows, from the center."""
    rows = np.arange(len(kernel)) - len(kernel) // 2
    mean = (kernel.sum(axis=1) * rows).sum()
    return mean, np.sqrt((kernel.sum(axis=1) * (rows - mean) ** 2).sum())


def test_widths_are_those_asked_for():
    assert _moments(kernels.gaussian(15, 1.6)) == pytest.approx((0, 1.6), abs=0.01)
    # Of a disc of radius r: r / 2.
    assert _moments(kernels.disc(4)) == pytest.approx((0, 2), abs=0.1)
    assert kernels.disc(4).shape == (9, 9)
    assert _moments(kernels.box(9)) == pytest.approx((0, np.sqrt(80 / 12)))


def test_a_double_exposure_is_that_of_the_readme():
    kernel = kernels.double_exposure(2)
    np.testing.assert_array_equal(kernel, [[0, 0, 0.5, 0, 0.5]])


@pytest.mark.parametrize("size", [15, 25])
def test_motions_fill_their_kernels_and_are_lines(size):
    drawn = [kernels.motion(size, seed) for seed in range(5)]
    for kernel in drawn:
        touched = np.argwhere(kernel > 0.001)
        assert max(np.ptp(touched, axis=0)) >= size - 5
        # A line is much less than the square around it.
        assert 0.02 < (kernel > 0.2 * kernel.max()).mean() < 0.25
    assert len({kernel.tobytes() for kernel in drawn}) == 5
    np.testing.assert_array_equal(drawn[1], kernels.motion(size, 1))
