"""Tests of making choices together."""

import pytest
import skimage.data

from paper_experiments.choices import diagnosis, groups, together
from paper_experiments.choices.measurement import Row
from paper_experiments.choices.steps import DENOISING, OURS, Choice, Photograph
from paper_experiments.choices.summary import Numbers

_PHOTOGRAPHS = {
    str(number): Photograph(
        str(number), number, skimage.data.chelsea()[k:, 100:][:48, :60]
    )
    for number, k in enumerate((20, 80, 140, 200))
}
_KEY = ("x3", "baseline")
_PAIR = ("full_range", "with_border")


def _choices(*names):
    return [groups.BY_NAME[name] for name in names]


def test_choices_fit_that_change_no_step_twice():
    assert together.fit(_choices("clip", "told_0.8"), DENOISING)
    assert not together.fit(_choices("clip", "to_8_bits"), DENOISING)
    assert not together.fit(_choices("opencv_both", "opencv_enlarged"), "x2")
    # Of another protocol it changes nothing.
    assert together.steps_of(_choices("clip"), "x2") == OURS["x2"]


def test_all_choices_are_made():
    steps = together.steps_of(_choices(*_PAIR), "x3")
    assert steps.luminance is groups.BY_NAME["full_range"].super_resolution["luminance"]
    assert steps.score is groups.BY_NAME["with_border"].super_resolution["score"]
    made = together.Maker(lambda: _PHOTOGRAPHS, "x3")
    both = made([[name] for name in _PAIR], list(_PHOTOGRAPHS))
    assert both == together.measure(steps, _PHOTOGRAPHS, _PHOTOGRAPHS, 0)
    assert made([["full_range"]], ["0", "not known"]).keys() == {"0"}


def test_images_are_loaded_when_choices_are_made():
    made = together.Maker(lambda: pytest.fail("loaded"), "x3")
    assert made.missing == []


def _numbers(names):
    """What choices change alone, and what the pair changes."""
    results = {}
    for name in ("ours", *names):
        choices = _choices(name) if name != "ours" else []
        steps = together.steps_of(choices, "x3")
        values = together.measure(steps, _PHOTOGRAPHS, _PHOTOGRAPHS, 0)
        results[Row(name, *_KEY)] = values
    return Numbers(results, {}, {}, {})


@pytest.mark.parametrize("without", ["library", "images"])
def test_what_cannot_be_made_is_added(monkeypatch, without):
    """So that a library that is missing hides no pair."""
    numbers = _numbers([*_PAIR, "every_pixel"])
    steps = together.steps_of(_choices(*_PAIR), "x3")
    theirs = together.measure(steps, _PHOTOGRAPHS, _PHOTOGRAPHS, 0)
    make = None
    if without == "library":
        make = together.Maker(lambda: _PHOTOGRAPHS, "x3")
        monkeypatch.setattr(Choice, "made_by", property(lambda choice: None))
    found = diagnosis.explain(theirs, numbers, _KEY, make)
    assert {names[0] for names in found[0].choices} == set(_PAIR)
    if make:
        assert set(make.missing) >= set(_PAIR)
