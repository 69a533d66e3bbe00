"""Tests of the models that a script is told to test, or to start from."""

import numpy as np
import pytest

import rim_tf
from rim_tf import pretrained
from rim_tf.cells import RIMCell


def test_training_from_other_weights(
    tmp_path, small_weights, run_script, tiny_training
):
    """With a learning rate of 0 they come out as they went in."""
    output = tmp_path / "out"
    run_script(
        "table2_denoise",
        *tiny_training,
        f"--initial_weights={small_weights}",
        f"--output_dir={output}",
        "--learning_rate=0",
    )
    before, after = (
        pretrained.load_pretrained(path).get_weights()
        for path in (small_weights, output / "training" / "rim_denoise.weights.h5")
    )
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    history = pretrained.read_history(output / "training" / "rim_denoise.weights.h5")
    assert history["initial_weights"]["name"] == "small.weights.h5"
    assert history["initial_weights"]["data"] == "nothing"
    table = (output / "table.md").read_text()
    assert "of nothing in" in table
    assert "; then 4 of embedded in" in table


def test_missing_weights_to_start_from_are_not_said_to_be_deleted(
    tmp_path, check_refused
):
    path = tmp_path / "out" / "training" / "missing.weights.h5"
    check_refused(
        "table2_denoise",
        "--train",
        "--overwrite",
        f"--initial_weights={path}",
        message="missing.weights.h5 does not exist",
    )


@pytest.fixture(name="color_weights")
def _color_weights(tmp_path):
    """Weights that restore RGB images."""
    rim = rim_tf.RIM(RIMCell(channels=3, features=4, state_features=6))
    rim.build()
    pretrained.save_pretrained(rim, tmp_path / "rgb.weights.h5", {})
    return tmp_path / "rgb.weights.h5"


def test_weights_of_another_architecture(color_weights, check_refused):
    check_refused(
        "table2_denoise",
        f"--weights={color_weights}",
        message="restores images of 3 channels",
    )


def test_weights_of_another_task(tmp_path, check_refused):
    rim = rim_tf.RIM(RIMCell(features=4, state_features=6))
    rim.build()
    path = tmp_path / "sr.weights.h5"
    pretrained.save_pretrained(rim, path, {"color": "luminance"})
    check_refused(
        "table2_denoise", f"--weights={path}", message="was trained on luminance images"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--weights=nonsense"], "No weights are called 'nonsense'"),
        (["--weights=/nowhere/x.weights.h5"], "x.weights.h5 does not exist"),
        (["--weights=gdn_3task"], "gdn_3task is of another model: its cell is GDNCell"),
        (["--train", "--weights=rim_denoise"], "--weights: not with --train"),
        (["--initial_weights=rim_denoise"], "--initial_weights: only with --train"),
        (["--train", "--initial_weights=nonsense"], "--initial_weights: No weights"),
        (["--train", "--initial_weights=ffn_3task"], "ffn_3task is of another model"),
        (["--epochs=3"], "--epochs: only with --train"),
        (["--devices=2"], "--devices: only with --train"),
    ],
)
def test_bad_input_gives_one_line(arguments, message, check_refused):
    check_refused("table2_denoise", *arguments, message=message)


@pytest.mark.parametrize(
    "script",
    [
        "figure3_three_task",
        "table1_rgb_denoise",
        "table2_denoise",
        "table2_quantized_denoise",
        "table3_super_resolution",
    ],
)
def test_nothing_but_the_line_is_said(script, tmp_path, run_script, monkeypatch):
    """TensorFlow's remarks about devices are kept off the screen."""
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    output = tmp_path / "out"
    finished = run_script(
        script, "--epochs=3", f"--output_dir={output}", expect_success=False
    )
    assert finished.stderr == "error: --epochs: only with --train.\n"
