"""Tests of the training of a script's model, as a user calls it."""

import csv
import functools
import json
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paper_experiments import model_training
from rim_tf import pretrained
from rim_tf.training import loop

_SCRIPT = Path(__file__).parents[1] / "paper_experiments" / "table2_denoise.py"


@pytest.fixture(name="run")
def _run(run_script):
    return functools.partial(run_script, "table2_denoise")


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_training(tmp_path, backend, run):
    pytest.importorskip(backend)
    images = tmp_path / "images"
    images.mkdir()
    for i in range(2):
        Image.effect_noise((40, 48), 30 + i).save(images / f"{i}.png")
    output = tmp_path / "out"
    arguments = (
        f"--images={images}",
        f"--train_images={images}",
        f"--output_dir={output}",
        "--train",
        "--num_patches=8",
        "--epochs=1",
        "--batch_size=4",
        "--train_steps_schedule=1:0.5,2:0.5",
        "--num_validation_patches=4",
        "--num_validations=1",
        "--num_steps=1",
        "--patch_size=16",
        "--precision=float32",
        "--rows=RIM-denoise",
    )
    run(*arguments, backend=backend)
    history = json.loads((output / "training" / "rim_denoise.json").read_text())[
        "history"
    ]
    assert history["patches_seen"] == 8
    assert history["data"] == "images"
    assert "--train_steps_schedule=1:0.5,2:0.5" in history["command"]
    assert "--rows" not in history["command"]
    assert (output / "training" / "rim_denoise.log.csv").exists()

    # A second run must not touch the results, unless told.
    before = (output / "result.json").read_text()
    refused = run(*arguments, expect_success=False, backend=backend)
    assert "--overwrite" in refused.stderr
    assert (output / "result.json").read_text() == before


def test_duration_is_estimated_with_batches_of_the_training(monkeypatch):
    tried = []
    monkeypatch.setattr(model_training, "_DEVICES", types.SimpleNamespace(value=2))
    monkeypatch.setattr(model_training, "_PATCH_SIZE", types.SimpleNamespace(value=8))
    monkeypatch.setattr(
        model_training.experiment,
        "seconds_per_pixel_step",
        lambda model, batch: tried.append(batch.shape) or 1e-3,
    )
    settings = loop.TrainingSettings(
        epochs=1, batch_size=32, steps_schedule=((5, 1.0),)
    )
    validation = np.zeros((100, 8, 8, 1), np.float32)
    seconds = model_training._estimate_seconds(None, validation, settings, 64)
    assert tried == [(16, 8, 8, 1)]
    assert seconds == pytest.approx(3 * 1e-3 * 8 * 8 * 5 * 64)


def test_sigkill_and_start_again(tmp_path, run):
    """The log is that of a training that nobody killed."""
    images = tmp_path / "images"
    images.mkdir()
    for i in range(2):
        Image.effect_noise((40, 48), 30 + i).save(images / f"{i}.png")
    arguments = [
        f"--images={images}",
        f"--train_images={images}",
        "--train",
        "--num_patches=40",
        "--epochs=1",
        "--batch_size=4",
        "--train_steps_schedule=1",
        "--num_validation_patches=4",
        "--num_validations=2",
        "--num_steps=1",
        "--patch_size=16",
        "--precision=float32",
        "--checkpoint_minutes=0",
    ]
    run(*arguments, f"--output_dir={tmp_path}/whole")

    killed = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, _SCRIPT, *arguments, f"--output_dir={killed}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (killed / "training" / "last.weights.h5").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "result.json").exists()
    run(*arguments, f"--output_dir={killed}")

    whole_log, killed_log = (
        _read_csv(folder / "training" / "log.csv")
        for folder in (tmp_path / "whole", killed)
    )
    assert [row["updates"] for row in killed_log] == ["5", "10"]
    # The last round saw no kill, so its mean loss is over the same updates.
    assert float(killed_log[1]["loss"]) == pytest.approx(
        float(whole_log[1]["loss"]), rel=1e-4
    )
    assert float(killed_log[1]["val_psnr"]) == pytest.approx(
        float(whole_log[1]["val_psnr"]), rel=1e-4
    )
    runs = json.loads((killed / "training" / "runs.json").read_text())
    assert len(runs) == 2
    assert runs[1]["from_update"] > 0


def test_validation_does_not_depend_on_the_seed(
    tmp_path, small_weights, run, tiny_training
):
    """So trainings can be compared, and what another has seen does not validate."""
    logs, histories = [], []
    for seed in (0, 1):
        training = tmp_path / str(seed) / "training"
        run(
            *tiny_training,
            f"--seed={seed}",
            f"--initial_weights={small_weights}",
            f"--output_dir={loop.parent}",
            "--learning_rate=0",
        )
        logs.append(_read_csv(training / "log.csv"))
        histories.append(pretrained.read_history(training / "rim_denoise.weights.h5"))
    assert logs[0][0]["loss"] != logs[1][0]["loss"]
    first, second = (float(log[0]["val_psnr"]) for log in logs)
    assert first == pytest.approx(second, rel=1e-4)
    assert histories[0]["validation_images"] == histories[1]["validation_images"]


def _read_csv(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--train_steps_schedule=x"], "error: --train_steps_schedule: "),
        (["--num_patches=1", "--batch_size=4"], "do not fill a batch"),
        (["--max_sigma=-1"], "flag --max_sigma=-1: "),
        (["--devices=3", "--batch_size=4"], "--devices: a batch of 4 patches"),
    ],
)
def test_bad_input_gives_one_line(arguments, message, check_refused):
    check_refused("table2_denoise", "--train", *arguments, message=message)


def test_what_is_refused_deletes_nothing(tmp_path, run, tiny_training):
    earlier = tmp_path / "training" / "last.weights.h5"
    earlier.parent.mkdir()
    earlier.write_text("an earlier training")
    refused = run(
        *tiny_training,
        "--overwrite",
        "--epochs=1",
        "--batch_size=8",
        f"--output_dir={tmp_path}",
        expect_success=False,
    )
    assert "do not fill a batch" in refused.stderr
    assert earlier.exists()
