"""Tests of what is told of the code and the weights that made a result."""

from pathlib import Path

import keras
import pytest

from paper_experiments.common import cell_files, provenance
from paper_experiments.recipes import RECIPES
from rim_tf import cells, pretrained
from rim_tf.rim import RIM
from tests import own_parts

_FIRST = {
    "name": "b",
    "patches_seen": 2000,
    "data": "bsds300",
    "seconds": 600,
    "problem": "DenoisingProblem(max_sigma=0.2, quantized=False)",
    "settings": {"steps_schedule": [[20, 1.0]]},
}


def test_note_on_a_training_by_the_papers_recipe():
    assert provenance.training_note(_FIRST) == (
        "Weights b: 2,000 patches of bsds300 (the paper: about 800,000) in 1 stage, by "
        "the paper's recipe; history in the JSON file beside them."
    )


def test_note_on_stages_says_once_what_is_not_the_papers():
    second = {
        **_FIRST,
        "name": "a",
        "patches_seen": 3000,
        "patch_size": 64,
        "problem": "DenoisingProblem(max_sigma=0.2, quantized=True)",
        "settings": {
            "steps_schedule": [[10, 0.4], [20, 0.6]],
            "optimizer": "muon",
            "loss": "log_mse",
        },
        "initial_weights": _FIRST,
    }
    third = {**second, "data": "photos", "initial_weights": second}
    assert provenance.training_note(third) == (
        "Weights a: 8,000 patches of bsds300, photos (the paper: about 800,000) in 3 "
        "stages, with growing T, Muon, loss log MSE, patches of 64 x 64, observations "
        "of 8 bits; history in the JSON file beside them."
    )


_PAPER = {**_FIRST, "patches_seen": 800_000}
_CELL = {"class": "RIMCell", "channels": 1, "features": 64, "state_features": 256}
_ARCHITECTURE = {
    "cell": {**_CELL, "stride": 2, "dilation": 1},
    **{"link": "sigmoid", "gradient": "x", "num_steps": 20, "normalize": True},
}


def test_note_tells_the_number_of_parameters():
    note = provenance.training_note({**_FIRST, "parameters": 46_642})
    assert note.startswith("Weights b: 46,642 parameters, 2,000 patches of bsds300 (")


def _with(**changes):
    """Returns the paper's history with another architecture."""
    return {**_PAPER, "architecture": {**_ARCHITECTURE, **changes}}


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (_PAPER, []),
        (_with(), []),
        (_FIRST, ["2,000 patches"]),
        (_with(gradient="eta"), ["gradient eta"]),
        (_with(link="identity"), ["link identity"]),
        (_with(cell={**_CELL, "features": 16}), ["features 16"]),
        (_with(cell={"class": "mine>Cell", "features": 3}), ["cell mine>Cell"]),
        (_with(cell={**_ARCHITECTURE["cell"], "class": "GDNCell"}), []),
        ({**_with(), "settings": {"optimizer": "sgd"}}, ["optimizer sgd"]),
        ({**_with(), "settings": {"steps_schedule": [[5, 1.0]]}}, ["T = 5"]),
        ({**_with(), "overrides": {"learning_rate": 3e-4}}, ["learning_rate 0.0003"]),
        ({**_with(), "color": "rgb", "problem": "P(quantized=True)"}, []),
        (_with(cell={**_CELL, "sees_sigma": True}), ["sees_sigma True"]),
        (
            {**_with(), "problem": "P(quantized=True)"},
            ["observations of 8 bits"],
        ),
    ],
)
def test_what_is_not_the_papers_is_told(history, expected):
    assert provenance.not_the_papers(history) == expected
    said = provenance.training_note(history)
    for remark in expected:
        assert "patches" in remark or f"with {remark};" in said


@pytest.mark.parametrize("name", [n for n in RECIPES if n.endswith("_paper")])
def test_networks_of_the_papers_recipes_are_the_papers(name, tmp_path):
    task = RECIPES[name].task
    model = RIM(
        getattr(cells, task.cell)(**task.architecture), task.link, task.gradient
    )
    model.build()
    path = tmp_path / "new.weights.h5"
    pretrained.save_pretrained(model, path, {})
    history = {
        **_PAPER,
        **{"color": task.color, "patch_size": RECIPES[name].stages[0].patch_size},
        "architecture": pretrained.read_architecture(path),
    }
    assert provenance.not_the_papers(history) == []


def test_note_on_weights_that_say_little():
    note = provenance.training_note({})
    assert note.startswith("Weights without a name: 0 patches of unknown data")
    assert "with unknown settings" in note


def test_patches_of_super_resolution_are_the_papers():
    history = {**_FIRST, "color": "luminance", "patch_size": 36}
    assert "by the paper's recipe" in provenance.training_note(history)


@pytest.mark.parametrize("name", pretrained.available())
def test_note_on_shipped_weights_is_a_line_that_tells_their_budget(name):
    history = {"name": name, **pretrained.read_history(name)}
    note = provenance.training_note(history)
    patches = 0
    while history:
        patches += history["patches_seen"]
        history = history.get("initial_weights")
    assert f"{patches:,} patches of bsds300 " in note
    assert "unknown" not in note
    assert len(note) < 250


def test_versions_are_those_of_what_is_imported():
    found = provenance.versions()
    assert found["keras"] == keras.__version__
    assert found["backend"] == keras.backend.backend()
    assert found["commit"] == provenance.commit()


def test_a_fingerprint_tells_weights_and_cells_of_ones_own_apart(tmp_path):
    found = set()
    for change in ("", "# Changed.\n"):
        path = tmp_path / f"own{len(change)}.py"
        path.write_text(Path(own_parts.__file__).read_text() + change)
        rim = RIM(cell_files.load(cell_files.CellFile(path, "OwnCell"))())
        rim.build()
        rim.set_weights([0 * weight for weight in rim.get_weights()])
        found.add(provenance.fingerprint({"": rim}))
        assert provenance.fingerprint({"": rim}) in found
        rim.set_weights([1 + weight for weight in rim.get_weights()])
        found.add(provenance.fingerprint({"": rim}))
    assert len(found) == 4


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("cpu family : 26\nmodel : 2\nmodel name : A B\n", "A B (family 26, model 2)"),
        ("processor : 0\nBogoMIPS : 100.00\n", None),
    ],
)
def test_a_processor_is_told_by_its_name(monkeypatch, said, expected):
    monkeypatch.setattr(Path, "exists", lambda path: path.name == "cpuinfo")
    monkeypatch.setattr(Path, "read_text", lambda path: said)
    assert provenance._processor() == expected


def test_commit_is_none_outside_of_a_checkout(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "provenance.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert provenance.commit() is None


def test_versions_are_told_where_there_are_several():
    assert provenance.note_on_commits(frozenset(["a"])) == []
    (note,) = provenance.note_on_commits(frozenset(["b", "a"]))
    assert "are a, b;" in note
