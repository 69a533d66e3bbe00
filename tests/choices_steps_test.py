"""Tests of the protocols, step by step, and of what choices have in common."""

import dataclasses

import numpy as np
import pytest
import skimage.data

from paper_experiments.baselines import converged_total_variation
from paper_experiments.choices import groups, methods, steps
from paper_experiments.common import image_sets, observations, super_resolution
from paper_experiments.common.observations import Observations
from rim_tf import Denoising

_RGB = skimage.data.chelsea()[100:149, 200:260]
_PHOTOGRAPH = steps.Photograph("a", 3, _RGB)


def _value(condition, method):
    ours = steps.OURS[condition]
    return ours.value(_PHOTOGRAPH, ours.estimate(_PHOTOGRAPH, method, 0))


def test_denoising_is_that_of_the_tables():
    test = image_sets.TestImages("mine", {"a": _RGB}, {"a": 3}, {"mine": ["a"]})
    observed = Observations(test, steps.SIGMA, "gray", False, 0)
    estimate = converged_total_variation.restore(
        observed.noisy("a"), observed.unit_sigma, Denoising()
    )
    expected = observations.psnr_of(estimate, observed.clean("a"))
    assert _value(steps.DENOISING, methods.Baseline()) == pytest.approx(expected)


@pytest.mark.parametrize("factor", super_resolution.FACTORS)
def test_super_resolution_is_that_of_the_table(factor):
    test = image_sets.TestImages("mine", {"a": _RGB}, {"a": 3}, {"mine": ["a"]})
    expected = super_resolution.measure_bicubic(test)[factor]["a"].psnr
    assert _value(f"x{factor}", methods.Baseline()) == pytest.approx(expected)


def test_a_choice_replaces_its_steps_in_its_protocols_only():
    choice = steps.Choice("a", "a", {"told": 2.0}, {"crop": np.copy})
    made = choice.steps()
    assert made[steps.DENOISING] == dataclasses.replace(steps.Denoising(), told=2.0)
    assert made["x3"] == steps.SuperResolution(3, crop=np.copy)
    assert set(made) == {"sigma 25", "x2", "x3", "x4"}
    assert set(steps.Choice("a", "a", {"told": 2.0}).steps()) == {"sigma 25"}


def test_who_makes_a_choice():
    assert steps.Choice("a", "a").made_by == ""
    assert steps.Choice("a", "a", packages=("no-such-package",)).made_by is None
    known = steps.Choice("a", "a", packages=("no-such-package", "numpy"))
    assert known.made_by == f"numpy {np.__version__}"


def test_what_cannot_be_imported(monkeypatch):
    def refuse(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    assert steps.Choice("a", "a").is_importable
    assert steps.Choice("a", "a", packages=("no-such-package", "numpy")).is_importable
    monkeypatch.setattr(steps.importlib, "import_module", refuse)
    steps._is_importable.cache_clear()
    assert not steps.Choice("a", "a", packages=("numpy",)).is_importable
    assert steps.Choice("a", "a").is_importable
    steps._is_importable.cache_clear()


def test_names_tell_choices_apart():
    every = [choice for group in groups.ALL.values() for choice in group]
    for attribute in ("name", "what"):
        assert len({getattr(choice, attribute) for choice in every}) == len(every)
    assert not any("|" in choice.name for choice in every)
