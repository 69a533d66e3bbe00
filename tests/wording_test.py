"""Tests of numbers and durations in words."""

import pytest

from paper_experiments.common import wording


def test_numbers_of_things():
    assert wording.count(1, "image") == "1 image"
    assert wording.count(0, "image") == "0 images"
    assert wording.count(2, "patch", "patches") == "2 patches"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "1 s"),
        (89.4, "89 s"),
        (90.0, "2 min"),
        (720.0, "12 min"),
        (5399.0, "90 min"),
        (5400.0, "1.5 h"),
        (36_000.0, "10.0 h"),
    ],
)
def test_durations(seconds, words):
    assert wording.describe_seconds(seconds) == words
