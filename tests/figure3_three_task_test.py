"""Tests of the command line of `figure3_three_task.py`."""

import csv
import json
import shutil

import numpy as np
import pytest
import skimage.data
from PIL import Image

from paper_experiments import experiment, figure3_three_task, three_task
from rim_tf import pretrained

_NAMES = ("rim_3task", "gdn_3task", "ffn_3task")


def test_help_shows_its_flags_only(run_script):
    finished = run_script("figure3_three_task", "--help", expect_success=False)
    assert "--num_test_patches" in finished.stdout
    for flag in ("--rows", "--baselines", "--[no]baselines"):
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
            "validation_images",
            "patch_size",
            "patch_stride",
            "num_patches",
            "num_validation_patches",
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
        "(e) on inpainting the RIM is best",
        "2,361,346 parameters",
        "297,026",
        "decide nothing",
    ):
        assert text in table
        assert text in finished.stdout
    assert {p.name for p in output.iterdir()} >= {"figure3.png", "figure4.png"}


@pytest.mark.parametrize("seed", range(5))
def test_figure_4_knows_how_bright_the_image_is(seed):
    projection = figure3_three_task._fourier_projection_with_mean((16, 16), 0.2, seed)
    image = np.full((1, 16, 16, 1), 0.5, np.float32)
    known = projection.adjoint(projection.forward(image))
    np.testing.assert_allclose(known, image, atol=1e-5)


@pytest.fixture(name="refuse")
def _refuse(tmp_path, run_script):
    """Returns a function that tells what a run says that must fail."""

    def run(*arguments):
        arguments = (f"--output_dir={tmp_path}/out", *arguments)
        finished = run_script("figure3_three_task", *arguments, expect_success=False)
        return finished.stderr

    return run


def test_other_flags_are_refused(refuse):
    said = refuse("--dataset=embedded", "--baselines")
    assert "error: --baselines: not for this script" in said


@pytest.fixture(name="weights_folder")
def _weights_folder(tmp_path):
    """A folder as a training leaves it."""
    folder = tmp_path / "weights"
    for name in _NAMES:
        (folder / name).mkdir(parents=True)
        for suffix in ("json", "weights.h5"):
            file = f"{name}.{suffix}"
            shutil.copy(pretrained.WEIGHTS_FOLDER / file, folder / name / file)
    return folder


def test_training_goes_on_from_the_models_of_a_folder(
    tmp_path, run_script, tiny_training, weights_folder
):
    """Each of its own: with a learning rate of 0 they come out as they went in."""
    output = tmp_path / "out"
    finished = run_script(
        "figure3_three_task",
        *tiny_training,
        f"--initial_weights={weights_folder}",
        "--learning_rate=0",
        "--num_test_patches=1",
        f"--output_dir={output}",
    )
    assert f"to be tested with --weights={output}/training." in finished.stdout
    for name in _NAMES:
        path = output / "training" / name / f"{name}.weights.h5"
        before, after = (
            pretrained.load_pretrained(weights).get_weights()
            for weights in (name, path)
        )
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)
        history = pretrained.read_history(path)
        assert history["initial_weights"]["name"] == name
        # The test on embedded images is another one than the training of these.
        assert history["initial_weights"]["data"] == "bsds300"


def test_models_of_a_folder_are_tested(tmp_path, run_script):
    output = tmp_path / "out"
    run_script(
        "figure3_three_task",
        "--dataset=embedded",
        f"--weights={pretrained.WEIGHTS_FOLDER}",
        "--num_test_patches=1",
        "--num_steps=1",
        f"--output_dir={output}",
    )
    assert list(json.loads((output / "result.json").read_text())["weights"]) == [
        "RIM",
        "GDN",
        "FFN",
    ]


def test_weights_are_a_folder_of_all_models(tmp_path, refuse):
    said = refuse("--dataset=embedded", f"--weights={tmp_path}")
    assert "error: --weights:" in said
    assert "rim_3task/rim_3task.weights.h5" in said


def test_each_model_has_weights_of_its_kind(refuse, tiny_training, weights_folder):
    for suffix in ("json", "weights.h5"):
        shutil.copy(
            pretrained.WEIGHTS_FOLDER / f"gdn_3task.{suffix}",
            weights_folder / "rim_3task" / f"rim_3task.{suffix}",
        )
    said = refuse(*tiny_training, f"--initial_weights={weights_folder}")
    assert "error: --initial_weights:" in said
    assert "rim_3task.weights.h5 is of another model" in said


def test_weights_to_start_from_are_not_deleted(
    tmp_path, refuse, tiny_training, weights_folder
):
    training = tmp_path / "out" / "training"
    training.parent.mkdir()
    weights_folder.rename(training)
    said = refuse(*tiny_training, f"--initial_weights={training}", "--overwrite")
    assert "error: --overwrite: it would delete" in said
    assert (training / "rim_3task" / "rim_3task.weights.h5").exists()


def test_table_and_results_are_of_t_20_and_of_the_last():
    psnr = np.arange(51.0)[:, np.newaxis] + np.array([0.0, 2.0])
    curves = {
        panel: {name: three_task.Curve(psnr) for name in ("RIM", "GDN", "FFN")}
        for panel in three_task.PANELS
    }
    lines = figure3_three_task._table(curves)
    assert "RIM: t = 20 | RIM: t = 50 | GDN: t = 20" in lines[0]
    assert lines[2].split("|")[2].strip() == "21.00"
    measured = figure3_three_task._to_measured(curves, "images")
    assert [record.condition["t"] for record in measured[:2]] == [20, 50]
    assert measured[1].per_image == {"patch 0": 50.0, "patch 1": 52.0}


def test_a_test_goes_on_and_overwrite_begins_anew(tmp_path, run_script):
    output = tmp_path / "out"
    arguments = [
        "--dataset=embedded",
        "--num_test_patches=2",
        "--num_steps=1",
        f"--output_dir={output}",
    ]
    finished = run_script("figure3_three_task", *arguments)
    # Drawn from all images, not the first of the first.
    assert "2 patches from 2 images of embedded" in finished.stdout
    first = json.loads((output / "result.json").read_text())["measured"]
    # What is kept is another PSNR, so that it shows whether it is used.
    (batch,) = (output / "measured").iterdir()
    with np.load(batch) as kept:
        changed = {**kept, "psnr": kept["psnr"] + 1, "commit": "earlier"}
    np.savez(batch, **changed)
    (output / "result.json").unlink()
    finished = run_script("figure3_three_task", *arguments)
    assert "2 of them done before; the rest takes about 1 s" in finished.stdout
    again = json.loads((output / "result.json").read_text())["measured"]
    for one, other in zip(first, again, strict=True):
        assert other["mean"] == pytest.approx(one["mean"] + 1, abs=1e-3)
    finished = run_script("figure3_three_task", *arguments, "--overwrite")
    assert "the same command without --overwrite goes on" in finished.stdout
    assert json.loads((output / "result.json").read_text())["measured"] == first


def test_versions_are_told_where_there_are_several():
    assert figure3_three_task._note_on_commits(frozenset(["a"])) == []
    (note,) = figure3_three_task._note_on_commits(frozenset(["b", "a"]))
    assert "are a, b;" in note


def test_overwrite_deletes_the_result_before_it_measures(tmp_path, monkeypatch):
    """So that, interrupted, the same command without it goes on."""
    for name in ("result.json", "table.md", "figure3.png", "measured/batch_000.npz"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    run = experiment.Experiment("script", tmp_path, "float32", 1, 0, 0.0)

    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(three_task.Measurement, "run", interrupted)
    monkeypatch.setattr(three_task.Measurement, "estimate_seconds", lambda self: 0)
    monkeypatch.setattr(experiment, "overwrites", lambda: True)
    with pytest.raises(KeyboardInterrupt):
        figure3_three_task._measure({}, np.zeros((1, 32, 32, 1)), run)
    assert [path.name for path in tmp_path.iterdir()] == ["figure3.png"]


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
    assert table.count("not tested") == 4


def test_images_without_room_for_a_patch(tmp_path, refuse):
    Image.new("RGB", (31, 60)).save(tmp_path / "a.png")
    assert "error: --images: no image" in refuse(f"--images={tmp_path}")
