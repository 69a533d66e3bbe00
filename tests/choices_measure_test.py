"""Tests of choices about the measure."""

import numpy as np
import pytest
import skimage.data

from paper_experiments.choices import measure
from paper_experiments.choices.steps import OURS, Photograph, wang_ssim

_PHOTOGRAPH = Photograph("a", 1, skimage.data.chelsea()[100:160, 200:270])
_GENERATOR = np.random.default_rng(0)


def _estimate(steps):
    """Returns an estimate with errors, more of them at the border."""
    if hasattr(steps, "gray"):
        noise = _GENERATOR.normal(0, 0.1, (60, 70, 1))
        noise[:4] *= 3
        return np.float32(steps.clean(_PHOTOGRAPH) + noise)
    clean = steps.luminance(steps.large(_PHOTOGRAPH)).copy()
    clean[0] = 255 - clean[0]
    clean[20:30] += 5
    return clean


@pytest.mark.parametrize("choice", measure.CHOICES, ids=lambda choice: choice.name)
def test_each_choice_measures_another_value(choice):
    is_ours = choice in (measure.OUR_SSIM,) or choice.name == "tensorflow_ssim"
    for condition, steps in choice.steps().items():
        estimate = _estimate(steps)
        made = steps.value(_PHOTOGRAPH, estimate)
        if choice.metric == "ssim":
            ours = wang_ssim(estimate, steps.clean(_PHOTOGRAPH))
        else:
            ours = OURS[condition].value(_PHOTOGRAPH, estimate)
        assert (abs(made - ours) > 1e-4) != is_ours, condition


_CLEAN = np.full((40, 40, 1), 0.5, np.float32)
_CLEAN[0, :2, 0] = 0.25, 0.75
_BRIGHTER = _CLEAN + np.float32(0.1)


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (measure.not_clipped, 20),
        # 0.6 is 153 of 255, 0.1 is 25.5.
        (measure.own_range, 20 + 20 * np.log10(0.5)),
        (measure.without_20_pixels, 20),
        # 25 * 25 = 625 is 113 in 8 bits, and 26 * 26 = 676 is 164.
        (measure.wrapped, 10 * np.log10(255**2 / 113)),
    ],
)
def test_value_of_a_known_error(score, expected):
    assert score(_BRIGHTER, _CLEAN) == pytest.approx(expected, abs=0.1)


def test_what_is_clipped_and_rounded():
    clean = np.full((4, 4, 1), 1.0, np.float32)
    above = clean + np.float32(0.1)
    assert measure.not_clipped(above, clean) == pytest.approx(20)
    assert measure.rounded(above, clean) == np.inf
    half = np.full((4, 4, 1), 100.7 / 255, np.float32)
    level = np.full((4, 4, 1), 101 / 255, np.float32)
    assert measure.rounded(half, level) > 100
    assert measure.truncated(half, level) == pytest.approx(10 * np.log10(255**2))


def test_8_bits_in_keras_wrap():
    made = measure.keras_psnr(_BRIGHTER, _CLEAN)
    assert abs(made - 20) > 1


def test_ssim_of_images_that_differ_little_is_near_1_with_the_wrong_range():
    estimate = np.float32(_CLEAN + _GENERATOR.normal(0, 0.1, _CLEAN.shape))
    assert measure.ssim_255_of_unit(estimate, _CLEAN) > 0.999
    assert measure.skimage_ssim(estimate, _CLEAN) < 0.5
