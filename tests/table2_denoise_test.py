"""Tests of `table2_denoise.py`."""

import json

import pytest


def test_from_weights_on_embedded_images(tmp_path, small_weights, run_here):
    output = tmp_path / "out"
    finished = run_here(
        "table2_denoise",
        "--dataset=embedded",
        f"--weights={small_weights}",
        f"--output_dir={output}",
        "--num_steps=1",
        "--num_images=1",
        "--rows=all",
    )
    result = json.loads((output / "result.json").read_text())
    assert {p.name for p in output.iterdir()} == {
        *("result.json", "table.md", "estimates.png", "detail.png", "trajectory.html"),
        "measured",
    }
    assert result["script"] == "table2_denoise"
    assert result["dataset"] == "embedded"
    assert result["settings"]["num_steps"] == 1
    # The observations, RIM-denoise and RIM-3task, and both by the paper's recipe.
    assert [r["condition"] for r in result["measured"]] == 5 * [
        {"sigma": sigma, "quantized": False} for sigma in (15, 25, 50)
    ]
    for record in result["measured"]:
        assert record["test_set"] == "embedded"
        assert set(record["per_image"]) == {"chelsea"}
        (value,) = record["per_image"].values()
        assert record["mean"] == pytest.approx(value, abs=1e-3)
    # The noise's own PSNR.
    noisy = [r["mean"] for r in result["measured"][:3]]
    assert noisy == pytest.approx([24.61, 20.17, 14.15], abs=0.1)
    assert result["weights"]["small (yours)"]["data"] == "nothing"
    assert result["weights"]["RIM-3task"]["name"] == "rim_3task"
    table = (output / "table.md").read_text()
    for text in (
        "small (yours), MEASURED",
        "RIM-3task, MEASURED",
        "THESE ARE NOT THE PAPER'S IMAGES",
        "Only the first image of",
    ):
        assert text in table
        assert text in finished.stdout
    assert "Restoring 1 image 12 times with 1 step takes about" in finished.stdout
    assert str(output) in finished.stdout


def test_what_was_interrupted_goes_on(tmp_path, small_weights, small_images, run_here):
    output = tmp_path / "out"
    arguments = (
        "table2_denoise",
        f"--images={small_images}",
        f"--weights={small_weights}",
        f"--output_dir={output}",
        "--num_steps=1",
    )
    first = run_here(*arguments)
    assert "If it is interrupted, the same command goes on" in first.stdout
    result = output / "result.json"
    measured = json.loads(result.read_text())["measured"]
    # As if it had been, with two of six values.
    result.unlink()
    values = output / "measured" / "values.json"
    kept = json.loads(values.read_text())
    assert len(kept) == 6
    values.write_text(json.dumps(dict(list(kept.items())[:2])))
    again = run_here(*arguments)
    assert "2 values of an earlier run are here" in again.stdout
    assert json.loads(result.read_text())["measured"] == measured
    anew = run_here(*arguments, "--overwrite")
    assert "an earlier run" not in anew.stdout
