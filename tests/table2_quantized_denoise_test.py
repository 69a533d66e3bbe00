"""Tests of `table2_quantized_denoise.py`."""

import json

import pytest


def test_two_rows_with_baselines(tmp_path, run_here, small_images):
    """One has brackets in its name; --weights is about the other."""
    output = tmp_path / "out"
    finished = run_here(
        "table2_quantized_denoise",
        f"--images={small_images}",
        "--num_steps=10",
        "--rows=RIM-denoise,RIM-denoise-quantized (ours)",
        "--weights=rim_denoise_quantized",
        "--baselines",
        f"--output_dir={output}",
    )
    result = json.loads((output / "result.json").read_text())
    by_model = {}
    for record in result["measured"]:
        assert record["condition"]["quantized"]
        by_model.setdefault(record["model"], []).append(record)
    for records in by_model.values():
        assert [r["condition"]["sigma"] for r in records] == [15, 25, 50]
    # Clipping makes the noise a little smaller.
    noisy = [r["mean"] for r in by_model["noisy observation"]]
    assert noisy[1] == pytest.approx(20.6, abs=0.4)
    quantized, denoise = (
        [r["mean"] for r in by_model[row]]
        for row in ("RIM-denoise-quantized (ours)", "RIM-denoise")
    )
    # Both rows have the same weights here, and see the same observations.
    assert quantized == pytest.approx(denoise, abs=1e-3)
    assert denoise[1] > noisy[1] + 7
    total_variation = [r["mean"] for r in by_model["total variation"]]
    assert denoise[1] > total_variation[1] > noisy[1] + 4
    assert "RIM-3task" not in by_model
    table = (output / "table.md").read_text()
    for text in (
        "RIM-denoise-quantized (ours), MEASURED",
        "RIM-denoise, MEASURED",
        "wavelet, MEASURED",
        "rounded to 8 bits",
    ):
        assert text in table
        assert text in finished.stdout
    assert {path.name for path in output.iterdir()} == {
        *("result.json", "table.md", "estimates.png", "detail.png", "baselines.json"),
    }


def test_a_row_alone(tmp_path, run_here, small_images):
    """One that is not what --weights is about; it is in the pictures, too."""
    output = tmp_path / "out"
    run_here(
        "table2_quantized_denoise",
        f"--images={small_images}",
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
