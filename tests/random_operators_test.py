"""Tests of kernels and masks that are drawn for a training batch."""

import keras
import numpy as np
import pytest

from rim_tf import random_operators
from rim_tf.forward_models.projections import representatives

_NUMBER, _SIZE = 300, 32


def _draw(name, seed=0, number=_NUMBER, size=_SIZE):
    generator = keras.random.SeedGenerator(seed)
    drawn = getattr(random_operators, name)(number, size, generator)
    return keras.ops.convert_to_numpy(drawn)


@pytest.fixture(name="kernels", scope="module")
def _kernels():
    return _draw("kernels")


def test_kernels_are_means_around_the_center(kernels):
    assert kernels.shape == (_NUMBER, _SIZE, _SIZE)
    assert kernels.min() >= 0
    np.testing.assert_allclose(kernels.sum(axis=(1, 2)), 1, rtol=1e-5)
    # Gaussians and boxes are the same from both sides; paths have their extent there.
    distance = np.abs(np.fft.fftfreq(_SIZE, 1 / _SIZE))
    reached = (kernels > 1e-4) * np.maximum.outer(distance, distance)
    assert 12 <= reached.max() < _SIZE / 2


def test_kernels_are_of_four_kinds(kernels):
    peaks = kernels.max(axis=(1, 2))
    middle = kernels[:, 0, 0]
    numbers = (kernels > 1e-6).sum(axis=(1, 2))
    none = numbers == 1
    assert 0.3 < none.mean() < 0.5
    # Paths seldom have their peak in the middle of their extent.
    paths = middle < 0.9 * peaks
    assert 0.15 < paths.mean() < 0.35
    flat = np.isclose(np.sort(kernels.reshape(_NUMBER, -1))[:, -4], peaks) & ~none
    assert 0.03 < (flat & ~paths).mean() < 0.25
    assert 0.1 < (~none & ~paths & ~flat).mean() < 0.3


def test_masks_of_pixels():
    masks = _draw("masks")
    assert set(np.unique(masks)) == {0, 1}
    assert not (masks.mean(axis=(1, 2)) == 0).any()
    rows = (masks == masks[:, :, :1]).all(axis=(1, 2))
    whole = masks.all(axis=(1, 2))
    assert 0.35 < whole.mean() < 0.55
    skipped = rows & ~whole
    assert 0.04 < skipped.mean() < 0.17
    periods = {round(1 / m) for m in masks[skipped].mean(axis=(1, 2))}
    assert periods == {2, 3, 4}


def test_frequencies_stay_together_with_their_negatives():
    masks = _draw("spectral_masks", size=8)
    flat = masks.reshape(_NUMBER, -1)
    np.testing.assert_array_equal(flat, flat[:, representatives((8, 8)).ravel()])
    shares = _draw("spectral_masks").mean(axis=(1, 2))
    assert 0.05 < shares.min() < 0.2 < 0.8 < shares.max() < 0.95


def test_signs():
    signs = _draw("signs")
    assert set(np.unique(signs)) == {-1, 1}
    assert 0.4 < (signs == 1).all(axis=(1, 2)).mean() < 0.6
    assert abs(signs[(signs == -1).any(axis=(1, 2))].mean()) < 0.01


@pytest.mark.parametrize("name", ["kernels", "masks", "spectral_masks", "signs"])
def test_seeded_and_different_for_every_image(name):
    first = _draw(name, seed=1, number=40)
    np.testing.assert_array_equal(first, _draw(name, seed=1, number=40))
    assert len(np.unique(first, axis=0)) > 10
