"""Tests of the table of a comparison."""

import pytest

from paper_experiments.speed_comparison import figures, table
from paper_experiments.speed_comparison.turns import Results


def _summaries(results, *keys):
    return {f.key: table.summarise(f, results) for f in figures.choose(keys)}


def _cells(results, key):
    *_, row = table.lines(_summaries(results, key))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_a_row_has_medians_ratio_and_spread():
    results = Results()
    results.add("old", {"help_s": 4})
    for value in (1.0, 0.9, 1.1):
        results.add("new", {"help_s": value})
    cells = _cells(results, "help_s")
    assert cells[1:] == ["4.00", "1.00", "0.25", "at most 0.25: reached", "20%", ""]
    (note,) = table.notes(_summaries(results, "help_s"), results)
    assert note.startswith("* **help_s spreads by 20%**: the machine was not idle")


def test_more_patches_are_better_and_the_peer_is_beside():
    results = Results()
    results.add("old", {"train_patches_per_s": 9.0})
    results.add("new", {"train_patches_per_s": 9.9})
    results.add("peer", {"train_patches_per_s": 4.5})
    cells = _cells(results, "train_patches_per_s")
    assert cells[3:5] == ["1.10", "at least 1.2: NOT REACHED"]
    assert cells[6] == "4.50; new is 2.20 times as fast, goal 2: reached"


def test_seconds_beside_a_peer():
    results = Results()
    results.add("new", {"restore_s": 6.0})
    results.add("peer", {"restore_320x480_s": 9.0})
    said = _cells(results, "restore_s")[6]
    assert said == "9.00; new is 1.50 times as fast, goal 1.7: NOT REACHED"


def test_what_a_build_lacks_is_compared_with_what_it_has():
    results = Results()
    results.add("old", {"restore_s": 6.0})
    results.lacks["old", "restore_auto_s"] = "auto"
    results.add("new", {"restore_s": 6.0, "restore_auto_s": 3.0})
    cells = _cells(results, "restore_auto_s")
    assert cells[1:4] == ["not in this build; 6.00 without", "3.00", "0.50"]
    (note,) = table.notes(_summaries(results, "restore_auto_s"), results)
    assert note == "* restore_auto_s, old: not in this build: auto."


def test_what_both_lack_has_no_ratio():
    results = Results()
    for name in ("old", "new"):
        results.lacks[name, "train_lean"] = "an option"
        results.add(name, {"train_peak_mb": 2000.0})
    cells = _cells(results, "lean_peak_mb")
    assert cells[1] == "not in this build; 2000 without"
    assert cells[2:5] == ["not in this build", "", "at most 0.6"]


def test_what_failed_is_told():
    results = Results()
    results.add("old", {"tests_s": 600.0})
    results.failures["new", "tests"] = "tests: no memory"
    assert _cells(results, "tests_s")[1:3] == ["600", "failed"]
    notes = table.notes(_summaries(results, "tests_s"), results)
    assert notes == ["* **tests, new: failed**: tests: no memory"]


def test_what_was_not_reached_is_not_called_failed():
    results = Results()
    results.add("old", {"tests_s": 600.0})
    assert _cells(results, "tests_s")[1:4] == ["600", "not measured", ""]


def test_of_each_remark_the_last_is_shown():
    results = Results()
    results.remarks["new"] += ["help_s: 1 to 2 s", "help_s: 1 to 3 s", "tests_s: all"]
    assert table.notes({}, results) == [
        "* new: help_s: 1 to 3 s.",
        "* new: tests_s: all.",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123, "0.012"),
        (1.234, "1.23"),
        (12.34, "12.3"),
        (123.4, "123"),
        (1234.5, "1234"),
    ],
)
def test_numbers_have_three_digits(value, text):
    assert table.number(value) == text
