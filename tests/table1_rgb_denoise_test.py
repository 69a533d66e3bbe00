"""Tests of the command line of `table1_rgb_denoise.py`."""

import json

import pytest

from rim_tf import pretrained


def test_training_and_table(tmp_path, run_script, tiny_training):
    output = tmp_path / "out"
    finished = run_script(
        "table1_rgb_denoise", *tiny_training, f"--output_dir={output}"
    )
    result = json.loads((output / "result.json").read_text())
    noisy = [r for r in result["measured"] if r["model"] == "noisy observation"]
    assert [r["condition"]["sigma"] for r in noisy] == [25]
    assert all(r["condition"]["quantized"] for r in noisy)
    # Clipping makes the noise a little smaller.
    (at_25,) = (r["mean"] for r in noisy if r["condition"]["sigma"] == 25)
    assert at_25 == pytest.approx(20.6, abs=0.4)
    table = (output / "table.md").read_text()
    for text in (
        *["RIM, reported", "CBM3D, reported", "RTF-5, reported"],
        "rounded to 8 bits",
        "THESE ARE NOT THE PAPER'S IMAGES",
    ):
        assert text in table
        assert text in finished.stdout
    path = output / "training" / "rim_rgb_denoise.weights.h5"
    assert pretrained.load_pretrained(path).cell.channels == 3
    assert "quantized=True" in pretrained.read_history(path)["problem"]
    assert (output / "detail.png").exists()
