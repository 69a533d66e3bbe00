"""Tests of `table2_quantized_denoise.py`."""

import json

import pytest


def test_two_rows_with_other_methods(tmp_path, run_here, small_images):
    """One has brackets in its name; the other is that of the weights of --weights."""
    output = tmp_path / "out"
    finished = run_here(
        "table2_quantized_denoise",
        f"--images={small_images}",
        "--num_steps=10",
        "--rows=RIM-denoise,RIM-denoise-quantized (ours)",
        "--weights=rim_denoise_quantized",
        "--method=converged_total_variation",
        "--method=cycle_spun_wavelet",
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
        for row in ("RIM-denoise-quantized (ours)", "rim_denoise_quantized")
    )
    # Both rows have the same weights here, and see the same observations.
    assert quantized == pytest.approx(denoise, abs=1e-3)
    assert denoise[1] > noisy[1] + 7
    total_variation = [r["mean"] for r in by_model["converged total variation"]]
    assert denoise[1] > total_variation[1] > noisy[1] + 4
    assert "RIM-3task" not in by_model
    table = (output / "table.md").read_text()
    for text in (
        "RIM-denoise-quantized (ours), MEASURED",
        "rim_denoise_quantized, MEASURED",
        "cycle-spun wavelet, MEASURED",
        "rounded to 8 bits",
    ):
        assert text in table
        assert text in finished.stdout
    assert {path.name for path in output.iterdir()} == {
        *(
            "result.json",
            "table.md",
            "estimates.png",
            "detail.png",
            "trajectory.html",
            "baselines.json",
            "measured",
        ),
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


_METHODS = {
    "mine": "return y - 0.1 * sigma * np.sign(y)",
    "broken": "return y[0]",
    "scaled": "return 255 * y",
    "failing": "return np.linalg.inv(y[..., 0])",
    "empty": "return y * np.nan",
}


def test_methods_of_a_user(tmp_path, run_here, small_images):
    """One is a row; each of five others gets a line, and the table goes on."""
    for name, text in _METHODS.items():
        (tmp_path / f"{name}.py").write_text(
            f"import numpy as np\ndef restore(y, sigma, a):\n    {text}\n"
        )
    (tmp_path / "unreadable.py").write_text("import nothing_of_this_name")
    output = tmp_path / "out"
    names = [*_METHODS, "unreadable"]
    finished = run_here(
        "table2_quantized_denoise",
        f"--images={small_images}",
        "--num_steps=1",
        "--num_images=1",
        *(f"--method={tmp_path / name}.py" for name in names),
        f"--output_dir={output}",
        expect_success=False,
    )
    lines = [x for x in finished.stderr.splitlines() if x.startswith("error: ")]
    assert [line.split(" ")[2].rstrip(",:") for line in lines] == [
        *("unreadable.py", "broken.py", "scaled.py", "failing.py", "empty.py"),
    ]
    for line in lines[1:]:
        assert ", image astronaut.png, sigma 15: it " in line or "LinAlgError" in line
    result = json.loads((output / "result.json").read_text())
    measured = {record["model"] for record in result["measured"]}
    assert measured == {"noisy observation", "mine (yours)", "RIM-denoise"}
    assert list(result["methods"]) == ["mine (yours)"]
    assert result["methods"]["mine (yours)"]["seconds_per_image"] >= 0
    table = (output / "table.md").read_text()
    assert "| mine (yours), MEASURED (1 image)" in table
    assert "* mine (yours), mine.py: less RIM-denoise, mean ± standard error" in table
    for line in lines:
        assert f"* **{line.removeprefix('error: --method: ')}**" in table
