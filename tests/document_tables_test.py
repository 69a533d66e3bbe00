"""Tests of the tables that are made for documents; their numbers: documents_test.py."""

import json

import pytest

from paper_experiments.common import document_tables
from paper_experiments.common.document_tables import Key
from paper_experiments.common.errors import UserError


@pytest.fixture(name="numbers")
def _numbers(tmp_path, monkeypatch):
    """A folder of numbers of two test sets, "2" and "3" images."""
    monkeypatch.setattr(document_tables, "NUMBERS_FOLDER", tmp_path)
    for function in (document_tables.measured, document_tables.of_methods):
        function.cache_clear()

    def write(folder, name, content):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{name}.json").write_text(json.dumps(content))

    yield write
    for function in (document_tables.measured, document_tables.of_methods):
        function.cache_clear()


def _record(model, *values):
    per_image = {f"i{number}": value for number, value in enumerate(values)}
    return {
        "model": model,
        "test_set": str(len(values)),
        "condition": {"sigma": 25, "quantized": False},
        "metric": "psnr",
        "per_image": per_image,
    }


def test_measured_are_rims_and_observations_of_the_script(numbers):
    rows = [_record("RIM", 30.0, 31.0), _record("wavelet", 1.0, 2.0)]
    rows.append(_record("noisy observation", 20.0, 21.0))
    numbers(
        "measured", "a_1", {"script": "a", "weights": {"RIM": {}}, "measured": rows}
    )
    other = {
        "script": "a_other",
        "weights": {"RIM": {}},
        "measured": [_record("RIM", 1)],
    }
    numbers("measured", "a_other", other)
    assert document_tables.measured("a") == {
        Key("RIM", "2", 25): [30.0, 31.0],
        Key("noisy observation", "2", 25): [20.0, 21.0],
    }


def test_a_method_is_shown_on_sets_that_it_has_whole(numbers):
    records = [_record("RIM", 30.0, 31.0), _record("RIM", 30.0, 31.0, 32.0)]
    numbers("measured", "a", {"script": "a", "weights": {}, "measured": records})
    known = {"BM3D": {"25": {"i1": 28.0, "i0": 27.0}}, "x": {"25": {"i0": 3.0}}}
    numbers("baselines", "a", {"a: gray": known, "versions": {"BM3D": {}}})
    assert document_tables.of_methods("a") == {Key("BM3D", "2", 25): [27.0, 28.0]}


def test_what_is_between_the_marks_is_made_anew(monkeypatch):
    makers = {"one": lambda: ["| a |", "|---|"], "two": lambda: ["| b |"]}
    monkeypatch.setattr(document_tables, "_MAKERS", makers)
    mark = "<!-- {}: made by reproduce.py -->\n{}<!-- end -->\n"
    text = "A\n" + mark.format("one", "| 1 |\n| 2 |\n") + "B\n" + mark.format("two", "")
    made = document_tables.update(text)
    assert made == (
        "A\n"
        + mark.format("one", "| a |\n|---|\n")
        + "B\n"
        + mark.format("two", "| b |\n")
    )
    assert document_tables.update(made) == made
    assert document_tables.names(text) == ["one", "two"]


def test_a_table_that_there_is_not():
    text = "<!-- Table 9: made by reproduce.py -->\n<!-- end -->"
    with pytest.raises(UserError, match="There is no table Table 9; there are Table 1"):
        document_tables.update(text)


def test_another_seed_of_a_training_is_compared_with_the_first(numbers):
    rows = [_record("RIM-a", 30.0, 31.0), _record("RIM-a, seed 1", 30.1, 31.2)]
    weights = {"RIM-a": {}, "RIM-a, seed 1": {}}
    script = document_tables._TABLE2
    content = {"script": script, "weights": weights, "measured": rows}
    numbers("measured", script, content)
    values = document_tables.measured(script)
    key = Key("RIM-a, seed 1", "2", 25)
    assert document_tables._gain(values, key, "RIM-a") == "+0.15"
    assert document_tables._gain(values, key._replace(condition=15), "RIM-a") == ""
