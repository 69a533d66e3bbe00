"""Tests of the command line, as a user calls it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import rim_tf
from rim_tf import pretrained
from rim_tf.cells import RIMCell

_SCRIPT = Path(__file__).parents[1] / "paper_experiments" / "table2_denoise.py"


def _run(*arguments, expect_success=True, backend="tensorflow"):
    finished = subprocess.run(
        [sys.executable, _SCRIPT, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_BACKEND": backend},
    )
    assert "Traceback" not in finished.stderr, finished.stderr
    assert (finished.returncode == 0) == expect_success, finished.stderr
    return finished


@pytest.fixture(name="weights")
def _weights(tmp_path):
    """Small untrained weights."""
    rim = rim_tf.RIM(RIMCell(features=4, state_features=6))
    rim.build()
    path = tmp_path / "small.weights.h5"
    history = {
        "settings": {"steps_schedule": [[20, 1.0]]},
        "patches_seen": 0,
        "data": "nothing",
        "seconds": 0.0,
    }
    pretrained.save_pretrained(rim, path, history)
    return path


def test_from_weights_on_embedded_images(tmp_path, weights):
    output = tmp_path / "out"
    finished = _run(
        "--dataset=embedded",
        f"--weights={weights}",
        f"--output_dir={output}",
        "--num_steps=2",
        "--num_images=2",
    )
    result = json.loads((output / "result.json").read_text())
    assert {p.name for p in output.iterdir()} == {
        "result.json",
        "table.md",
        "estimates.png",
    }
    assert result["script"] == "table2_denoise"
    assert result["dataset"] == "embedded"
    assert result["settings"]["num_steps"] == 2
    assert [r["condition"]["sigma"] for r in result["measured"]] == [15, 25, 50]
    for record in result["measured"]:
        assert record["test_set"] == "embedded"
        assert set(record["per_image"]) == {"astronaut", "camera"}
        mean = sum(record["per_image"].values()) / record["num_images"]
        assert record["mean"] == pytest.approx(mean, abs=1e-3)
    # Untrained, the RIM gives back the observation.
    assert result["measured"][1]["observation_mean"] == pytest.approx(20.17, abs=0.1)
    table = (output / "table.md").read_text()
    for text in (
        "RIM-denoise, reported",
        "RIM-denoise, MEASURED",
        "THESE ARE NOT THE PAPER'S IMAGES",
        "Only the first 2 image(s)",
    ):
        assert text in table
        assert text in finished.stdout
    assert "takes about" in finished.stdout
    assert str(output) in finished.stdout


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_training(tmp_path, backend):
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
    )
    _run(*arguments, backend=backend)
    history = json.loads((output / "training" / "rim_denoise.json").read_text())[
        "history"
    ]
    assert history["patches_seen"] == 8
    assert history["data"] == "images"
    assert "--train_steps_schedule=1:0.5,2:0.5" in history["command"]
    assert (output / "training" / "rim_denoise.log.csv").exists()

    # A second run must not touch the results, unless told.
    before = (output / "result.json").read_text()
    refused = _run(*arguments, expect_success=False, backend=backend)
    assert "--overwrite" in refused.stderr
    assert (output / "result.json").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--images=/nowhere"], "--images: /nowhere is not a folder"),
        (["--dataset=bsds300", "--data_dir=/proc/nowhere"], "--data_dir"),
        (["--weights=nonsense"], "No weights are called 'nonsense'"),
        (["--train", "--weights=rim_denoise"], "--weights: not with --train"),
        (["--train", "--train_steps_schedule=x"], "--train_steps_schedule"),
        (["--train", "--num_patches=1", "--batch_size=4"], "do not fill a batch"),
        (["--num_images=0"], "num_images"),
        (["--precision=float16"], "precision"),
        (["extra"], "Unknown arguments: extra"),
    ],
)
def test_bad_input_gives_one_line(tmp_path, arguments, message):
    output = tmp_path / "out"
    dataset = [] if "--dataset=bsds300" in arguments else ["--dataset=embedded"]
    finished = _run(
        *dataset, f"--output_dir={output}", *arguments, expect_success=False
    )
    assert message in finished.stderr
    assert not (output / "result.json").exists()
