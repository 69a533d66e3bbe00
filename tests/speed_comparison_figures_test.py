"""Tests of what is compared."""

import pytest

from paper_experiments.common.errors import UserError
from paper_experiments.speed_comparison import figures, measure


def test_every_measurement_is_there_and_used():
    names = [measurement.name for measurement in figures.MEASUREMENTS]
    # What is left is for --growth.
    assert set(measure.MEASUREMENTS) - set(names) == {"restore_size", "train_size"}
    assert {figure.measurement for figure in figures.FIGURES} == set(names)


def test_keys_are_unique_and_known():
    keys = [figure.key for figure in figures.FIGURES]
    assert len(set(keys)) == len(keys)
    assert {figure.instead for figure in figures.FIGURES} <= {None, *keys}


def test_rounds_follow_from_the_time():
    for measurement in figures.MEASUREMENTS:
        if measurement.name != "tests":
            assert measurement.rounds == (5 if measurement.seconds < 120 else 3)


def test_figures_are_chosen_in_the_order_of_the_table():
    chosen = figures.choose(["help_s", "restore_s"])
    assert [figure.key for figure in chosen] == ["restore_s", "help_s"]
    with pytest.raises(UserError, match="no figure slow; there are restore_auto_s, "):
        figures.choose(["restore_s", "slow"])


def test_what_a_figure_is_compared_with_is_measured_too():
    chosen = figures.choose(["lean_peak_mb"])
    names = [m.name for m in figures.measurements_of(chosen)]
    assert names == ["train", "train_lean"]


def test_rates_are_to_rise_and_the_rest_is_to_fall():
    by_key = {figure.key: figure for figure in figures.FIGURES}
    assert by_key["train_patches_per_s"].is_reached(1.2)
    assert not by_key["train_patches_per_s"].is_reached(1.1)
    assert by_key["help_s"].is_reached(0.2)
    assert not by_key["help_s"].is_reached(0.3)
