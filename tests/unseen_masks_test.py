"""Tests of the masks of what is known."""

import numpy as np
import pytest

from paper_experiments.unseen import masks


@pytest.mark.parametrize("shape", [(64, 64), (33, 48), (321, 480)])
def test_scribbles_miss_a_small_part_everywhere(shape):
    mask = masks.scribbles(shape, 6)
    assert (mask.shape, mask.dtype) == ((*shape, 1), np.float32)
    assert set(np.unique(mask)) == {0, 1}
    assert 0.05 < 1 - mask.mean() < 0.35
    # Of text, something is missing in each fifth of the height, at both sides.
    for part in np.array_split(mask, 5):
        for side in np.array_split(part, 2, axis=1):
            assert side.min() == 0
    assert (masks.scribbles(shape, 7) != mask).any()
    np.testing.assert_array_equal(masks.scribbles(shape, 6), mask)


@pytest.mark.parametrize("shape", [(64, 64), (33, 48), (321, 480)])
def test_radial_lines_go_through_the_middle(shape):
    mask = masks.radial_lines(shape)
    assert mask.dtype == np.float32
    assert set(np.unique(mask)) == {0, 1}
    assert 0.1 < mask.mean() < 0.25
    # The mean of the image, and what is next to it.
    assert mask[:2, :2].all()
    # The line without vertical frequency is whole; another is not.
    inside = np.abs(np.fft.fftfreq(shape[1])) < 0.5
    assert mask[0, inside].all()
    assert mask[shape[0] // 4].mean() < 0.5
    # A frequency and its negative, by another rule than that of the mask.
    transformed = np.fft.ifft2(mask)
    assert np.abs(transformed.imag).max() < 1e-6
