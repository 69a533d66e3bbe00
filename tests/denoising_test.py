"""Tests of the test observations and of the means over test sets."""

import numpy as np
import pytest

from paper_experiments import denoising, experiment, image_sets
from rim_tf import metrics


def test_observations_have_the_psnr_of_the_theory(bsds300_images):
    """20.17 dB at sigma 25, within 0.05 dB, as a mean over the 68 images."""
    data_dir = str(bsds300_images.parents[1])
    test = image_sets.load_test_images("bsds300", data_dir, None)
    for sigma, expected in ((15, 24.61), (25, 20.17), (50, 14.15)):
        values = []
        for image_id in test.sets["68"]:
            clean = experiment.to_unit_range(test.images[image_id], "gray")
            noisy = denoising.observe(clean, sigma, 0, test.numbers[image_id])
            values.append(metrics.psnr(noisy[None], clean[None], clip=False)[0])
        assert np.mean(values) == pytest.approx(expected, abs=0.05)


def test_observations_depend_on_seed_and_image_only():
    clean = np.full((8, 8, 1), 0.5, np.float32)
    first = denoising.observe(clean, 25, 0, 3)
    np.testing.assert_array_equal(first, denoising.observe(clean, 25, 0, 3))
    assert first.dtype == np.float32
    assert not np.array_equal(first, denoising.observe(clean, 25, 0, 4))
    assert not np.array_equal(first, denoising.observe(clean, 25, 1, 3))
    # The noise of two levels differs by the factor of the levels.
    doubled = denoising.observe(clean, 50, 0, 3)
    np.testing.assert_allclose(doubled - clean, 2 * (first - clean), atol=1e-6)


def test_means_are_over_the_images_of_a_set():
    test = image_sets.TestImages("d", {}, {}, {"all": ["a", "b"], "one": ["b"]})
    result = denoising.DenoisingResult(
        {"a": 20.0, "b": 30.0}, {"a": 10.0, "b": 12.0}, None
    )
    whole, one = denoising.to_measured(result, "RIM", test, 25)
    assert (whole.mean, whole.num_images, whole.observation_mean) == (25.0, 2, 11.0)
    assert (one.mean, one.per_image) == (30.0, {"b": 30.0})
    assert whole.condition == {"sigma": 25, "quantized": False}
