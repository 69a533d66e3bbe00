"""Tests of the command line of `table2_quantized_denoise.py`."""

import json

import pytest

from rim_tf import pretrained


def test_training_and_table(tmp_path, run_script, tiny_training):
    output = tmp_path / "out"
    finished = run_script(
        "table2_quantized_denoise",
        *tiny_training,
        "--rows=RIM-denoise,RIM-denoise-quantized (ours)",
        f"--output_dir={output}",
    )
    result = json.loads((output / "result.json").read_text())
    noisy = [r for r in result["measured"] if r["model"] == "noisy observation"]
    assert [r["condition"]["sigma"] for r in noisy] == [15, 25, 50]
    assert all(r["condition"]["quantized"] for r in noisy)
    # Clipping makes the noise a little smaller.
    (at_25,) = (r["mean"] for r in noisy if r["condition"]["sigma"] == 25)
    assert at_25 == pytest.approx(20.6, abs=0.4)
    table = (output / "table.md").read_text()
    for text in (
        *[
            "RIM-denoise-quantized (ours), MEASURED",
            "RIM-denoise, reported",
            "RIM-denoise, MEASURED",
        ],
        "rounded to 8 bits",
        "THESE ARE NOT THE PAPER'S IMAGES",
    ):
        assert text in table
        assert text in finished.stdout
    assert "RIM-3task, MEASURED" not in table
    path = output / "training" / "rim_denoise_quantized.weights.h5"
    assert pretrained.load_pretrained(path).cell.channels == 1
    assert "quantized=True" in pretrained.read_history(path)["problem"]
    assert (output / "detail.png").exists()


def test_a_row_alone(tmp_path, run_script):
    """One that is not what --weights is about; it is in the pictures, too."""
    output = tmp_path / "out"
    run_script(
        "table2_quantized_denoise",
        "--dataset=embedded",
        "--rows=RIM-3task",
        "--num_images=1",
        "--num_steps=1",
        f"--output_dir={output}",
    )
    result = json.loads((output / "result.json").read_text())
    measured = {r["model"] for r in result["measured"]}
    assert measured == {"noisy observation", "RIM-3task"}
    assert list(result["weights"]) == ["RIM-3task"]
    assert (output / "estimates.png").exists()
