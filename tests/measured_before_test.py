"""Tests of rows that show what an earlier run measured."""

import dataclasses
import json

import numpy as np
import pytest

from paper_experiments.common import image_sets, measured_before, run
from rim_tf import pretrained

_ROW, _NAME = "RIM-3task", "rim_3task"
_IDS = {"68": ["3096", "12084"], "100": ["3096", "12084", "16077"]}


@pytest.fixture(name="of_run")
def _of_run(tmp_path):
    return run.Run("table2_denoise", {"seed": 0}, tmp_path, "float32", 20, 0.0)


@pytest.fixture(name="test_images")
def _test_images():
    images = dict.fromkeys(_IDS["100"], np.zeros((8, 8, 3), np.uint8))
    return image_sets.TestImages("bsds300", images, {}, _IDS)


@pytest.fixture(name="history")
def _history():
    return {"name": _NAME, **pretrained.read_history(_NAME)}


def test_values_are_those_that_an_earlier_run_wrote(of_run, test_images, history):
    result = measured_before.find(of_run, test_images, _ROW, history)
    scores = measured_before.scores(result, _ROW, test_images)
    assert [(s.test_set, s.condition["sigma"]) for s in scores] == [
        (name, sigma) for sigma in (15, 25, 50) for name in ("68", "100")
    ]
    written = {
        (record["test_set"], record["condition"]["sigma"]): record["per_image"]
        for record in result["measured"]
        if record["model"] == _ROW
    }
    for score in scores:
        values = written[score.test_set, score.condition["sigma"]]
        assert score.per_image == {i: values[i] for i in _IDS[score.test_set]}
        assert score.mean == pytest.approx(np.mean(list(score.per_image.values())))


def test_only_images_that_are_asked_for_have_values(of_run, test_images, history):
    result = measured_before.find(of_run, test_images, _ROW, history)
    scores = measured_before.scores(result, _ROW, test_images.first(1))
    assert {tuple(score.per_image) for score in scores} == {("3096",)}


def test_says_by_what_it_was_measured(of_run, test_images, history):
    result = measured_before.find(of_run, test_images, _ROW, history)
    commit = result["versions"]["commit"]
    assert measured_before.describe(result) == (
        f"measured before, at commit {commit} on NVIDIA H100 80GB HBM3"
    )


def test_another_seed_or_number_of_steps_was_not_measured(of_run, test_images, history):
    for other in (
        dataclasses.replace(of_run, flags={"seed": 1}),
        dataclasses.replace(of_run, num_steps=5),
        dataclasses.replace(of_run, script="table1_rgb_denoise"),
    ):
        assert measured_before.find(other, test_images, _ROW, history) is None


def test_other_images_rows_or_weights_were_not_measured(of_run, test_images, history):
    elsewhere = dataclasses.replace(test_images, dataset="embedded")
    trained_anew = {**history, "seconds": history["seconds"] + 1}
    for arguments in (
        (elsewhere, _ROW, history),
        (dataclasses.replace(test_images, images={}), _ROW, history),
        (test_images, "RIM", history),
        (test_images, _ROW, trained_anew),
    ):
        assert measured_before.find(of_run, *arguments) is None


def test_every_file_of_numbers_is_found_by_what_it_is_of(of_run, test_images):
    """So no row of a table is left empty though it was measured."""
    folder = measured_before.NUMBERS_FOLDER / "measured"
    for path in folder.glob("table*.json"):
        result = json.loads(path.read_text())
        same = dataclasses.replace(
            of_run, script=result["script"], flags={"seed": result["seed"]}
        )
        for row, history in result.get("weights", {}).items():
            if ", seed " in row:
                # Its weights are not shipped.
                continue
            name = history["name"]
            now = {"name": name, **pretrained.read_history(name)}
            assert measured_before.find(same, test_images, row, now), (path, row)


_NUMBERS = sorted((measured_before.NUMBERS_FOLDER / "measured").glob("*.json"))


@pytest.mark.parametrize("path", _NUMBERS, ids=lambda path: path.stem)
def test_numbers_are_of_the_weights_that_are_shipped(path):
    """So that new weights are not shipped beside numbers of earlier ones."""
    result = json.loads(path.read_text())
    for row, history in result.get("weights", {}).items():
        if ", seed " in row:
            continue
        now = pretrained.read_history(history["name"])
        for key in ("updates", "seconds", "validation_psnr"):
            assert history[key] == now[key], row
