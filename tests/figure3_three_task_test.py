"""Tests of `figure3_three_task.py`."""

import csv
import json
import shutil

import numpy as np
import pytest
import skimage.data
from PIL import Image

from paper_experiments.common import run
from paper_experiments.figure3 import measurement
from rim_tf import pretrained

_NAMES = {"RIM": "rim_3task", "GDN": "gdn_3task", "FFN": "ffn_3task"}


@pytest.fixture(name="arguments")
def _arguments(three_task_weights, tmp_path):
    """Those of a run that is over soon."""
    return [
        f"--weights={three_task_weights}",
        "--dataset=embedded",
        "--num_test_patches=2",
        "--num_steps=2",
        f"--output_dir={tmp_path}/out",
    ]


@pytest.fixture(name="finished", scope="module")
def _finished(three_task_weights, tmp_path_factory, run_here):
    """The folder of a test that nothing disturbed, and its output.

    Of images of which the first has no room for a patch, and the second not for the
    whole of Figure 4.
    """
    data = tmp_path_factory.mktemp("data")
    folder, output = data / "images", data / "out"
    folder.mkdir()
    image = skimage.data.astronaut()
    Image.fromarray(image[:20, :60]).save(folder / "a.png")
    Image.fromarray(image[:45, :60]).save(folder / "b.png")
    Image.fromarray(image[60:124, :60]).save(folder / "c.png")
    finished = run_here(
        "figure3_three_task",
        f"--weights={three_task_weights}",
        f"--images={folder}",
        "--num_test_patches=100",
        "--num_steps=2",
        f"--output_dir={output}",
    )
    return output, finished.stdout


def test_curves_and_results_agree(finished):
    output, _ = finished
    result = json.loads((output / "result.json").read_text())
    # Three models, at the last of the steps; every step is in the curves.
    assert len(result["measured"]) == len(measurement.PANELS) * 3
    for record in result["measured"]:
        values = list(record["per_image"].values())
        assert len(values) == record["num_images"] == 100
        assert np.mean(values) == pytest.approx(record["mean"], abs=1e-3)
    with (output / "curves.csv").open() as file:
        curves = list(csv.DictReader(file))
    assert len(curves) == len(measurement.PANELS) * 3 * 3
    at_the_end = [float(line["mean"]) for line in curves if line["t"] == "2"]
    means = [record["mean"] for record in result["measured"]]
    np.testing.assert_allclose(at_the_end, means, atol=1e-3)
    assert list(result["weights"]) == list(_NAMES)
    verdicts = [finding["verdict"] for finding in result["findings"]]
    assert len(verdicts) == 7 and verdicts.count("not tested") == 4


def test_table_findings_and_notes(finished):
    output, said = finished
    table = (output / "table.md").read_text()
    for text in (
        "RIM: t = 2",
        "(e) on inpainting the RIM is best",
        "100 patches from 2 images of images, sigma = 1/32, seed 0",
        "* The FFN has eight times fewer parameters than the others.",
    ):
        assert text in table
        assert text in said
    # After t = 20 nothing was measured.
    assert table.count("not tested") == 4
    assert {p.name for p in output.iterdir()} == {
        *("result.json", "table.md", "curves.csv", "figure3.png", "figure4.png"),
        "measured",
    }


def test_a_test_goes_on_and_overwrite_begins_anew(tmp_path, run_here, arguments):
    output = tmp_path / "out"
    finished = run_here("figure3_three_task", *arguments)
    # Drawn from all images, not the first of the first.
    assert "2 patches from 2 images of embedded" in finished.stdout
    # So few say nothing of the paper's findings.
    assert "Too few patches to judge the paper's findings" in finished.stdout
    assert "(e)" not in finished.stdout
    first = json.loads((output / "result.json").read_text())["measured"]
    # What is kept is another PSNR, so that it shows whether it is used.
    (batch,) = (output / "measured").iterdir()
    with np.load(batch) as kept:
        changed = {**kept, "psnr": kept["psnr"] + 1, "commit": "earlier"}
    np.savez(batch, **changed)
    (output / "result.json").unlink()
    finished = run_here("figure3_three_task", *arguments)
    assert "2 of them done before; the rest takes about 1 s" in finished.stdout
    again = json.loads((output / "result.json").read_text())["measured"]
    for one, other in zip(first, again, strict=True):
        assert other["mean"] == pytest.approx(one["mean"] + 1, abs=1e-3)
    finished = run_here("figure3_three_task", *arguments, "--overwrite")
    assert "the same command without --overwrite goes on" in finished.stdout
    assert json.loads((output / "result.json").read_text())["measured"] == first


def test_shipped_models(functions_of, tmp_path):
    """By default; they have the parameters that the documents tell."""
    script = functions_of("figure3_three_task")
    default = run.Run("s", {"weights": None}, tmp_path, "float32", 2, 0.0)
    models, histories = script._load_models(default)
    names = {row: f"{name}_paper" for row, name in _NAMES.items()}
    assert {row: history["name"] for row, history in histories.items()} == names
    parameters = {row: model.count_params() for row, model in models.items()}
    assert parameters == {"RIM": 2_361_922, "GDN": 2_361_346, "FFN": 297_026}
    # The folder that all are shipped in has those of another recipe.
    folder = {"weights": str(pretrained.WEIGHTS_FOLDER)}
    of_folder = run.Run("s", folder, tmp_path, "float32", 2, 0.0)
    _, others = script._load_models(of_folder)
    assert all(others[row]["patches_seen"] == 320_000 for row in _NAMES)
    assert all(histories[row]["patches_seen"] == 40_000 for row in _NAMES)


def test_weights_are_a_folder_of_all_models(tmp_path, check_refused):
    check_refused(
        "figure3_three_task",
        f"--weights={tmp_path}",
        message="error: --weights: ",
    )


def test_each_model_has_weights_of_its_kind(
    tmp_path, check_refused, three_task_weights
):
    folder = shutil.copytree(three_task_weights, tmp_path / "weights")
    for suffix in ("json", "weights.h5"):
        shutil.copy(
            three_task_weights / "gdn_3task" / f"gdn_3task.{suffix}",
            folder / "rim_3task" / f"rim_3task.{suffix}",
        )
    check_refused(
        "figure3_three_task",
        f"--weights={folder}",
        message="rim_3task.weights.h5 is of another model: its cell is GDNCell",
    )


def test_images_without_room_for_a_patch(tmp_path, check_refused):
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("RGB", (31, 60)).save(folder / "a.png")
    check_refused(
        "figure3_three_task",
        f"--images={folder}",
        message="error: --images: no image is as large as a patch",
    )
