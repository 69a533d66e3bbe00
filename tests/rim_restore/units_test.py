"""Tests of counts and the scale from 0 to 1."""

import numpy as np
import pytest
from scipy import stats

from paper_experiments.common.errors import UserError
from paper_experiments.rim_restore import units


def _pages(dtype, *values):
    return np.array(values, dtype).reshape(1, 1, -1, 1)


@pytest.mark.parametrize(
    ("pages", "black", "white"),
    [
        (_pages("uint8", 3, 77), 0, 255),
        (_pages("uint16", 3, 77), 0, 255),
        (_pages("uint16", 0, 1023), 0, 1023),
        (_pages("uint16", 0, 1024), 0, 4095),
        (_pages("uint16", 100, 65535), 0, 65535),
        (_pages("float32", -0.1, 1.2), 0, 1),
    ],
)
def test_finds_black_and_white(pages, black, white):
    found = units.find_range(pages, None)
    assert (found.black, found.white) == (black, white)


def test_says_what_was_found_and_takes_what_was_given():
    pages = _pages("uint16", 80, 3200)
    assert "values go from 80 to 3200, so 12 bits" in units.find_range(pages, None)[2]
    assert units.find_range(pages, (100, 3100)) == (100, 3100, "--range")


@pytest.mark.parametrize("values", [(0, 255), (-3, 0.5), (0, 1.6)])
def test_floats_that_do_not_say_are_asked_about(values):
    with pytest.raises(UserError, match="give --range=BLACK,WHITE"):
        units.find_range(_pages("float64", *values), None)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_counts_come_back(dtype):
    counts = _pages(dtype, 0, 10, 100, 200, 255)
    scale = units.Range(10, 200, "")
    unit = scale.to_unit(counts)
    assert unit.dtype == np.float32
    assert (unit[0, 0, 1, 0], unit[0, 0, 3, 0]) == (0, 1)
    back = scale.to_counts(unit, counts.dtype)
    assert back.dtype == counts.dtype
    np.testing.assert_allclose(back, counts, atol=1e-4)


def test_integers_are_rounded_and_stay_in_their_range():
    unit = np.array([-1, 0.5 / 255, 0.49 / 255, 2])
    counts = units.Range(0, 255, "").to_counts(unit, np.dtype("uint8"))
    np.testing.assert_array_equal(counts, [0, 1, 0, 255])


@pytest.mark.parametrize("mean", [0.5, 2, 10, 200])
def test_noise_of_photons_becomes_that_of_one_level_and_back_without_bias(mean):
    scale = units.Poisson(units.Range(7, 1007, ""))
    photons = np.arange(2000)
    weights = stats.poisson.pmf(photons, mean)
    unit = scale.to_unit(7 + photons).astype(float)
    expected = weights @ unit
    if mean >= 10:
        deviation = np.sqrt(weights @ np.square(unit - expected))
        assert deviation == pytest.approx(scale.sigma, rel=0.02)
    back = 1000 * scale.to_range(np.array([expected]))[0]
    assert back == pytest.approx(mean, rel=0.03)


def test_without_photons_the_picture_is_black():
    scale = units.Poisson(units.Range(0, 50, ""))
    assert scale.to_range(scale.to_unit(_pages("uint16", 0))) == pytest.approx(0)


def test_large_images_are_converted_part_by_part(monkeypatch):
    counts = np.random.default_rng(0).integers(0, 4096, (2, 5, 7, 3)).astype("uint16")
    scale = units.Range(100.0, 3100.0, "")
    whole = scale.to_unit(counts)
    monkeypatch.setattr(units, "_PART", 11)
    np.testing.assert_array_equal(scale.to_unit(counts), whole)
    # A view, as one channel of several is.
    np.testing.assert_array_equal(scale.to_unit(counts[..., :1]), whole[..., :1])
    np.testing.assert_array_equal(scale.to_counts(whole, counts.dtype), counts)
