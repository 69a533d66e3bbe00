"""Tests of the command line of `table3_super_resolution.py`."""

import json

from rim_tf import pretrained


def test_training_and_table(tmp_path, run_script, tiny_training):
    output = tmp_path / "out"
    finished = run_script(
        "table3_super_resolution",
        *tiny_training,
        "--num_images=2",
        f"--output_dir={output}",
    )
    result = json.loads((output / "result.json").read_text())
    measured = {
        (r["model"], r["metric"], r["condition"]["factor"]): r
        for r in result["measured"]
    }
    assert len(measured) == 2 * 2 * 3
    for factor in (2, 3, 4):
        # Untrained, the RIM stays where it starts: at the bicubic image.
        bicubic, rim = (measured[m, "psnr", factor]["mean"] for m in ("Bicubic", "RIM"))
        assert abs(bicubic - rim) < 0.1
        assert set(measured["RIM", "ssim", factor]["per_image"]) == {
            "astronaut",
            "camera",
        }
    table = (output / "table.md").read_text()
    for text in ("RIM, reported, UNVERIFIED", "Bicubic, MEASURED", "RIM, MEASURED"):
        assert text in table
        assert text in finished.stdout
    path = output / "training" / "rim_super_resolution.weights.h5"
    assert pretrained.load_pretrained(path).count_params() == 502_557 + 1
    assert pretrained.read_history(path)["patch_size"] == 36
    assert {p.name for p in output.iterdir()} >= {"detail.png", "estimates.png"}


def test_bad_lr_dir(tmp_path, run_script):
    finished = run_script(
        "table3_super_resolution",
        "--dataset=embedded",
        f"--lr_dir={tmp_path}",
        f"--output_dir={tmp_path}/out",
        expect_success=False,
    )
    assert "--lr_dir: " in finished.stderr
