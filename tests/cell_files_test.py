"""Tests of cells that --cell names."""

import pathlib
import re

import keras
import numpy as np
import pytest

import rim_tf
from paper_experiments.common import cell_files
from paper_experiments.common.errors import UserError
from tests import own_parts

_OWN = pathlib.Path(own_parts.__file__)
# A cell, with something wrong in the place of one of these.
_CELL = """import keras
from rim_tf.cells import RIMCell

@keras.saving.register_keras_serializable("mine")
class Cell(RIMCell):
    def __init__(self, width=3, **kwargs):
        super().__init__(features=2, state_features=2, **kwargs)
        self.width = width

    def call(self, inputs, states):
        update, states = super().call(inputs, states)
        return update * self.width, states

    def get_config(self):
        config = super().get_config()
        del config["features"], config["state_features"]
        return {**config, "width": self.width}
"""


@pytest.fixture(name="write")
def _write(tmp_path):
    def write(text):
        path = tmp_path / "mine.py"
        path.write_text(text)
        return cell_files.CellFile(path, "Cell")

    return write


def _refused(message, function, *arguments):
    with pytest.raises(UserError, match=f"^--cell: {re.escape(message)}") as error:
        function(*arguments)
    assert len(str(error.value).splitlines()) == 1


def _check(file, **settings):
    cell = cell_files.make(file, settings, "float32")
    model = rim_tf.RIM(cell, dtype="float32")
    cell_files.build_and_check(file, model, 1)
    return model


def test_file_and_class_are_found():
    file = cell_files.find(f"{_OWN}:OwnCell")
    assert file == (_OWN, "OwnCell")
    cell = cell_files.make(file, {"width": 5}, "float32")
    assert (type(cell).__name__, cell.width) == ("OwnCell", 5)
    assert cell.dtype_policy.name == "float32"
    assert file.to_json()["file"] == "own_parts.py"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("mine.py", "give FILE.py:CLASS, not mine.py."),
        ("mine:Cell", "give FILE.py:CLASS, not mine:Cell."),
        ("mine.py:a cell", "give FILE.py:CLASS, not mine.py:a cell."),
        ("/nowhere/mine.py:Cell", "there is no file /nowhere/mine.py."),
    ],
)
def test_what_names_no_cell_is_refused(asked, message):
    _refused(message, cell_files.find, asked)


@pytest.mark.parametrize("text", ["", "Cell = 3", "class Cell:\n    pass"])
def test_a_file_without_such_a_layer_is_refused(write, text):
    message = "mine.py has no class Cell that is a keras.Layer."
    _refused(message, cell_files.load, write(text))


def test_arguments_that_a_cell_does_not_take_are_refused(write):
    file = write(_CELL)
    message = "Cell(width=3, depth=9) fails: ValueError in line 7: "
    _refused(message, cell_files.make, file, {"width": 3, "depth": 9}, "float32")


def test_a_good_cell_is_left_as_it_was(write):
    """It is tried with weights of 16 bits, and trained from its own."""
    file = write(_CELL)
    model = _check(file, width=5)
    keras.utils.set_random_seed(0)
    same = rim_tf.RIM(cell_files.make(file, {"width": 5}, "float32"), dtype="float32")
    same.build()
    assert [w.shape for w in model.get_weights()] == [
        w.shape for w in same.get_weights()
    ]
    rounded = [np.float32(np.float16(w)) for w in model.get_weights()]
    assert any(
        (w != r).any() for w, r in zip(model.get_weights(), rounded, strict=True)
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "@keras",
            "# @keras",
            "Cell: ValueError: The cell's class Cell has no name in",
        ),
        ('"width": self.width', "", "Cell makes other steps after it was saved"),
        ("update * self.width", "update[:, :3]", "Cell: "),
        (
            "update * self.width",
            "update / no",
            "Cell: NameError in line 12: name 'no' is",
        ),
        ('del config["features"], config', "del config", "Cell: "),
    ],
)
def test_what_would_fail_after_a_training_is_refused_before(write, old, new, message):
    assert old in _CELL
    file = write(_CELL.replace(old, new))
    with pytest.raises(UserError, match=f"^--cell: {re.escape(message)}"):
        _check(file, width=5)


def test_a_file_that_has_changed_is_refused(write, tmp_path):
    file = write(_CELL)
    trained = file.to_json()
    cell_files.check_same(file, trained, "small")
    # A copy of another name is the same.
    copy = tmp_path / "copy.py"
    copy.write_text(_CELL)
    cell_files.check_same(cell_files.CellFile(copy, "Cell"), trained, "small")
    file = write(_CELL.replace("width=3", "width=4"))
    message = f"{file.path}:Cell is not what small was trained with: Cell of another"
    _refused(message, cell_files.check_same, file, trained, "small")
    other = cell_files.CellFile(copy, "Other")
    _refused(f"{copy}:Other is not what", cell_files.check_same, other, trained, "a")
