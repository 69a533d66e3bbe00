"""Tests of values that are kept until a table has all of them."""

import json
import math

import numpy as np
import pytest

from paper_experiments.common import kept_values
from paper_experiments.common.kept_values import KeptValues
from rim_tf.files import DamagedFileError

_IMAGE = np.zeros((2, 3, 1), np.float32)


def test_values_are_those_of_an_earlier_run(tmp_path):
    kept = KeptValues(tmp_path / "measured")
    assert "a" not in kept
    kept["a"] = [0.1 + 0.2, math.inf]
    kept["b"] = [1.0]
    again = KeptValues(tmp_path / "measured")
    assert again.found_before == 2
    assert again["a"] == [0.1 + 0.2, math.inf]
    assert "c" not in again


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = KeptValues()
    kept["a"] = [1.0]
    assert kept["a"] == [1.0]
    assert kept.found_before == 0
    assert not list(tmp_path.iterdir())


def test_says_by_what_was_asked_for_was_measured(tmp_path, monkeypatch):
    for commit, processor in (("one", "A"), ("two", "A"), ("two", "B")):
        versions = {"commit": commit, "machine": "m", "processor": processor}
        versions["gpu"] = None
        monkeypatch.setattr(kept_values.provenance, "versions", versions.copy)
        KeptValues(tmp_path)[f"{commit} {processor}"] = [1.0]
    kept = KeptValues(tmp_path)
    assert kept.notes() == []
    assert [kept[key] for key in ("one A", "two A")] == [[1.0], [1.0]]
    (note,) = kept.notes()
    assert "whose commits are one, two;" in note
    assert kept["two B"] == [1.0]
    assert kept.notes()[1:] == ["* Measured on several machines: A, B."]


def test_joins_the_values_of_several_runs(tmp_path):
    for name in "ab":
        KeptValues(tmp_path / name)[name] = [math.inf]
    into = tmp_path / "results" / "measured"
    assert kept_values.join([tmp_path / "a", tmp_path / "b"], into) == 2
    kept = KeptValues(into)
    assert [kept["a"], kept["b"]] == [[math.inf], [math.inf]]
    # What was there stays.
    KeptValues(tmp_path / "c")["c"] = [1.0]
    assert kept_values.join([tmp_path / "c"], into) == 3


def test_a_key_tells_arrays_and_settings_apart():
    keys = {
        kept_values.key(*what)
        for what in (
            ("model", 20, _IMAGE),
            ("model", 10, _IMAGE),
            ("other", 20, _IMAGE),
            ("model", 20, _IMAGE + 1),
            ("model", 20, _IMAGE.reshape(3, 2, 1)),
            ("model", 20, np.uint8(_IMAGE)),
        )
    }
    assert len(keys) == 6
    assert kept_values.key("model", 20, _IMAGE.copy()) in keys


def test_what_is_no_number_is_not_kept(tmp_path):
    """JSON would make it infinite, as what has no error."""
    kept = KeptValues(tmp_path)
    kept["a"] = [math.nan]
    assert math.isnan(kept["a"][0])
    kept["b"] = [1.0]
    again = KeptValues(tmp_path)
    assert "a" not in again
    assert again["b"] == [1.0]


_ODD = {"values": ["1"], "commit": "", "machine": ""}


@pytest.mark.parametrize(
    "text",
    [
        *("null", "[]", '{"a": 1}', '{"a": {"values": [1]}}', json.dumps({"a": _ODD})),
        json.dumps({"a": {"values": [1.0], "commit": 1.5, "machine": ""}}),
        json.dumps({"a": {"values": [1.0], "commit": 1.5, "machine": 2.5}}),
    ],
)
def test_a_file_of_something_else_is_named(tmp_path, text):
    (tmp_path / "values.json").write_text(text)
    with pytest.raises(DamagedFileError, match=r"values.json holds something else"):
        KeptValues(tmp_path)


def test_a_damaged_file_is_named(tmp_path):
    KeptValues(tmp_path)["a"] = [1.0]
    (path,) = tmp_path.iterdir()
    path.write_text(path.read_text()[:20])
    with pytest.raises(DamagedFileError, match=r"values.json is damaged .*; delete it"):
        KeptValues(tmp_path)
