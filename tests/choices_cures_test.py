"""Tests of what to do about a choice."""

import re
from pathlib import Path

import pytest

from paper_experiments.choices import cures, groups

_PAGE = Path(cures.__file__).parent.parent / "WHY_ANOTHER_NUMBER.md"
_CHOICES = [
    (choice.name, condition)
    for choice in groups.BY_NAME.values()
    for condition in choice.steps()
]


@pytest.mark.parametrize(("name", "condition"), _CHOICES)
def test_each_choice_has_a_cure_and_a_section(name, condition):
    assert cures.cure([name], condition)
    (where,) = cures.sections([name])
    page, anchor = where.split("#")
    assert page == _PAGE.name
    titles = re.findall(r"^## (.*)$", _PAGE.read_text(), re.M)
    assert anchor in {title.lower().replace(" ", "-") for title in titles}


def test_two_choices_have_two():
    small, large = cures.cure(["opencv_cubic", "opencv_enlarged"], "x3")
    assert small.startswith("make images small by") and large.startswith("enlarge by")


@pytest.mark.parametrize(
    ("name", "condition", "word"),
    [
        ("saved_as_jpeg", "x3", "PNG"),
        ("rgb", "x3", "luminance"),
        ("no_crop", "x3", "multiple"),
        ("correlated", "sigma 25", "white"),
        ("salt_and_pepper", "sigma 25", "other noise"),
        ("same_noise", "sigma 25", "each image"),
        ("without_20_pixels", "sigma 25", "all pixels"),
        ("own_range", "sigma 25", "peak 255"),
    ],
)
def test_a_cure_fits_the_choice(name, condition, word):
    (said,) = cures.cure([name], condition)
    assert word in said
