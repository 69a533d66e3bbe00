"""Tests of what a run does for all scripts."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from paper_experiments.common import provenance
from paper_experiments.common import run as run_module
from paper_experiments.common.run import Outcome, Run
from paper_experiments.common.table import Score

_ROOT = Path(__file__).parents[1]
_TABLES = [
    "table1_rgb_denoise",
    "table2_denoise",
    "table2_quantized_denoise",
    "table3_super_resolution",
    "figure3_three_task",
    "unseen_operators",
]

# Measures nothing, quickly.
_SCRIPT = '''"""A script."""

from paper_experiments.common.run import Outcome, reproduce
from paper_experiments.common.table import Score, Table


def measure(run, test):
    if run.flags["num_images"] == 2:
        raise KeyboardInterrupt
    table = Table(["PSNR in dB"], 12)
    table.add("A, MEASURED", [])
    measured = [Score("A", "mine", {}, "psnr", 30.0, 1, {"a": 30.0})]
    return Outcome(table, ["* A note."], measured, {"A": 1}, {"A": {}}, ["a.png"])


if __name__ == "__main__":
    reproduce(measure, use=["rows"], rows=["A", "B"], num_steps=7)
'''


@pytest.fixture(name="script")
def _script(tmp_path):
    """A script that measures nothing, as `run_here` takes it."""
    (tmp_path / "script.py").write_text(_SCRIPT)
    return tmp_path / "script"


_HELP = """
import runpy, sys
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    loaded = {"absl", "jax", "keras", "rim_tf", "tensorflow"} & set(sys.modules)
    print("LOADED:", *loaded, file=sys.stderr)
"""


@pytest.mark.parametrize("name", [*_TABLES, "train"])
def test_help_is_quick_and_shows_few_flags(name):
    """Without TensorFlow, which takes seconds; flags of other scripts are hidden."""
    script = str(_ROOT / "paper_experiments" / f"{name}.py")
    snippet = f"import sys; sys.argv = [{script!r}, '--help']\n{_HELP}"
    finished = subprocess.run(
        [sys.executable, "-c", snippet],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )
    # As absl does after --help.
    assert finished.returncode == 1
    assert finished.stderr == "LOADED: absl\n"
    shown = set(re.findall(r"^  (?:-\w,)?--(?:\[no\])?(\w+)", finished.stdout, re.M))
    shown -= {"help", "helpfull", "helpshort", "helpxml", "only_check_args"}
    every = {"dataset", "data_dir", "output_dir", "seed", "precision", "overwrite"}
    tests = {"images", "num_images", "num_steps", "weights"}
    denoising = {"rows", "method", "cell", "test_set", "shard"}
    if name == "train":
        assert shown >= every | {"list", "minutes", "devices", "num_patches", "loss"}
        assert shown >= {"cell", "features", "state_features", "gradient", "link"}
        assert not shown & (tests | denoising - {"cell"})
        return
    own = {
        "figure3_three_task": {"num_test_patches"},
        "table3_super_resolution": {"cell", "method", "shard"},
        "unseen_operators": {"cell", "method"},
    }
    assert shown == every | tests | own.get(name, denoising)
    assert len(shown) <= 15


@pytest.mark.parametrize(
    ("name", "flag", "message"),
    [
        *(
            (name, "--rows=x", "--rows: this table has no row x; ")
            for name in _TABLES[:3]
        ),
        *(
            (name, "--baselines", "--baselines: give --method=NAME instead, once for")
            for name in ("table2_denoise", "train")
        ),
        ("table2_denoise", "--method=x", "--method: there is no method x; there are"),
        ("table2_denoise", "--cell=x", "--cell: give FILE.py:CLASS, not x."),
        (
            "table2_denoise",
            f"--cell={_ROOT}/tests/own_parts.py:OwnCell",
            "--cell: give --weights, too, which were trained with it.",
        ),
        ("train", "--method=bm3d", "--method: not for this script"),
        ("figure3_three_task", "--rows=RIM", "--rows: not for this script"),
        ("train", "nonsense", "no recipe is called nonsense; there are rim_denoise"),
    ],
)
def test_a_process_that_is_refused_says_one_line(
    tmp_path, run_script, name, flag, message
):
    """TensorFlow's remarks about devices are kept off the screen, too."""
    output = tmp_path / "out"
    finished = run_script(name, flag, f"--output_dir={output}", expect_success=False)
    assert finished.returncode == 1
    assert finished.stdout == ""
    (line,) = finished.stderr.splitlines()
    assert line.startswith(f"error: {message}")
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--images=/nowhere"], "--images: /nowhere is not a folder"),
        (
            ["--dataset=bsds300", "--data_dir=/proc/nowhere"],
            "error: --data_dir: /proc/nowhere is not a folder",
        ),
        (["--output_dir=/proc/nowhere"], "--output_dir: /proc/nowhere cannot be made"),
        (["--output_dir=/proc"], "--output_dir: /proc cannot be written: "),
        (
            ["--test_set=68"],
            "--test_set: there is no set 68 in embedded; there are: embedded.",
        ),
        (["--num_images=0"], "flag --num_images=0: "),
        (["--num_steps=0"], "flag --num_steps=0: "),
        (["--seed=-1"], "flag --seed=-1: "),
        ([f"--seed={2**31}"], f"flag --seed={2**31}: "),
        (["--images=~nobody at all"], "--images: of ~nobody at all there is no such"),
        (["--precision=float16"], "flag --precision=float16: "),
        (["--epochs=3"], "Unknown command line flag 'epochs'"),
        (["extra"], "Unknown arguments: extra"),
        (["--weights=nonsense"], "error: --weights: No weights are called 'nonsense'"),
        (
            ["--rows=RIM"],
            "--rows: this table has no row RIM; there are: RIM-denoise, RIM-denoise-p",
        ),
        (["--rows=RIM-3task,RIM"], "--rows: this table has no row RIM; there are"),
        (["--rows="], "--rows: this table has no row without a name; there are"),
        (
            ["--rows=RIM-3task", "--weights=rim_denoise"],
            "--rows: --weights is about the row RIM-denoise",
        ),
        (
            ["--rows=none", "--weights=rim_denoise"],
            "--rows: none leaves nothing for --weights.",
        ),
        (["--method=/no.py"], "--method: there is no file /no.py."),
    ],
)
def test_what_cannot_be_done_is_refused(arguments, message, check_refused):
    check_refused("table2_denoise", *arguments, message=message)


def test_file_that_is_no_image(tmp_path, check_refused):
    (tmp_path / "text.png").write_text("no image")
    arguments = [f"--images={tmp_path}"]
    message = "text.png cannot be read as an image"
    check_refused("table2_denoise", *arguments, message=message)


@pytest.fixture(name="images")
def _images(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in "ab":
        Image.new("RGB", (8, 8)).save(folder / f"{name}.png")
    return folder


def test_results_are_written_and_not_replaced_unless_told(
    tmp_path, run_here, script, images
):
    output = tmp_path / "out"
    arguments = [script, f"--images={images}", f"--output_dir={output}"]
    finished = run_here(*arguments, "--precision=float32", "--num_images=1")
    said = finished.stdout.splitlines()
    assert said[0] == "Arithmetic: float32 (as asked for); backend: tensorflow."
    assert said[1] == "Test images: 1 of mine."
    assert said[-3:-1] == ["* A note.", ""]
    assert said[-1].startswith(
        f"Wrote result.json, table.md and a.png to {output} after "
    )
    table = (output / "table.md").read_text().splitlines()
    assert table[2:] == ["| A, MEASURED  |", "", "* A note."]
    written = (output / "result.json").read_text()
    result = json.loads(written)
    # The default of the script is told, and no flag that it has no use for.
    settings = result["settings"]
    assert settings["num_steps"] == 7
    assert settings["precision_used"] == "float32"
    assert settings["num_images"] == 1
    assert settings["rows"] is None
    assert "method" not in settings
    assert result["measured"][0]["per_image"] == {"a": 30.0}

    refused = run_here(*arguments, "--seed=5", expect_success=False)
    assert refused.stderr == (
        f"error: --output_dir: {output} has results already; choose another folder, "
        "or give --overwrite.\n"
    )
    assert (output / "result.json").read_text() == written
    run_here(*arguments, "--seed=5", "--num_steps=2", "--overwrite")
    result = json.loads((output / "result.json").read_text())
    assert (result["seed"], result["settings"]["num_steps"]) == (5, 2)


@pytest.mark.parametrize("existed", [False, True])
def test_interruption(tmp_path, run_here, script, images, existed):
    """It leaves no folder that was not there."""
    output = tmp_path / "out"
    if existed:
        output.mkdir()
    arguments = [f"--images={images}", "--num_images=2", f"--output_dir={output}"]
    finished = run_here(script, *arguments, expect_success=False)
    assert finished.stderr == "Interrupted.\n"
    assert output.exists() == existed


def test_flags_of_other_scripts_are_refused(tmp_path, run_here, script):
    arguments = [f"--output_dir={tmp_path}/out", "--method=bm3d"]
    finished = run_here(script, *arguments, expect_success=False)
    assert finished.stderr == "error: --method: not for this script, see --help.\n"
    assert not (tmp_path / "out").exists()


def test_what_the_user_cannot_mend_has_a_traceback(tmp_path, run_here, images):
    broken = _SCRIPT.replace("raise KeyboardInterrupt", "raise ValueError('a bug')")
    (tmp_path / "broken.py").write_text(broken)
    arguments = [f"--images={images}", "--num_images=2", f"--output_dir={tmp_path}/out"]
    with pytest.raises(ValueError, match="a bug"):
        run_here(tmp_path / "broken", *arguments)
    assert not (tmp_path / "out").exists()


def test_what_result_json_tells():
    record = Score("RIM", "68", {"sigma": 25}, "psnr", 28.9, 1, {"3096": 28.9})
    outcome = Outcome(None, [], [record], {"source": "paper"}, {"RIM": {}}, [])
    started = time.monotonic() - 100
    of_run = Run("s", {"seed": 3}, Path("out"), "float32", 20, started)
    result = run_module._result(of_run, {"rows": None}, "bsds300", outcome)
    result = json.loads(json.dumps(result))
    assert result["seconds"] == pytest.approx(100, abs=5)
    assert result["versions"] == provenance.versions()
    del result["seconds"], result["versions"]
    assert result == {
        "script": "s",
        "settings": {"rows": None, "num_steps": 20, "precision_used": "float32"},
        "seed": 3,
        "dataset": "bsds300",
        "measured": [
            {
                "model": "RIM",
                "test_set": "68",
                "condition": {"sigma": 25},
                "metric": "psnr",
                "mean": 28.9,
                "num_images": 1,
                "per_image": {"3096": 28.9},
            }
        ],
        "reported": {"source": "paper"},
        "weights": {"RIM": {}},
        "methods": {},
    }
