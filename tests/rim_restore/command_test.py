"""Tests of the command line itself: what is taken, and how it starts."""

import os
import subprocess
import sys

import pytest
from PIL import Image

from paper_experiments.rim_restore import command
from rim_tf.forward_models import Mosaic
from rim_tf.problems import SuperResolutionProblem
from rim_tf.speed import precision


def test_choices_are_those_of_the_library():
    """They are repeated because the library takes seconds to import."""
    assert command.PATTERNS == Mosaic.PATTERNS
    factors = SuperResolutionProblem().factors
    assert factors == command.FACTORS
    assert command._PRECISIONS == precision.PRECISIONS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sigma=-5"], "--sigma: must be 0 or more, or auto, not -5"),
        (["--sigma=much"], "--sigma: must be 0 or more, or auto, not much"),
        (["--sigma=nan"], "--sigma: must be 0 or more, or auto, not nan"),
        (["--num_steps=0"], "--num_steps: must be 1 or more, or auto, not 0"),
        (["--range=5"], "--range: must be two numbers, the smaller first"),
        (["--range=5,5"], "such as 100,3100, not 5,5"),
        (["--range=0,inf"], "--range: must be two numbers"),
        (["--range=-1e308,1e308"], "--range: must be two numbers"),
        (["--factor=2"], "unrecognized arguments: --factor=2"),
        (["--sig=2"], "unrecognized arguments: --sig=2"),
    ],
)
def test_refuses_what_makes_no_sense(capsys, arguments, message):
    with pytest.raises(SystemExit):
        command.main(["denoise", "photo.png", "new.png", *arguments])
    assert message in capsys.readouterr().err


def test_help_says_when_the_estimate_is_wrong(capsys):
    with pytest.raises(SystemExit):
        command.main(["denoise", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "too low where noise spans several pixels" in said
    assert "too high in letters" in said


def _process(*arguments, **environment):
    # As if a user had not set it.
    kept = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, "-m", "paper_experiments.rim_restore", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**kept, **environment},
    )


def test_help_starts_no_backend():
    """TensorFlow takes seconds, and would complain of this one."""
    finished = _process("--help", KERAS_BACKEND="nothing")
    assert finished.returncode == 0
    assert "rim-restore denoise photo.tif" in finished.stdout


def test_another_backend_is_refused_in_one_line():
    finished = _process("enlarge", "a.png", "b.png", KERAS_BACKEND="torch")
    assert finished.returncode == 1
    line = "error: KERAS_BACKEND=torch: give tensorflow, or jax.\n"
    assert finished.stderr == line


def test_a_process_says_what_it_did_and_nothing_else(tmp_path):
    path, new = tmp_path / "photo.png", tmp_path / "new.png"
    Image.new("L", (8, 8)).save(path)
    flags = ("--num_steps=1", "--precision=float32")
    finished = _process("enlarge", path, new, *flags)
    assert finished.returncode == 0, finished.stderr
    assert [line.partition(" ")[0] for line in finished.stdout.splitlines()] == [
        *("photo.png:", "Assumed:", "Weights", "Wrote"),
    ]
    # Nothing but the progress bar: no remarks of TensorFlow.
    assert all("Restoring: " in line for line in finished.stderr.split("\n") if line)
    with Image.open(new) as image:
        assert image.size == (16, 16)
