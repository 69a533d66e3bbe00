"""Tests of the test observations and of the means over test sets."""

import numpy as np
import pytest

from paper_experiments import denoising, image_sets


def test_observations_have_the_psnr_of_the_theory(bsds300_images):
    """20.17 dB at sigma 25, within 0.05 dB, as a mean over the 68 images."""
    data_dir = str(bsds300_images.parents[1])
    test = image_sets.load_test_images("bsds300", data_dir, None)
    for sigma, expected in ((15, 24.61), (25, 20.17), (50, 14.15)):
        observations = denoising.Observations(sigma, "gray", False, 0)
        values = []
        for image_id in test.sets["68"]:
            clean = observations.clean(test, image_id)
            noisy = observations.observe(clean, test.numbers[image_id])
            values.append(denoising.psnr_of(noisy, clean, clip=False))
        assert np.mean(values) == pytest.approx(expected, abs=0.05)


def _observe(clean, sigma, seed, number, quantized=False):
    observations = denoising.Observations(sigma, "gray", quantized, seed)
    return observations.observe(clean, number)


def test_observations_depend_on_seed_and_image_only():
    clean = np.full((8, 8, 1), 0.5, np.float32)
    first = _observe(clean, 25, 0, 3)
    np.testing.assert_array_equal(first, _observe(clean, 25, 0, 3))
    assert first.dtype == np.float32
    assert not np.array_equal(first, _observe(clean, 25, 0, 4))
    assert not np.array_equal(first, _observe(clean, 25, 1, 3))
    # The noise of two levels differs by the factor of the levels.
    doubled = _observe(clean, 50, 0, 3)
    np.testing.assert_allclose(doubled - clean, 2 * (first - clean), atol=1e-6)


def test_quantized_observations_are_8_bit_images():
    clean = np.random.default_rng(0).uniform(size=(40, 40, 1)).astype(np.float32)
    noisy = _observe(clean, 50, 0, 3)
    assert noisy.min() < 0
    assert noisy.max() > 1
    quantized = 255 * _observe(clean, 50, 0, 3, quantized=True)
    np.testing.assert_allclose(quantized, np.rint(quantized), atol=1e-4)
    np.testing.assert_allclose(quantized, np.clip(255 * noisy, 0, 255), atol=0.501)


def test_means_are_over_the_images_of_a_set():
    test = image_sets.TestImages("d", {}, {}, {"all": ["a", "b"], "one": ["b"]})
    observations = denoising.Observations(25, "gray", True, 0)
    whole, one = denoising.to_measured(
        {"a": 20.0, "b": 30.0}, "RIM", test, observations
    )
    assert (whole.mean, whole.num_images) == (25.0, 2)
    assert (one.mean, one.per_image) == (30.0, {"b": 30.0})
    assert whole.condition == {"sigma": 25, "quantized": True}
    # An image without a value is left out, and a set without any.
    (only,) = denoising.to_measured({"a": 20.0}, "RIM", test, observations)
    assert (only.test_set, only.mean, only.num_images) == ("all", 20.0, 1)
