"""Tests of `train.py`, most of them with recipes of a small network."""

import csv
import functools
import json
import re
import shutil
import signal
import time
import types
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from paper_experiments.common import stages
from paper_experiments.recipes import RECIPES, Recipe, Stage, Task
from rim_tf import pretrained
from rim_tf.training import callbacks, devices, loop
from tests import own_parts

_SMALL = {"features": 4, "state_features": 6}
_TASK = Task("gray", "DenoisingProblem", "RIMCell", "table2_denoise", _SMALL)
_FIRST = Stage(
    num_patches=24,
    epochs=1,
    steps_schedule="1:0.5,2:0.5",
    batch_size=4,
    patch_size=16,
    num_validation_patches=4,
    num_validations=2,
    warmup_updates=2,
)
_SECOND = Stage(
    num_patches=8,
    epochs=2,
    steps_schedule="2",
    optimizer="muon",
    loss="log_mse",
    batch_size=4,
    problem={"quantized": True},
    seed=3,
    num_validation_patches=4,
    num_validations=1,
)
_OWN = {"one": Recipe(_TASK, (_FIRST,)), "two": Recipe(_TASK, (_FIRST, _SECOND))}
# What makes a stage of any recipe short.
_TINY = [
    "--num_patches=4",
    "--epochs=1",
    "--batch_size=4",
    "--steps_schedule=1",
    "--num_validation_patches=2",
    "--num_validations=1",
    "--patch_size=24",
    "--precision=float32",
]


@pytest.fixture(name="train", scope="module")
def _train(run_here):
    """Trains in this process; there are the recipes of `_OWN`, too."""

    def train(*arguments, **how):
        with mock.patch.dict(RECIPES, _OWN):
            return run_here(
                "train", "--dataset=embedded", "--precision=float32", *arguments, **how
            )

    return train


@pytest.fixture(name="trained", scope="module")
def _trained(tmp_path_factory, train):
    """The folder of a training of two recipes that nothing disturbed, and its output.

    With --epochs replaced in all stages.
    """
    output = tmp_path_factory.mktemp("training") / "out"
    finished = train("one", "two", "--epochs=1", f"--output_dir={output}")
    return output, finished.stdout


@pytest.fixture(name="copy")
def _copy(trained, tmp_path):
    """A copy of that folder."""
    return shutil.copytree(trained[0], tmp_path / "copy")


def _history(output, name="two"):
    return pretrained.read_history(output / name / f"{name}.weights.h5")


def _weights(output, name="two"):
    path = output / name / f"{name}.weights.h5"
    return pretrained.load_pretrained(path).get_weights()


def _log(output, stage="two/stage_1"):
    with (output / stage / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{k: float(v) for k, v in row.items() if k != "seconds"} for row in rows]


def _assert_same_training(output, other):
    for stage in ("one/stage_1", "two/stage_1", "two/stage_2"):
        for row, expected in zip(_log(output, stage), _log(other, stage), strict=True):
            # The mean loss of a round is over its updates since the last start.
            row.pop("loss"), expected.pop("loss")
            assert row == pytest.approx(expected, rel=1e-4)
    for name in ("one", "two"):
        for one, two in zip(_weights(output, name), _weights(other, name), strict=True):
            np.testing.assert_allclose(one, two, atol=1e-5)


def test_says_what_it_does_and_how_to_test(trained):
    output, said = trained
    assert "Training of one:" in said
    assert "Stage 2 of 2:" in said
    assert re.search(
        "Training on 8 patches of 2 images of embedded, 1 time, batch size 4; it "
        r"takes about .* If it is interrupted, the same command goes on with it\.",
        said,
    )
    for name in ("one", "two"):
        path = output / name / f"{name}.weights.h5"
        tested = f"  python paper_experiments/table2_denoise.py --weights={path}\n"
        assert tested in said
        assert f"{path}" in said.splitlines()[-1]


@pytest.mark.parametrize("suffix", ["", "_paper"])
def test_the_three_of_figure_3_are_tested_by_one_command(functions_of, suffix):
    """It names one of them, since another trio may stand in the same folder."""
    run = types.SimpleNamespace(flags={"cell": None})
    names = [f"{name}_3task{suffix}" for name in ("rim", "gdn", "ffn")]
    assert {
        functions_of("train")._test_command(run, name, Path("a") / name / "x.h5")
        for name in names
    } == {
        "python paper_experiments/figure3_three_task.py "
        f"--weights={Path('a') / names[0]}"
    }


def test_weights_come_with_a_log_and_folders_of_stages(trained):
    output, _ = trained
    assert {path.name for path in (output / "two").iterdir()} == {
        *("stage_1", "stage_2", "two.json", "two.log.csv", "two.weights.h5"),
    }
    log = (output / "two" / "two.log.csv").read_text()
    assert log == (output / "two" / "stage_2" / "log.csv").read_text()
    assert [row["updates"] for row in _log(output)] == [4, 6]
    assert [row["num_steps"] for row in _log(output)] == [1, 2]


def test_recipes_start_from_the_same_weights(trained):
    """The first stage of both is the same."""
    output, _ = trained
    logs = (_log(output, f"{name}/stage_1") for name in ("one", "two"))
    for one, two in zip(*logs, strict=True):
        assert one == pytest.approx(two, rel=1e-4)


def test_history_tells_recipe_overrides_and_command(trained):
    history = _history(trained[0])
    assert history["name"] == "two"
    assert history["recipe"] == "two"
    assert history["overrides"] == {"epochs": 1}
    assert history["command"] == (
        "python paper_experiments/train.py two --epochs=1 --dataset=embedded"
    )
    assert history["data"] == "embedded"


def test_history_tells_names_of_images_once(trained):
    history = _history(trained[0])
    images = history["training_images"] + history["validation_images"]
    assert set(images) == {"coffee", "motorcycle", "rocket"}
    assert len(history["training_images"]) == 2
    text = (trained[0] / "two" / "two.json").read_text()
    assert text.count('"training_images"') == text.count('"validation_images"') == 1


def test_history_tells_each_stage(trained):
    second = _history(trained[0])
    first = second["initial_weights"]
    assert "initial_weights" not in first
    for history, stage in ((first, _FIRST), (second, _SECOND)):
        settings = history["settings"]
        assert settings["epochs"] == 1
        for key in ("batch_size", "optimizer", "loss", "seed", "learning_rate"):
            assert settings[key] == getattr(stage, key)
        for key in ("patch_size", "patch_stride", "num_patches"):
            assert history[key] == getattr(stage, key)
        assert history["patches_seen"] == stage.num_patches
        assert f"quantized={bool(stage.problem)}" in history["problem"]
        (its_run,) = history["runs"]
        assert its_run["from_update"] == 0
        assert its_run["devices"] == 1
        assert {"commit", "keras", "python", "backend"} <= set(its_run)


def test_stages_go_on_from_the_best_of_the_one_before(trained):
    """With a learning rate of 0 all weights of the first are those of the second."""
    output, _ = trained
    assert _history(output)["initial_weights"]["name"] == "two"
    first = stages.RIM(stages.cells.RIMCell(**_SMALL))
    first.build()
    first.load_weights(output / "two" / "stage_1" / "best.weights.h5")
    moved = [
        np.abs(one - other).max()
        for one, other in zip(first.get_weights(), _weights(output), strict=True)
    ]
    # Four patches at a time, twice, do not move them far, nor leave them there.
    assert 0 < max(moved) < 0.01


def test_minutes_stop_it_and_the_same_command_goes_on(
    trained, tmp_path, train, monkeypatch
):
    """To the weights and logs of a training that nothing disturbed."""
    command = ["one", "two", "--epochs=1", f"--output_dir={tmp_path}"]
    for after in (2, 11):
        is_over = functools.partial(next, iter(after * [False]), True)
        monkeypatch.setattr(
            callbacks.Deadline, "_is_over", lambda *_, it=is_over, **__: it()
        )
        finished = train(*command, "--minutes=1")
        assert finished.stdout.splitlines()[-1] == (
            f"Stopped at a checkpoint in {tmp_path}, before the minutes of --minutes "
            "were over. The same command goes on with it."
        )
    assert (tmp_path / "one" / "one.weights.h5").exists()
    assert not (tmp_path / "two" / "two.weights.h5").exists()
    monkeypatch.undo()
    train(*command)
    _assert_same_training(tmp_path, trained[0])
    runs = _history(tmp_path, "one")["runs"]
    assert [one["from_update"] > 0 for one in runs] == [False, True]


def test_a_finished_training_is_not_made_again(trained, copy, train, monkeypatch):
    for path in copy.glob("*/*.weights.h5"):
        path.unlink()

    def train_again(*_):
        raise AssertionError

    monkeypatch.setattr(loop, "_fit_round", train_again)
    train("one", "two", "--epochs=1", f"--output_dir={copy}")
    for name in ("one", "two"):
        for one, other in zip(
            _weights(copy, name), _weights(trained[0], name), strict=True
        ):
            np.testing.assert_array_equal(one, other)
        assert _history(copy, name) == _history(trained[0], name)


def _contents(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs=2"], "stage_1 has a training with other settings (epochs); "),
        (
            ["--epochs=1", "--seed=1"],
            "stage_1 has a training with other settings (seed); ",
        ),
        (["--overwrite", "--batch_size=32"], "24 patches do not fill a batch of 32."),
        (["--overwrite", "--steps_schedule=x"], "--steps_schedule: 'x' is not a sch"),
        (
            ["--overwrite", "--initial_weights={}/one/one.weights.h5"],
            "--overwrite: it would delete {}/one/one.weights.h5, which is to start",
        ),
    ],
)
def test_what_is_refused_loses_nothing(copy, train, arguments, message):
    before = _contents(copy)
    arguments = [argument.format(copy) for argument in arguments]
    finished = train("one", *arguments, f"--output_dir={copy}", expect_success=False)
    (line,) = finished.stderr.splitlines()
    assert line.startswith("error: ")
    assert message.format(copy) in line
    assert _contents(copy) == before


def test_overwrite_begins_anew(copy, train):
    """That of the recipe alone."""
    before = _contents(copy / "two")
    arguments = ["--epochs=2", "--num_validations=1", f"--output_dir={copy}"]
    finished = train("one", "--overwrite", *arguments)
    assert "the same command without --overwrite goes on" in finished.stdout
    history = _history(copy, "one")
    assert history["patches_seen"] == 48
    assert history["overrides"] == {"epochs": 2, "num_validations": 1}
    assert "--overwrite" not in history["command"]
    assert len(history["runs"]) == 1
    assert _contents(copy / "two") == before


def test_initial_weights(trained, tmp_path, train):
    """With a learning rate of 0 they come out as they went in."""
    path = trained[0] / "two" / "two.weights.h5"
    train(
        "one",
        "--epochs=1",
        "--learning_rate=0",
        "--num_validations=1",
        f"--initial_weights={path}",
        f"--output_dir={tmp_path}",
    )
    for one, other in zip(_weights(tmp_path, "one"), _weights(trained[0]), strict=True):
        np.testing.assert_array_equal(one, other)
    history = _history(tmp_path, "one")
    assert f"--initial_weights={path}" in history["command"]
    origin = history["initial_weights"]
    assert origin["name"] == "two.weights.h5"
    assert origin["recipe"] == "two"
    # The names of the images are those of the last stage.
    assert "training_images" in history
    assert "training_images" not in origin


def _architecture(output, name="one"):
    path = output / name / f"{name}.weights.h5"
    return pretrained.read_architecture(path)


def test_another_network(tmp_path, train):
    """Its flags are told, and it goes on with the same ones only."""
    flags = ["--features=3", "--state_features=5", "--gradient=eta", "--link=identity"]
    command = ["one", "--epochs=1", f"--output_dir={tmp_path}"]
    said = train(*command, *flags, "--optimizer=sgd").stdout
    assert (
        "A network of 1,319 parameters, which is not the recipe's: features 3, "
        "state_features 5, gradient eta, link identity."
    ) in said
    architecture = _architecture(tmp_path)
    assert architecture["cell"]["features"] == 3
    assert architecture["cell"]["state_features"] == 5
    assert (architecture["gradient"], architecture["link"]) == ("eta", "identity")
    history = _history(tmp_path, "one")
    assert history["parameters"] == 1319
    assert history["settings"]["optimizer"] == "sgd"
    assert history["overrides"] == {
        **{"epochs": 1, "optimizer": "sgd", "features": 3, "state_features": 5},
        **{"gradient": "eta", "link": "identity"},
    }
    assert "--gradient=eta" in history["command"]
    before = _contents(tmp_path)
    for other in ([], flags[:3], [*flags[:3], "--link=sigmoid"]):
        finished = train(*command, *other, "--optimizer=sgd", expect_success=False)
        assert "has a training with other settings (network); " in finished.stderr
        assert _contents(tmp_path) == before


@pytest.fixture(name="cell_file")
def _cell_file(tmp_path):
    path = tmp_path / "my_cell.py"
    path.write_text(
        "import keras\n"
        "from rim_tf.cells import RIMCell\n\n"
        '@keras.saving.register_keras_serializable("train_test")\n'
        "class Cell(RIMCell):\n"
        "    def call(self, inputs, states):\n"
        "        return super().call(inputs, [])\n"
    )
    return path


def test_a_cell_of_ones_own(tmp_path, train, cell_file):
    output = tmp_path / "out"
    command = ["one", "--epochs=1", f"--output_dir={output}"]
    said = train(*command, f"--cell={cell_file}:Cell").stdout
    path = output / "one" / "one.weights.h5"
    copy = output / "one" / "my_cell.py"
    assert "which is not the recipe's: cell Cell of my_cell.py." in said
    assert f"table2_denoise.py --weights={path} --cell={copy}:Cell\n" in said
    assert copy.read_text() == cell_file.read_text()
    # Without its memory it has another loss than the recipe's.
    assert _architecture(output)["cell"]["class"] == "train_test>Cell"
    assert _history(output, "one")["cell"]["file"] == "my_cell.py"
    # One that has changed cannot go on.
    cell_file.write_text(cell_file.read_text() + "# Another one.\n")
    refused = train(*command, f"--cell={cell_file}:Cell", expect_success=False)
    assert "has a training with other settings (network); " in refused.stderr


def test_a_subclass_that_changes_nothing_trains_alike(trained, tmp_path, train):
    """From the same first weights, to the same last ones."""
    path = tmp_path / "same.py"
    path.write_text("from rim_tf.cells import RIMCell\n")
    train("one", "--epochs=1", f"--output_dir={tmp_path}", f"--cell={path}:RIMCell")
    for one, two in zip(
        _weights(tmp_path, "one"), _weights(trained[0], "one"), strict=True
    ):
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_list(run_here):
    finished = run_here("train", "--list")
    lines = finished.stdout.splitlines()
    # A line for each recipe, and one for each of its stages.
    names = [line.split(":")[0] for line in lines if not line.startswith(" ")]
    assert names == list(RECIPES)
    assert len(lines) == len(names) + sum(len(r.stages) for r in RECIPES.values())
    first = lines.index("rim_denoise_paper: 800,000 patches seen in 1 stage")
    assert lines[first + 1] == "  400,000 patches, 2 times, T = 20"
    assert "rim_any: 43,000 patches seen in 5 stages, from rim_3task" in lines
    large = "1,200 patches, 1 time, T = 20, optimizer muon, learning_rate 0.0001, "
    assert f"  {large}patch_size 64" in lines
    assert f"  {large}patch_size 64, quantized True" in lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "error: name a recipe; there are rim_denoise_paper, "),
        (["rim_denoise", "x"], "error: no recipe is called x; there are rim_denoise"),
        (["ffn_3task_paper", "--steps_schedule=x"], "error: --steps_schedule: "),
        (["ffn_3task_paper", "--num_patches=1"], "2 x 1 patches do not fill a batch"),
        (
            ["rim_super_resolution_paper", "--patch_size=32", "--num_patches=32"],
            "error: --patch_size: ",
        ),
        (["ffn_3task_paper", "--loss=l1"], "flag --loss=l1: "),
        (["one", "--optimizer=sgdd"], "error: There is no optimizer 'sgdd'; there are"),
        (["ffn_3task_paper", "--gradient=z"], "flag --gradient=z: "),
        (["one", "--link=cosine"], "error: --link: link must be one of ['identity'"),
        (["one", "--cell=mine.py"], "error: --cell: give FILE.py:CLASS, not mine.py."),
        (
            ["one", f"--cell={own_parts.__file__}:OwnCell", "--features=3"],
            "error: --cell: OwnCell(features=3, state_features=6) fails: ",
        ),
        (
            ["one", "--gradient=eta", "--initial_weights=rim_denoise"],
            "error: --gradient: one begins from rim_denoise, a network of its own; ",
        ),
        (
            ["rim_any", "--features=3"],
            "error: --features: rim_any begins from rim_3task, a network of its own; "
            "leave it out, or give --initial_weights=none.",
        ),
        (["ffn_3task_paper", "--minutes=0"], "flag --minutes=0: "),
        (["ffn_3task_paper", "--minutes=nan"], "error: --minutes: nan is not a finite"),
        (["ffn_3task_paper", "--max_sigma=9"], "Unknown command line flag 'max_sigma'"),
        (["ffn_3task_paper", "--images=x"], "error: --images: not for this script"),
        (
            ["ffn_3task_paper", "--train_images=/nowhere"],
            "error: --train_images: /nowhere is not a folder",
        ),
        (
            ["rim_denoise_paper", "--initial_weights=ffn_3task", "--num_patches=32"],
            "error: --initial_weights: ffn_3task is of another model",
        ),
        (
            ["rim_denoise_paper", "--initial_weights=nonsense", "--num_patches=32"],
            "error: --initial_weights: No weights are called 'nonsense'",
        ),
    ],
)
def test_what_cannot_be_done_is_refused(arguments, message, check_refused):
    with mock.patch.dict(RECIPES, _OWN):
        check_refused("train", *arguments, message=message)


_OF_A = "--coordinator=a:1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([_OF_A, "--num_processes=2"], "--coordinator: it needs --process_id, too."),
        (["--process_id=0"], "it needs --coordinator and --num_processes, too."),
        ([_OF_A, "--num_processes=2", "--process_id=2"], "--process_id: 2 is not bel"),
        (
            ["--coordinator=a", "--num_processes=2", "--process_id=0"],
            "--coordinator: a is not HOST:PORT",
        ),
    ],
)
def test_processes_that_cannot_meet_are_refused(
    arguments, message, check_refused, monkeypatch
):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    check_refused("train", "rim_denoise_paper", *arguments, message=message)


@pytest.mark.parametrize("by", ["flags", "slurm"])
def test_several_machines_are_not_for_tensorflow(by, check_refused, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    flags, who = [_OF_A, "--num_processes=2", "--process_id=0"], "--coordinator"
    if by == "slurm":
        monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
        flags, who = [], "SLURM's several tasks"
    message = f"{who}: TensorFlow trains on one machine only; for several set KERAS_BAC"
    check_refused("train", "rim_denoise_paper", *flags, message=message)


def test_missing_weights_to_start_from_are_not_said_to_be_deleted(
    tmp_path, check_refused
):
    path = tmp_path / "out" / "ffn_3task_paper" / "missing.weights.h5"
    flags = ["--overwrite", "--num_patches=32", f"--initial_weights={path}"]
    message = "missing.weights.h5 does not exist"
    check_refused("train", "ffn_3task_paper", *flags, message=message)


@pytest.fixture(name="images", scope="module")
def _images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "noise"
    folder.mkdir()
    for i in range(2):
        Image.effect_noise((40, 48), 30 + i).save(folder / f"{i}.png")
    return folder


def test_two_devices(tmp_path, run_script, images):
    """Two logical devices of the CPU: it takes a process of its own."""
    run_script(
        "train",
        "ffn_3task_paper",
        *_TINY,
        "--devices=2",
        f"--train_images={images}",
        f"--output_dir={tmp_path}",
    )
    history = _history(tmp_path, "ffn_3task_paper")
    (its_run,) = history["runs"]
    assert its_run["devices"] == 2
    assert (history["data"], history["patches_seen"]) == ("noise", 4)


def test_devices_that_are_not_there(tmp_path, train, monkeypatch):
    """The backend has started here, with one device."""
    monkeypatch.setattr(devices, "split_cpu", lambda number: None)
    arguments = ["--devices=99", f"--output_dir={tmp_path}/out"]
    finished = train("one", *arguments, expect_success=False)
    assert finished.stderr.startswith("error: --devices: 99 devices are asked for, ")
    assert len(finished.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_jax(tmp_path, run_script, images):
    """Of a shipped recipe, of three channels and 8 bits."""
    pytest.importorskip("jax")
    finished = run_script(
        "train",
        "rim_rgb_denoise_paper",
        *_TINY,
        f"--train_images={images}",
        f"--output_dir={tmp_path}",
        backend="jax",
    )
    assert "backend: jax" in finished.stdout
    assert "table1_rgb_denoise.py --weights=" in finished.stdout
    history = _history(tmp_path, "rim_rgb_denoise_paper")
    assert f" --train_images={images}" in history["command"]
    assert history["runs"][0]["backend"] == "jax"
    assert history["color"] == "rgb"
    assert "quantized=True" in history["problem"]


def test_sigkill_and_start_again(tmp_path, start_script, run_script, run_here, images):
    """The last round is that of a training that nobody killed."""
    arguments = [
        *("train", "ffn_3task_paper", *_TINY, "--num_patches=32"),
        *("--num_validations=2", "--checkpoint_minutes=0"),
        f"--train_images={images}",
    ]
    run_here(*arguments, f"--output_dir={tmp_path}/whole")
    killed = tmp_path / "killed"
    process = start_script(*arguments, f"--output_dir={killed}")
    stage = "ffn_3task_paper/stage_1"
    while not (killed / stage / "last.weights.h5").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (killed / "ffn_3task_paper" / "ffn_3task_paper.json").exists()
    run_script(*arguments, f"--output_dir={killed}")
    whole, gone_on = (_log(folder, stage) for folder in (tmp_path / "whole", killed))
    assert [row["updates"] for row in gone_on] == [4, 8]
    # The last round saw no kill, so its mean loss is over the same updates.
    assert gone_on[1] == pytest.approx(whole[1], rel=1e-4)
    runs = json.loads((killed / stage / "runs.json").read_text())
    assert [one["from_update"] > 0 for one in runs] == [False, True]
