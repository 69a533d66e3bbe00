"""Tests of the models that a script is told to test, or to start from."""

import pathlib
import re
import shutil

import pytest

import rim_tf
from paper_experiments.common import run, weights
from paper_experiments.common.errors import UserError
from rim_tf import pretrained
from rim_tf.cells import GDNCell, RIMCell

_RUN = run.Run("table2_denoise", {}, pathlib.Path("out"), "float32", 20, 0.0)


def _save(path, history, **architecture):
    rim = rim_tf.RIM(RIMCell(features=4, state_features=6, **architecture))
    rim.build()
    pretrained.save_pretrained(rim, path, history)
    return str(path)


def _refused(message, *arguments):
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        weights.load(*arguments)


def test_weights_come_with_their_history_and_name(small_weights):
    model, history = weights.load(str(small_weights), _RUN, "gray")
    assert model.cell.features == 4
    assert model.dtype_policy.name == "float32"
    assert history["name"] == str(small_weights)
    assert history["data"] == "nothing"


def test_shipped_weights_are_of_the_cell_that_is_asked_for():
    model, history = weights.load("gdn_3task", _RUN, "gray", GDNCell)
    assert type(model.cell) is GDNCell
    assert history["data"] == "bsds300"


def test_weights_of_another_number_of_channels(tmp_path):
    path = _save(tmp_path / "rgb.weights.h5", {}, channels=3)
    message = f"--weights: {path} restores images of 3 channels, table2_denoise needs 1"
    _refused(message, path, _RUN, "gray")
    _refused(
        "--weights: rim_denoise restores images of 1 channel, table2_denoise needs 3",
        *("rim_denoise", _RUN, "rgb"),
    )


def test_weights_of_another_task(tmp_path):
    path = _save(tmp_path / "sr.weights.h5", {"color": "luminance"})
    message = (
        f"--weights: {path} was trained on luminance images, table2_denoise needs gray"
    )
    _refused(message, path, _RUN, "gray")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonsense", "No weights are called 'nonsense'"),
        ("/nowhere/x.weights.h5", "/nowhere/x.weights.h5 does not exist"),
        ("gdn_3task", "gdn_3task is of another model: its cell is GDNCell, not RIMCe"),
    ],
)
@pytest.mark.parametrize("flag", ["weights", "initial_weights"])
def test_complaints_name_the_flag(name, message, flag):
    _refused(f"--{flag}: {message}", name, _RUN, "gray", RIMCell, flag)


def test_the_other_way_round():
    _refused(
        "--weights: rim_3task is of another model: its cell is RIMCell, not GDNCell.",
        *("rim_3task", _RUN, "gray", GDNCell),
    )


@pytest.mark.parametrize("suffix", ["", "_paper"])
@pytest.mark.parametrize("has_folders", [False, True])
def test_weights_are_found_in_a_folder(tmp_path, small_weights, suffix, has_folders):
    """As train.py leaves it, or all of them in it."""
    expected = {}
    for name in ("rim_3task", "gdn_3task"):
        file = f"{name}{suffix}.weights.h5"
        path = tmp_path / f"{name}{suffix}" / file if has_folders else tmp_path / file
        path.parent.mkdir(exist_ok=True)
        shutil.copy(small_weights, path)
        expected[name] = str(path)
    assert weights.find_in_folder(str(tmp_path), expected) == expected


def test_a_folder_without_one_of_the_weights(tmp_path):
    (tmp_path / "rim_3task.weights.h5").touch()
    with pytest.raises(UserError) as refused:
        weights.find_in_folder(str(tmp_path), ["rim_3task", "gdn_3task"])
    assert str(refused.value) == (
        f"--weights: {tmp_path} is to be a folder that holds gdn_3task.weights.h5 or "
        "gdn_3task/gdn_3task.weights.h5."
    )
