"""Tests of the order of measurements, and of what becomes of failures."""

from pathlib import Path

import pytest

from paper_experiments.common.errors import UserError
from paper_experiments.speed_comparison import processes, turns
from paper_experiments.speed_comparison.builds import Build
from paper_experiments.speed_comparison.figures import PEER, Measurement

_BUILDS = (Build("old", Path("a"), "1"), Build("new", Path("b"), "2"))
_HELP = Measurement("help", 10, rounds=2)


def _names(steps):
    return [str(step) for step in steps]


def test_builds_take_turns_after_a_first_run_each():
    assert _names(turns.plan([_HELP], _BUILDS, False, None, False)) == [
        "help, old, first, not counted",
        "help, new, first, not counted",
        "help, old, round 1",
        "help, new, round 1",
        "help, old, round 2",
        "help, new, round 2",
    ]


def test_long_ones_and_quick_looks_have_no_first_run():
    long = Measurement("tests", 700, rounds=1)
    expected = ["tests, old, round 1", "tests, new, round 1"]
    assert _names(turns.plan([long], _BUILDS, False, None, False)) == expected
    expected = ["help, old, round 1", "help, new, round 1"]
    assert _names(turns.plan([_HELP], _BUILDS, False, 1, True)) == expected


def test_a_peer_has_its_turn_and_is_tried_first():
    measurements = [Measurement("restore", 10), Measurement("train", 10), _HELP]
    assert _names(turns.plan(measurements, _BUILDS, True, 1, True)) == [
        "peer, peer, round 1",
        *("restore, old, round 1", "restore, new, round 1"),
        *("train, old, round 1", "train, new, round 1"),
        *("help, old, round 1", "help, new, round 1"),
    ]
    counted = [s for s in turns.plan(measurements, _BUILDS, True, 2, False) if s.round]
    names = [step.build.name if step.build else "peer" for step in counted]
    assert names[:10] == ["old", "new", "old", "new", "peer"] * 2


def test_the_estimate_names_what_takes_long():
    steps = turns.plan([_HELP], _BUILDS, False, None, False)
    said = turns.estimate(steps)
    assert said.startswith("6 runs take about 60 s on two cores")
    assert "help 60 s" in said


def _run(monkeypatch, answers, has_peer=False, rounds=2):
    """Runs with what processes answer, by the name of a build; returns all that is."""

    def answer(name):
        found = answers[name].pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(
        processes, "measure_build", lambda build, name, settings: answer(build.name)
    )
    monkeypatch.setattr(processes, "measure_peer", lambda command: answer("peer"))
    steps = turns.plan([_HELP], _BUILDS, has_peer, rounds, True)
    results, lines = turns.Results(), []
    peer = ["python", "p.py"] if has_peer else None
    turns.run(steps, processes.Settings(), peer, results, lines.append)
    return results, lines


def _found(**values):
    return {"values": values, "lacks": {}, "remarks": ["a remark"]}


def test_values_are_kept_in_their_order(monkeypatch):
    answers = {"old": [_found(help_s=4), _found(help_s=5)]}
    answers["new"] = [_found(help_s=1), _found(help_s=2)]
    results, lines = _run(monkeypatch, answers)
    assert results.values == {("old", "help_s"): [4, 5], ("new", "help_s"): [1, 2]}
    assert results.remarks["old"] == ["a remark"] * 2
    assert lines[0].startswith("[1/4] help, old, round 1: help_s 4 (about ")
    assert lines[-1].startswith("[4/4] help, new, round 2: help_s 2 (about ")


def test_what_fails_is_told_and_not_tried_again(monkeypatch):
    failure = processes.FailedError("no memory")
    answers = {"old": [_found(help_s=4), failure], "new": [failure]}
    results, lines = _run(monkeypatch, answers)
    assert results.values == {("old", "help_s"): [4]}
    assert set(results.failures) == {("old", "help"), ("new", "help")}
    assert "FAILED: no memory" in lines[1]
    assert len(lines) == 3


def test_what_a_build_lacks_is_told(monkeypatch):
    lacking = {"values": {}, "lacks": {"": "that flag"}, "remarks": []}
    answers = {"old": [lacking], "new": [_found(help_s=1)]}
    results, lines = _run(monkeypatch, answers, rounds=1)
    assert results.lacks == {("old", "help"): "that flag"}
    assert "not in this build: that flag" in lines[0]


def test_a_peer_that_fails_at_once_ends_it(monkeypatch):
    answers = {"peer": [processes.FailedError("no torch")]}
    with pytest.raises(UserError, match=r"^--peer: it fails: no torch. Run it alone: "):
        _run(monkeypatch, answers, has_peer=True)


def test_a_peer_that_fails_later_does_not(monkeypatch):
    answers = {"peer": [{"x": 1.0}, processes.FailedError("killed")]}
    answers["old"] = answers["new"] = [_found(help_s=1)] * 4
    results, _ = _run(monkeypatch, answers, has_peer=True)
    assert results.values["peer", "x"] == [1.0]
    assert results.failures == {("peer", PEER.name): "killed"}
