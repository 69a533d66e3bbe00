"""Tests of the test observations."""

import numpy as np
import pytest

from paper_experiments.common import image_sets, observations
from paper_experiments.common.observations import Observations


def _observations(images, sigma=25, quantized=False, seed=0, color="gray"):
    """Observations of images, whose ids are their numbers."""
    ids = [str(number) for number in range(len(images))]
    test = image_sets.TestImages(
        "mine",
        dict(zip(ids, images, strict=True)),
        {image_id: int(image_id) for image_id in ids},
        {"mine": ids},
    )
    return Observations(test, sigma, color, quantized, seed)


def _grays(*levels):
    return [np.full((8, 8, 3), level, np.uint8) for level in levels]


def test_observations_have_the_psnr_of_the_theory(bsds300_images):
    """20.17 dB at sigma 25, within 0.05 dB, as a mean over the 68 images."""
    data_dir = str(bsds300_images.parents[1])
    test = image_sets.load_test_images("bsds300", data_dir, None).only("68")
    for sigma, expected in ((15, 24.61), (25, 20.17), (50, 14.15)):
        noisy = Observations(test, sigma, "gray", False, 0)
        psnr = [noisy.psnr_of_noisy(image_id) for image_id in test.images]
        assert len(psnr) == 68
        assert np.mean(psnr) == pytest.approx(expected, abs=0.05)


def test_observations_depend_on_seed_and_number_of_the_image_only():
    grays = _grays(128, 128)
    first = _observations(grays).noisy("0")
    np.testing.assert_array_equal(first, _observations(grays).noisy("0"))
    assert first.dtype == np.float32
    assert not np.array_equal(first, _observations(grays).noisy("1"))
    assert not np.array_equal(first, _observations(grays, seed=1).noisy("0"))


def test_noise_of_two_levels_differs_by_the_factor_of_the_levels():
    once, twice = (_observations(_grays(128), sigma) for sigma in (25, 50))
    clean = once.clean("0")
    np.testing.assert_allclose(
        twice.noisy("0") - clean, 2 * (once.noisy("0") - clean), atol=1e-6
    )


def test_first_images_have_the_noise_that_they_have_among_all():
    whole = _observations(_grays(10, 20, 30))
    part = Observations(whole.test.first(2), 25, "gray", False, 0)
    np.testing.assert_array_equal(whole.noisy("1"), part.noisy("1"))


def test_quantized_observations_are_8_bit_images():
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    noisy = _observations([image], 50).noisy("0")
    assert noisy.min() < 0
    assert noisy.max() > 1
    quantized = 255 * _observations([image], 50, quantized=True).noisy("0")
    np.testing.assert_allclose(quantized, np.rint(quantized), atol=1e-4)
    np.testing.assert_allclose(quantized, np.clip(255 * noisy, 0, 255), atol=0.501)


def test_images_are_in_the_colours_of_the_table():
    image = np.zeros((4, 6, 3), np.uint8)
    image[..., 0] = 255
    gray, rgb = (
        _observations([image], color=color).clean("0") for color in ("gray", "rgb")
    )
    assert (gray.shape, rgb.shape) == ((4, 6, 1), (4, 6, 3))
    # What red weighs in grey, in 8 bits.
    np.testing.assert_allclose(gray, 76 / 255, rtol=1e-6)
    np.testing.assert_array_equal(rgb[0, 0], [1, 0, 0])


def test_psnr_of_a_noisy_image_is_not_clipped():
    white = _observations(_grays(255), 50)
    error = white.noisy("0") - white.clean("0")
    expected = -10 * np.log10(np.mean(np.square(error, dtype=np.float64)))
    assert white.psnr_of_noisy("0") == pytest.approx(expected, abs=1e-3)
    clipped = observations.psnr_of(white.noisy("0"), white.clean("0"))
    assert clipped > white.psnr_of_noisy("0") + 1


def test_condition_is_what_distinguishes_columns():
    noisy = _observations(_grays(1), 25, quantized=True)
    assert noisy.condition == {"sigma": 25, "quantized": True}
    assert noisy.unit_sigma == pytest.approx(25 / 255)
