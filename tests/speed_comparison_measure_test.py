"""Tests that both trees can be measured, and that it is they that are measured."""

import dataclasses
import json
import time
from pathlib import Path

import pytest

from paper_experiments.speed_comparison import measure
from paper_experiments.speed_comparison.figures import FIGURES

_ROOT = Path(__file__).parents[1]


def _settings(tree=_ROOT):
    return measure.Settings(str(tree), time.monotonic(), "float32", quick=True)


@pytest.mark.parametrize("name", ["first_result", "restore", "restore_large", "train"])
def test_measures_the_figures_of_its_name(name):
    found = measure.MEASUREMENTS[name](_settings())
    expected = {figure.key for figure in FIGURES if figure.measurement == name}
    assert set(found.values) == expected
    assert all(value > 0 for value in found.values.values())


def test_measures_sizes():
    settings = dataclasses.replace(_settings(), height=20, width=24, batch_size=1)
    found = measure.restore_size(settings)
    for unit in ("s", "mb"):
        values = [found.values[f"{unit}_{steps}"] for steps in measure.GROWTH_STEPS]
        assert values == sorted(values)
    assert set(measure.train_size(settings).values) == {"s", "mb"}


def test_auto_is_told_beside_all_steps():
    (remark,) = measure.restore(_settings()).remarks
    assert remark.startswith('restore_auto_s: "auto" made ')
    assert " dB beside T = 2 " in remark


def test_an_option_that_is_not_there_is_told():
    with pytest.raises(measure.LackingError, match="saves memory in training"):
        measure.train_lean(_settings())


def test_another_tree_is_not_measured(tmp_path):
    with pytest.raises(RuntimeError, match=r"^rim_tf was imported from "):
        measure.first_result(_settings(tmp_path))


def test_public_names_are_found_where_they_are():
    assert measure._public(("no_such", "json"), "dumps") is json.dumps
    with pytest.raises(measure.LackingError, match=r"^json or math: nothing$"):
        measure._public(("json", "math"), "nothing")


# A script that writes a table of so many images, two of which are in both sets.
_TABLE = """
import json, pathlib, sys
flags = dict(word[2:].partition("=")[::2] for word in sys.argv[1:])
number = int(flags["num_images"]) + 1
images = dict.fromkeys(map(str, range(number)), 30)
folder = pathlib.Path(flags["output_dir"])
folder.mkdir()
(folder / "flags.json").write_text(json.dumps(flags))
measured = [{"per_image": images}, {"per_image": {"0": 30}}]
(folder / "result.json").write_text(json.dumps({"measured": measured}))
"""


@pytest.fixture(name="tree")
def _tree(tmp_path):
    (tmp_path / "paper_experiments").mkdir()
    return tmp_path


def test_a_table_is_scaled_to_all_images(tree, monkeypatch):
    (tree / "paper_experiments" / "table2_denoise.py").write_text(_TABLE)
    times = iter([100.0, 113.0, 200.0, 243.0])
    monkeypatch.setattr(measure.time, "monotonic", lambda: next(times))
    settings = measure.Settings(str(tree), 0.0)
    found = measure.table2(settings)
    # 2 images in 13 s, 5 in 43 s: 10 s for each, and nothing for the start but -7 s.
    assert found.values == {"table2_s": -7.0 + 100 * 10.0}
    assert "10.00 s for each image, timed on 2 and 5 images" in found.remarks[0]


def test_a_script_that_fails_is_told_by_its_last_line(tree):
    script = tree / "paper_experiments" / "table2_denoise.py"
    script.write_text("raise SystemExit('error: --data_dir: give one.')")
    with pytest.raises(RuntimeError, match=r"^table2_denoise.py: error: --data_dir: "):
        measure.table2(_settings(tree))


def test_a_script_that_is_not_there_is_lacking(tree):
    for name in ("table2", "table2_embedded", "help"):
        with pytest.raises(measure.LackingError, match=r"^table._\w+\.py$"):
            measure.MEASUREMENTS[name](_settings(tree))


def test_no_compilation_of_before_is_found(tree):
    (tree / "paper_experiments" / "table2_denoise.py").write_text(
        "import os\nassert not os.listdir(os.environ['XDG_CACHE_HOME'])" + _TABLE
    )
    assert set(measure.table2_embedded(_settings(tree)).values) == {"table2_embedded_s"}


def test_help_is_asked_of_scripts_and_of_the_installed_command(tree):
    for name in (*measure._SCRIPTS, "restore_image"):
        script = tree / "paper_experiments" / f"{name}.py"
        script.write_text("import sys\nprint(sys.argv[1])\nsys.exit(1)")
    settings = dataclasses.replace(_settings(tree), quick=False)
    found = measure.help(settings)
    assert set(found.values) == {"help_s"}
    assert found.remarks[0].endswith(" over 7 scripts")
    script.unlink()
    with pytest.raises(measure.LackingError, match=r"^restore_image.py$"):
        measure.help(settings)


def test_tests_that_fail_are_told(tree):
    (tree / "tests").mkdir()
    test = tree / "tests" / "metrics_test.py"
    test.write_text("def test_a(): pass\ndef test_b(): assert False")
    (remark,) = measure.tests(_settings(tree)).remarks
    assert "1 failed, 1 passed" in remark


def test_prints_one_line_of_json(tree, capsys):
    text = json.dumps(dataclasses.asdict(_settings(tree)))
    measure.main("table2", text)
    said = json.loads(capsys.readouterr().out)
    assert said == {"values": {}, "lacks": {"": "table2_denoise.py"}, "remarks": []}
