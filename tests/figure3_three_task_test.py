"""Tests of the command line of `figure3_three_task.py`."""

import json

from paper_experiments import three_task
from rim_tf import pretrained


def test_trains_three_models_alike(tmp_path, run_script, tiny_training):
    output = tmp_path / "out"
    arguments = ["--num_test_patches=3", "--num_steps=2", f"--output_dir={output}"]
    finished = run_script("figure3_three_task", *tiny_training, *arguments)
    histories = {
        name: pretrained.read_history(output / "training" / name / f"{name}.weights.h5")
        for name in ("rim_3task", "gdn_3task", "ffn_3task")
    }
    for history in histories.values():
        assert history["problem"].startswith("ThreeTaskProblem(")
        # Budget, patches, operators, noise and seeds are the same.
        for key in (
            "training_images",
            "num_patches",
            "patches_seen",
            "settings",
            "problem",
            "precision",
        ):
            assert history[key] == histories["rim_3task"][key]
    result = json.loads((output / "result.json").read_text())
    assert len(result["measured"]) == (
        len(three_task.TASKS) * len(three_task.FRACTIONS) * 3 * 3
    )
    table = (output / "table.md").read_text()
    for text in ("RIM: t = 2", "REPRODUCED", "2,361,346 parameters", "297,026"):
        assert text in table
        assert text in finished.stdout
    assert {p.name for p in output.iterdir()} >= {"figure3.png", "figure4.png"}


def test_other_flags_are_refused(tmp_path, run_script):
    finished = run_script(
        "figure3_three_task",
        "--dataset=embedded",
        "--weights=rim_denoise",
        f"--output_dir={tmp_path}/out",
        expect_success=False,
    )
    assert "not for several models" in finished.stderr
