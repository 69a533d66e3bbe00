"""Tests of `table1_rgb_denoise.py`."""

import json

import pytest


def test_table(tmp_path, run_here, small_images):
    output = tmp_path / "out"
    finished = run_here(
        "table1_rgb_denoise",
        f"--images={small_images}",
        "--num_steps=10",
        f"--output_dir={output}",
    )
    assert {path.name for path in output.iterdir()} == {
        *("result.json", "table.md", "estimates.png", "detail.png", "trajectory.html"),
        "measured",
    }
    result = json.loads((output / "result.json").read_text())
    noisy, restored = result["measured"]
    assert (noisy["model"], restored["model"]) == ("noisy observation", "RIM")
    for record in (noisy, restored):
        assert record["condition"] == {"sigma": 25, "quantized": True}
        assert set(record["per_image"]) == {"astronaut.png", "chelsea.png"}
    # Clipping makes the noise a little smaller.
    assert noisy["mean"] == pytest.approx(20.6, abs=0.4)
    assert restored["mean"] > noisy["mean"] + 8
    assert result["weights"]["RIM"]["name"] == "rim_rgb_denoise"
    table = (output / "table.md").read_text()
    for text in (
        "RIM, MEASURED",
        "rounded to 8 bits",
        "The images are those of small, not the paper's.",
        "Weights rim_rgb_denoise: 2,365,380 parameters, 101,200 patches of bsds300",
    ):
        assert text in table
        assert text in finished.stdout
    # Other images cannot be compared with what the paper reports.
    assert ", reported" not in table
