"""Tests of what to do about a choice."""

import re
from pathlib import Path

import pytest

from paper_experiments.choices import cures, groups
from paper_experiments.choices.steps import OURS

_PAGE = Path(cures.__file__).parent.parent / "WHY_ANOTHER_NUMBER.md"
_CHOICES = [
    (choice.name, condition)
    for group in groups.ALL.values()
    for choice in group
    if not choice.for_network
    for condition in choice.steps()
]


@pytest.mark.parametrize(("name", "condition"), _CHOICES)
def test_each_choice_has_a_cure_and_a_section(name, condition):
    *what, where = cures.cure([name], condition)
    assert what
    page, anchor = where.split("#")
    assert page == _PAGE.name
    titles = re.findall(r"^## (.*)$", _PAGE.read_text(), re.M)
    assert anchor in {title.lower().replace(" ", "-") for title in titles}


def test_two_choices_have_two():
    small, large, where = cures.cure(["opencv_cubic", "opencv_enlarged"], "x3")
    assert small.startswith("make images small by") and large.startswith("enlarge by")
    assert where == "WHY_ANOTHER_NUMBER.md#small-images"
    assert set(cures._CURES) >= {
        step
        for condition in OURS
        for step in vars(OURS[condition])
        if step not in ("denoise", "factor")
    }
