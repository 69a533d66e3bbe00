"""Tests of the estimate of a noise level, and of doubts about it."""

import numpy as np
import pytest
import pywt
import skimage.data
from PIL import Image, ImageDraw
from skimage.restoration import estimate_sigma

from paper_experiments.rim_restore import noise_level


def _noisy(shape, seed=0):
    noise = 25 * np.random.default_rng(seed).standard_normal(shape)
    return np.uint8(np.clip(128 + noise, 0, 255))


def _letters():
    image = Image.new("L", (128, 128))
    ImageDraw.Draw(image).text((5, 5), "letters\non black", 255, font_size=24)
    return np.asarray(image)


def _dark_background():
    """Noise cut off at black, but for a bright third."""
    mean = np.where(np.arange(128) < 80, 0, 128) * np.ones((128, 1))
    noise = 25 * np.random.default_rng(0).standard_normal(mean.shape)
    return np.uint8(np.clip(mean + noise + 0.5, 0, 255))


_ROUND = np.hypot(*(np.mgrid[:128, :128] - 64)) < 58
_IMAGES = {
    **{f"on {i}": np.where(_ROUND, _noisy((128, 128)), i) for i in (0, 1, 100, 255)},
    "photograph": skimage.data.chelsea()[:61, :80],
    "noise": _noisy((61, 80)),
    "letters": _letters(),
    "twice as large": np.asarray(
        Image.fromarray(_noisy((64, 64))).resize((128, 128), Image.BICUBIC)
    ),
    "dark background": _dark_background(),
}


def _estimate(name, **kwargs):
    return noise_level.estimate(np.atleast_3d(_IMAGES[name]) / 255, **kwargs)


@pytest.mark.parametrize("name", _IMAGES)
def test_an_image_and_its_negative_have_one_noise_level(name):
    image = np.atleast_3d(_IMAGES[name]) / 255
    of_negative = tuple(noise_level.estimate(1 - image))
    assert tuple(noise_level.estimate(image)) == pytest.approx(of_negative, rel=1e-6)


@pytest.mark.parametrize("level", [0, 1, 100, 255])
def test_flat_areas_of_any_level_are_left_out(level):
    estimate = _estimate(f"on {level}")
    expected = _noisy((128, 128))[_ROUND].std() / 255
    assert estimate.sigma == pytest.approx(expected, rel=0.07)
    # Of what is outside of the circle, but for coefficients that lie across it.
    assert 0.9 * np.mean(~_ROUND) < estimate.flat < np.mean(~_ROUND)


def test_flat_channels_are_left_out():
    red = np.zeros((61, 80, 3))
    red[..., 0] = _noisy((61, 80)) / 255
    estimate = noise_level.estimate(red)
    assert estimate.sigma == pytest.approx(
        noise_level.estimate(red[..., :1]).sigma, rel=1e-9
    )
    assert estimate.flat == pytest.approx(2 / 3, abs=0.01)


def test_without_flat_areas_the_estimate_is_that_of_scikit_image():
    image = _noisy((61, 80, 3)) / 255
    expected = estimate_sigma(image, average_sigmas=True, channel_axis=-1)
    estimate = noise_level.estimate(image)
    assert estimate.sigma == pytest.approx(expected, rel=1e-3)
    assert estimate.flat < 0.01


@pytest.mark.parametrize(
    ("name", "lowest", "highest", "words"),
    [
        ("on 255", 22, 26, ["as black or white"]),
        ("noise", 23, 26, []),
        ("letters", 10, 30, ["of the image is flat", "as black or white"]),
        ("twice as large", 1, 3, ["Coarser details are"]),
        ("photograph", 0, 3, ["Coarser details are"]),
        # Where no pixel is cut off the level is the true one.
        ("dark background", 23, 27, ["as black or white"]),
    ],
)
def test_says_what_an_estimate_is_worth(name, lowest, highest, words):
    estimate = _estimate(name)
    assert lowest < 255 * estimate.sigma < highest
    doubts = estimate.doubts(is_denoising=True)
    assert len(doubts) == len(words)
    assert all(word in line for word, line in zip(words, doubts, strict=True))


@pytest.mark.parametrize("is_denoising", [True, False])
def test_little_noise_is_alarming_where_there_is_nothing_else(is_denoising):
    """A blur with little noise changes a lot."""
    (said,) = noise_level.Estimate(0.1 / 255, 0, 0, 1).doubts(is_denoising)
    assert ("little will change" in said) == is_denoising


def test_missing_pixels_are_left_out():
    known = np.random.default_rng(3).uniform(size=(128, 128, 1)) < 0.9
    image = np.where(known, _noisy((128, 128, 1)), 1) / 255
    estimate = noise_level.estimate(image, known)
    assert 23 < 255 * estimate.sigma < 27
    assert estimate.clipped == 0
    assert 255 * noise_level.estimate(image).sigma > 30


@pytest.mark.parametrize("shape", [(8, 8, 1), (1, 5, 3)])
def test_a_flat_image_has_no_estimate(shape):
    assert noise_level.estimate(np.full(shape, 0.4)) is None


def test_an_image_without_known_neighbours_has_no_estimate():
    known = np.indices((16, 16, 1)).sum(axis=0) % 2
    assert noise_level.estimate(_noisy((16, 16, 1)) / 255, known) is None


@pytest.mark.parametrize("shape", [(7, 8), (13, 13)])
def test_what_depends_on_a_pixel_is_known(shape):
    for place in np.ndindex(shape):
        pixels = np.zeros(shape)
        pixels[place] = 1
        details = pywt.dwt2(pixels, "db2")[1][2]
        touched = noise_level._touched(pixels[..., None] > 0)[..., 0]
        np.testing.assert_array_equal(touched, np.abs(details) > 1e-12)
