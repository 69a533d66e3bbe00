"""Tests of the command line of `figure3_three_task.py`."""

import csv
import json

import numpy as np
import pytest
import skimage.data
from PIL import Image

from paper_experiments import three_task
from rim_tf import pretrained


def test_help_shows_its_flags_only(run_script):
    finished = run_script("figure3_three_task", "--help", expect_success=False)
    assert "--num_test_patches" in finished.stdout
    for flag in ("--rows", "--weights:", "--baselines", "--[no]baselines"):
        assert flag not in finished.stdout


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
    # Three models, at the last of the steps; every step is in the curves.
    assert len(result["measured"]) == len(three_task.PANELS) * 3
    for record in result["measured"]:
        values = list(record["per_image"].values())
        assert len(values) == record["num_images"] == 3
        assert np.mean(values) == pytest.approx(record["mean"], abs=1e-3)
    with (output / "curves.csv").open() as file:
        curves = list(csv.DictReader(file))
    assert len(curves) == len(three_task.PANELS) * 3 * 3
    at_the_end = [float(line["mean"]) for line in curves if line["t"] == "2"]
    means = [record["mean"] for record in result["measured"]]
    np.testing.assert_allclose(at_the_end, means, atol=1e-3)
    table = (output / "table.md").read_text()
    for text in (
        "RIM: t = 2",
        "REPRODUCED",
        "2,361,346 parameters",
        "297,026",
        "decide nothing",
    ):
        assert text in table
        assert text in finished.stdout
    assert {p.name for p in output.iterdir()} >= {"figure3.png", "figure4.png"}


@pytest.mark.parametrize("flag", ["weights=rim_denoise", "baselines"])
def test_other_flags_are_refused(tmp_path, run_script, flag):
    finished = run_script(
        "figure3_three_task",
        "--dataset=embedded",
        f"--{flag}",
        f"--output_dir={tmp_path}/out",
        expect_success=False,
    )
    name = flag.split("=")[0]
    assert f"error: --{name}: not for this script" in finished.stderr


def test_training_goes_on_from_the_models_of_a_folder(
    tmp_path, run_script, tiny_training
):
    """Each of its own: with a learning rate of 0 they come out as they went in."""
    output = tmp_path / "out"
    run_script(
        "figure3_three_task",
        *tiny_training,
        f"--initial_weights={pretrained.WEIGHTS_FOLDER}",
        "--learning_rate=0",
        "--num_test_patches=1",
        f"--output_dir={output}",
    )
    for name in ("rim_3task", "gdn_3task", "ffn_3task"):
        path = output / "training" / name / f"{name}.weights.h5"
        before, after = (
            pretrained.load_pretrained(weights).get_weights()
            for weights in (name, path)
        )
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)
        assert pretrained.read_history(path)["initial_weights"]["name"].startswith(name)


def test_initial_weights_are_a_folder_of_all_models(
    tmp_path, run_script, tiny_training
):
    finished = run_script(
        "figure3_three_task",
        *tiny_training,
        f"--initial_weights={tmp_path}",
        f"--output_dir={tmp_path}/out",
        expect_success=False,
    )
    assert "error: --initial_weights:" in finished.stderr
    assert "rim_3task/rim_3task.weights.h5" in finished.stderr


def test_small_images(tmp_path, run_script, tiny_training):
    """Figure 4 is drawn of what there is, of the first image with room for a patch."""
    folder, output = tmp_path / "images", tmp_path / "out"
    folder.mkdir()
    image = skimage.data.astronaut()
    Image.fromarray(image[:20, :60]).save(folder / "a.png")
    Image.fromarray(image[:45, :60]).save(folder / "b.png")
    # The last one of the flags counts.
    arguments = ["--num_images=2", "--num_test_patches=2", f"--output_dir={output}"]
    run_script("figure3_three_task", *tiny_training, *arguments, f"--images={folder}")
    assert (output / "figure4.png").exists()
    table = (output / "table.md").read_text()
    assert "fewer parameters than the others.\n" in table
    assert table.count("not tested") == 3


def test_images_without_room_for_a_patch(tmp_path, run_script):
    Image.new("RGB", (31, 60)).save(tmp_path / "a.png")
    finished = run_script(
        "figure3_three_task",
        f"--images={tmp_path}",
        f"--output_dir={tmp_path}/out",
        expect_success=False,
    )
    assert "error: --images: no image" in finished.stderr
