"""Tests of the models that a script is told to test, or to start from."""

import pathlib
import re
import shutil

import pytest

import rim_tf
from paper_experiments.common import cell_files, run, weights
from paper_experiments.common.errors import UserError
from rim_tf import pretrained
from rim_tf.cells import GDNCell, RIMCell
from tests import own_parts

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


@pytest.mark.parametrize("settings", [[], "x", {"steps_schedule": []}])
def test_a_history_that_is_none_of_a_training_is_named(tmp_path, settings):
    path = _save(tmp_path / "mine.weights.h5", {"settings": settings})
    message = f"--weights: {path} has a history that is none of train.py ("
    _refused(message, path, _RUN, "gray")


def test_weights_of_a_shipped_recipe_are_not_taken_for_the_shipped_ones(tmp_path):
    path = tmp_path / "run" / "rim_denoise" / "rim_denoise.weights.h5"
    path.parent.mkdir(parents=True)
    name = _save(path, {"name": "rim_denoise", "patches_seen": 9})
    _, history = weights.load(name, _RUN, "gray")
    row = weights.row_of("RIM-denoise", "rim_denoise", history)
    assert row == "run/rim_denoise (yours)"


def test_weights_come_with_their_architecture(small_weights):
    _, history = weights.load(str(small_weights), _RUN, "gray")
    assert history["architecture"]["cell"]["state_features"] == 6
    assert history["architecture"]["gradient"] == "x"
    model = rim_tf.RIM(RIMCell(features=4, state_features=6))
    model.build()
    assert history["parameters"] == model.count_params()
    assert history["not_the_papers"] == ["features 4", "state_features 6", "0 patches"]


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("rim_denoise", {}, "RIM-denoise"),
        ("out/mine.weights.h5", {}, "RIM-denoise"),
        ("out/mine.weights.h5", {"patches_seen": 9}, "mine (yours)"),
        ("eta/rim/rim.weights.h5", {"patches_seen": 9}, "eta/rim (yours)"),
        ("rim_3task", {"patches_seen": 9}, "rim_3task"),
        # What the row is of keeps its name, whatever its training was.
        ("rim_denoise", {"patches_seen": 9}, "RIM-denoise"),
        ("a/b.weights.h5", {"problem": "DenoisingProblem(1)"}, "RIM-denoise"),
        ("a/b.weights.h5", {"problem": "ThreeTaskProblem(1)"}, "b (yours)"),
    ],
)
def test_a_row_has_another_name_if_something_is_not_the_papers(name, changes, expected):
    history = {
        **{"name": name, "patches_seen": 800_000},
        "settings": {"steps_schedule": [[20, 1.0]]},
        **changes,
    }
    assert weights.row_of("RIM-denoise", "rim_denoise", history) == expected


def _save_own(folder):
    """Saves weights of a user's cell; returns their path, and what --cell names."""
    path = folder / "own.weights.h5"
    own = pathlib.Path(own_parts.__file__)
    file = cell_files.CellFile(own, "OwnCell")
    rim = rim_tf.RIM(cell_files.make(file, {}, "float32"))
    rim.build()
    pretrained.save_pretrained(rim, path, {"cell": file.to_json()})
    return str(path), f"{own}:OwnCell"


def _own_run(name, cell):
    flags = {"weights": name, "cell": cell}
    return run.Run("table2_denoise", flags, pathlib.Path("out"), "float32", 20, 0.0)


def test_weights_of_a_cell_of_ones_own(tmp_path):
    name, cell = _save_own(tmp_path)
    model, history = weights.load(name, _own_run(name, cell), "gray")
    assert type(model.cell).__name__ == "OwnCell"
    assert history["cell"]["class"] == "OwnCell"
    # Others of the same run have no part in it.
    shipped, _ = weights.load("rim_denoise", _own_run(name, cell), "gray")
    assert type(shipped.cell) is RIMCell


def test_a_cell_of_ones_own_must_be_named(tmp_path):
    name, cell = _save_own(tmp_path)
    message = f"--weights: {name} has a cell of its own; give --cell={tmp_path}/own_"
    _refused(message, name, _own_run(name, None), "gray")
    # One that has changed since.
    copy = tmp_path / "own_parts.py"
    copy.write_text(pathlib.Path(own_parts.__file__).read_text() + "# other\n")
    message = f"--cell: {copy}:OwnCell is not what {name} was trained with"
    _refused(message, name, _own_run(name, f"{copy}:OwnCell"), "gray")
    # The right cell for the wrong weights.
    message = "--weights: rim_denoise is of another model: its cell is RIMCell, not Own"
    _refused(message, "rim_denoise", _own_run("rim_denoise", cell), "gray")


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


def test_of_two_trios_in_a_folder_one_is_named(tmp_path, small_weights):
    names = ["rim_3task", "gdn_3task"]
    for each in (f"{name}{suffix}" for name in names for suffix in ("", "_paper")):
        (tmp_path / each).mkdir()
        shutil.copy(small_weights, tmp_path / each / f"{each}.weights.h5")
    for suffix in ("", "_paper"):
        found = weights.find_in_folder(str(tmp_path / f"gdn_3task{suffix}"), names)
        assert found == {
            name: str(tmp_path / f"{name}{suffix}" / f"{name}{suffix}.weights.h5")
            for name in names
        }
    shutil.rmtree(tmp_path / "rim_3task_paper")
    with pytest.raises(UserError) as refused:
        weights.find_in_folder(str(tmp_path / "gdn_3task_paper"), names)
    assert str(refused.value) == (
        f"--weights: {tmp_path} is to be a folder that holds "
        "rim_3task_paper.weights.h5 or rim_3task_paper/rim_3task_paper.weights.h5."
    )


def test_a_folder_of_a_trio_may_be_called_as_one_of_it(tmp_path, small_weights):
    folder = tmp_path / "rim_3task"
    folder.mkdir()
    names = ["rim_3task", "gdn_3task"]
    for name in names:
        shutil.copy(small_weights, folder / f"{name}.weights.h5")
    assert weights.find_in_folder(str(folder), names) == {
        name: str(folder / f"{name}.weights.h5") for name in names
    }


def test_a_folder_without_one_of_the_weights(tmp_path):
    (tmp_path / "rim_3task.weights.h5").touch()
    with pytest.raises(UserError) as refused:
        weights.find_in_folder(str(tmp_path), ["rim_3task", "gdn_3task"])
    assert str(refused.value) == (
        f"--weights: {tmp_path} is to be a folder that holds gdn_3task.weights.h5 or "
        "gdn_3task/gdn_3task.weights.h5."
    )
