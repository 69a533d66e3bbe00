"""Tests of adding noise, and of rounding observations to 8 bits."""

import keras
import numpy as np
import pytest

from rim_tf import images, noise

_BACKENDS = pytest.mark.parametrize(
    "numpy", [keras.ops, np], ids=["tensors", "numpy arrays"]
)


def test_noise_has_the_level_of_its_image():
    normal = np.random.default_rng(0).normal(size=(2, 3, 4, 1)).astype("float32")
    measured, sigma = np.full((2, 3, 4, 1), 0.5, np.float32), np.float32([0.1, 0.4])
    observation = noise.add_noise(measured, sigma, normal)
    expected = 0.5 + np.stack([0.1 * normal[0], 0.4 * normal[1]])
    np.testing.assert_allclose(observation, expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(2, 3, 4, 1), (2, 9, 1)])
def test_one_level_is_for_all_images(shape):
    """Whatever the rank of the observations."""
    observation = noise.add_noise(np.zeros(shape, "float32"), 0.2, np.ones(shape))
    np.testing.assert_allclose(observation, np.full(shape, 0.2), rtol=1e-6)


@_BACKENDS
def test_ties_go_up(numpy):
    """As in MATLAB; NumPy's and Keras' own `round` go to the even neighbour."""
    below = np.arange(255, dtype=np.float32)
    halves = (below + np.float32(0.5)) / np.float32(255)
    exact = np.float32(255) * halves == below + np.float32(0.5)
    # Both to the odd neighbour and to the even one.
    assert {*(below[exact] % 2)} == {0, 1}
    rounded = 255 * np.asarray(noise.round_to_8_bits(halves[exact], numpy))
    np.testing.assert_allclose(rounded, below[exact] + 1, rtol=1e-6)


@_BACKENDS
def test_values_outside_are_clipped(numpy):
    values = np.float32([-0.3, 0.0, 1.0, 1.2])
    rounded = noise.round_to_8_bits(values, numpy)
    np.testing.assert_array_equal(rounded, np.float32([0, 0, 1, 1]))


@_BACKENDS
def test_rounds_as_images_are_rounded_when_they_are_written(numpy):
    values = np.random.default_rng(0).uniform(-0.2, 1.2, 10_000).astype("float32")
    levels = np.float32([0.5, 1.5, 76.5, 77.5, 254.5])
    values = np.concatenate([values, levels / np.float32(255)])
    rounded = np.asarray(noise.round_to_8_bits(values, numpy))
    written = images.to_8_bits(values)
    np.testing.assert_array_equal(np.rint(255 * rounded), written)
    # XLA divides by a constant with another last digit.
    np.testing.assert_allclose(rounded, written / np.float32(255), rtol=2e-7)


def test_numpy_arrays_stay_what_they_are():
    """The same on every backend, and in double precision if they are."""
    values = np.random.default_rng(0).uniform(size=(3, 4))
    rounded = noise.round_to_8_bits(values, np)
    assert type(rounded) is np.ndarray
    assert rounded.dtype == np.float64
    single = np.asarray(noise.round_to_8_bits(np.float32(values)))
    np.testing.assert_allclose(rounded, single, rtol=1e-6)
