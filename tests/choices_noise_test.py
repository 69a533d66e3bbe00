"""Tests of choices about the noise."""

import numpy as np
import pytest
import skimage.data

from paper_experiments.choices import noise
from paper_experiments.choices.steps import DENOISING, OURS, SIGMA, Photograph

_PHOTOGRAPH = Photograph("a", 1, skimage.data.chelsea()[100:148, 200:260])
_CLEAN = OURS[DENOISING].clean(_PHOTOGRAPH)
_NORMAL = np.random.default_rng(0).standard_normal(_CLEAN.shape, np.float32)
_UNIT = SIGMA / 255


class _Told:
    """Returns what it is told and given."""

    def denoise(self, noisy, sigma):
        return noisy, sigma


def _observed(steps, photograph=_PHOTOGRAPH):
    return steps.estimate(photograph, _Told(), 0)


@pytest.mark.parametrize("choice", noise.CHOICES, ids=lambda choice: choice.name)
def test_each_choice_makes_another_observation(choice):
    (made,) = (_observed(steps) for steps in choice.steps().values())
    ours = _observed(OURS[DENOISING])
    assert not np.array_equal(made[0], ours[0]) or made[1] != ours[1]
    assert made[0].dtype == np.float32


@pytest.mark.parametrize("add", [noise.clip, noise.to_8_bits, noise.wrap])
def test_observations_between_0_and_1(add):
    noisy = add(_CLEAN - 0.3, _NORMAL)
    assert (noisy.min(), noisy.max() <= 1) == (0, True)
    is_of_levels = np.allclose(255 * noisy, np.rint(255 * noisy), atol=1e-3)
    assert is_of_levels == (add is not noise.clip)


def test_wrapped_levels():
    clean = np.float32([-3.2, 258.2]) / 255
    made = noise.wrap(clean, np.zeros(2, np.float32))
    np.testing.assert_allclose(255 * made, [252, 2], atol=1e-4)


def test_noise_is_told_wrong():
    told = {
        c.name: _observed(*c.steps().values())[1]
        for c in noise.CHOICES
        if c.name.startswith("told")
    }
    assert told == pytest.approx(
        {f"told_{n}": float(n) * _UNIT for n in ("0.8", "0.9", "1.1", "1.25")}
    )


def test_correlated_noise_keeps_its_deviation():
    normal = np.random.default_rng(1).standard_normal((200, 200, 1))
    made = noise.correlated(np.zeros_like(normal), normal)
    assert made.std() == pytest.approx(_UNIT, rel=0.05)
    beside = np.corrcoef(made[:, 1:].ravel(), made[:, :-1].ravel())[0, 1]
    diagonal = np.corrcoef(made[1:, 1:].ravel(), made[:-1, :-1].ravel())[0, 1]
    assert (beside, diagonal) == pytest.approx((0.5, 0.25), abs=0.05)


def test_salt_and_pepper_hit_one_pixel_in_a_hundred():
    gray = np.full((300, 300, 1), 0.5, np.float32)
    made = noise.salt_and_pepper(gray, np.zeros_like(gray))
    assert np.mean(made == 0) == pytest.approx(0.005, abs=0.001)
    assert np.mean(made == 1) == pytest.approx(0.005, abs=0.001)


def test_the_same_noise_on_every_image():
    (choice,) = (c for c in noise.CHOICES if c.name == "same_noise")
    (steps,) = choice.steps().values()
    other = _PHOTOGRAPH._replace(number=2)
    np.testing.assert_array_equal(_observed(steps)[0], _observed(steps, other)[0])
    ours = OURS[DENOISING]
    assert not np.array_equal(_observed(ours)[0], _observed(ours, other)[0])


def test_seeds_differ_from_each_other():
    drawn = {_observed(*choice.steps().values())[0].tobytes() for choice in noise.SEEDS}
    assert len(drawn) == len(noise.SEEDS) == 7
