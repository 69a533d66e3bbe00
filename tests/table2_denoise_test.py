"""Tests of Table 2's script, as a user calls it."""

import json

import pytest


def test_from_weights_on_embedded_images(tmp_path, small_weights, run_script):
    output = tmp_path / "out"
    finished = run_script(
        "table2_denoise",
        "--dataset=embedded",
        f"--weights={small_weights}",
        f"--output_dir={output}",
        "--num_steps=2",
        "--num_images=2",
    )
    result = json.loads((output / "result.json").read_text())
    assert {p.name for p in output.iterdir()} == {
        "result.json",
        "table.md",
        "estimates.png",
        "detail.png",
    }
    assert result["script"] == "table2_denoise"
    assert result["dataset"] == "embedded"
    assert result["settings"]["num_steps"] == 2
    # RIM-denoise, RIM-3task and the observations.
    assert [r["condition"]["sigma"] for r in result["measured"]] == 3 * [15, 25, 50]
    for record in result["measured"]:
        assert record["test_set"] == "embedded"
        assert set(record["per_image"]) == {"chelsea", "astronaut"}
        mean = sum(record["per_image"].values()) / record["num_images"]
        assert record["mean"] == pytest.approx(mean, abs=1e-3)
    (noisy,) = (
        r
        for r in result["measured"]
        if r["condition"]["sigma"] == 25 and r["model"] == "noisy observation"
    )
    assert noisy["mean"] == pytest.approx(20.17, abs=0.1)
    table = (output / "table.md").read_text()
    for text in (
        "RIM-denoise, reported",
        "RIM-denoise, MEASURED",
        "THESE ARE NOT THE PAPER'S IMAGES",
        "Only the first 2 images",
    ):
        assert text in table
        assert text in finished.stdout
    assert "takes about" in finished.stdout
    assert str(output) in finished.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--rows=RIM"],
            "--rows: this table has no row RIM; there are: RIM-denoise, RIM-3task.",
        ),
        (["--rows=RIM-3task,RIM"], "--rows: this table has no row RIM; there are"),
        (["--rows="], "--rows: this table has no row without a name; there are"),
        (
            ["--rows=RIM-3task", "--weights=rim_denoise"],
            "--rows: --weights and --train are about the row RIM-denoise",
        ),
    ],
)
def test_bad_input_gives_one_line(arguments, message, check_refused):
    check_refused("table2_denoise", *arguments, message=message)
