"""Tests of what is told of the code and the weights that made a result."""

import json
import pathlib
import time

import keras
import pytest

from paper_experiments.common import provenance, run, table
from rim_tf import pretrained

_FIRST = {
    "name": "b",
    "patches_seen": 2000,
    "data": "bsds300",
    "seconds": 600,
    "problem": "DenoisingProblem(max_sigma=0.2, quantized=False)",
    "settings": {"steps_schedule": [[20, 1.0]]},
}


def test_note_on_a_training_and_the_one_that_it_began_with():
    second = {
        **_FIRST,
        "name": "a",
        "patches_seen": 3000,
        "patch_size": 64,
        "problem": "DenoisingProblem(max_sigma=0.2, quantized=True)",
        "settings": {
            "steps_schedule": [[10, 0.4], [20, 0.6]],
            "optimizer": "muon",
            "loss": "log_mse",
        },
        "initial_weights": _FIRST,
    }
    assert provenance.training_note(second) == (
        "Weights a, trained on 5,000 patches (the paper: about 800,000, with T = 20): "
        "2,000 of bsds300 in 10 min, T = 20; then "
        "3,000 of bsds300 (64 x 64 pixels, observations of 8 bits) in 10 min, "
        "T = 10 for 40% of the computation, 20 for 60% of the computation, "
        "optimizer Muon, loss log MSE."
    )


def test_note_on_weights_that_say_little():
    assert provenance.training_note({}) == (
        "Weights without a name, trained on 0 patches (the paper: about 800,000, with "
        "T = 20): 0 of unknown data in 1 s, T = unknown."
    )


@pytest.mark.parametrize("name", pretrained.available())
def test_note_on_shipped_weights_tells_all_their_stages(name):
    history = {"name": name, **pretrained.read_history(name)}
    note = provenance.training_note(history)
    stages = 1
    while "initial_weights" in history:
        history, stages = history["initial_weights"], stages + 1
    assert note.count(" of bsds300") == stages
    assert "unknown" not in note


def test_versions_are_those_of_what_is_imported():
    found = provenance.versions()
    assert found["keras"] == keras.__version__
    assert found["backend"] == keras.backend.backend()
    assert found["commit"] == provenance.commit()


def test_commit_is_none_outside_of_a_checkout(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "provenance.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert provenance.commit() is None


def test_result_json():
    record = table.Measured("RIM", "68", {"sigma": 25}, "psnr", 28.9, 1, {"3096": 28.9})
    outcome = run.Outcome(None, [], [record], {"source": "paper"}, {"RIM": {}}, [])
    started = time.monotonic() - 100
    of_run = run.Run("s", {"seed": 3}, pathlib.Path("out"), "float32", 20, started)
    result = json.loads(
        provenance.result_json(of_run, {"num_steps": 20}, "bsds300", outcome)
    )
    assert result["seconds"] == pytest.approx(100, abs=5)
    assert result["versions"] == provenance.versions()
    del result["seconds"], result["versions"]
    assert result == {
        "script": "s",
        "settings": {"num_steps": 20},
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
    }
