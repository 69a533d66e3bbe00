"""Tests of the stages of a training."""

import csv
import dataclasses
import math
import time

import numpy as np
import pytest
from PIL import Image

from paper_experiments.common import durations, run, stages
from paper_experiments.common.errors import UserError
from paper_experiments.recipes import Stage, Task
from rim_tf import pretrained
from rim_tf.training.settings import TrainingError

_SMALL = {"features": 4, "state_features": 6}
_TASK = Task("gray", "DenoisingProblem", "RIMCell", "table2_denoise", _SMALL)
_STAGE = Stage(
    num_patches=8,
    epochs=1,
    steps_schedule="1",
    batch_size=4,
    patch_size=16,
    num_validation_patches=4,
    num_validations=2,
)


@pytest.fixture(name="images", scope="module")
def _images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "noise"
    folder.mkdir()
    for i in range(3):
        Image.effect_noise((40, 48), 30 + i).save(folder / f"{i}.png")
    return folder


@pytest.fixture(name="start")
def _start(tmp_path, images):
    """Returns a function that begins a training."""

    def start(*plan, task=_TASK, output=tmp_path, **flags):
        values = {
            "dataset": "auto",
            "data_dir": None,
            "train_images": str(images),
            "seed": 0,
            "overwrite": False,
            "devices": 1,
            "initial_weights": None,
            "cell": None,
            "checkpoint_minutes": 5.0,
            "minutes": None,
            **flags,
        }
        of_run = run.Run("train", values, output, "float32", 20, time.monotonic())
        begin = values.pop("initial_weights")
        plan = plan or (_STAGE,)
        return stages.Training(of_run, "tiny", task, plan, begin, math.inf)

    return start


def _log(folder):
    with (folder / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_seeds_of_stages_are_added_to_that_of_the_run(start):
    """So patches and noise of each stage are others, and of each run, too."""
    second = dataclasses.replace(_STAGE, seed=1)
    training, other = start(_STAGE, second), start(_STAGE, second, seed=1)
    seeds = [settings.seed for _, settings, _ in training.stages]
    assert seeds == [0, 1]
    assert [settings.seed for _, settings, _ in other.stages] == [1, 2]
    first, later = (patches.to_numpy() for _, _, patches in training.stages)
    assert not np.array_equal(first, later)
    np.testing.assert_array_equal(later, other.stages[0][2].to_numpy())


def test_settings_are_those_of_the_stage(start):
    stage = dataclasses.replace(
        _STAGE,
        steps_schedule="1:0.5,2:0.5",
        loss="log_mse",
        optimizer="muon",
        learning_rate=7e-4,
        warmup_updates=3,
    )
    ((_, settings, patches),) = start(stage, checkpoint_minutes=2.0).stages
    assert dataclasses.asdict(settings) == {
        "epochs": 1,
        "batch_size": 4,
        "steps_schedule": ((1, 0.5), (2, 0.5)),
        "loss": "log_mse",
        "optimizer": "muon",
        "learning_rate": 7e-4,
        "warmup_updates": 3,
        "seed": 0,
        "num_validations": 2,
        "checkpoint_minutes": 2.0,
    }
    assert patches.to_numpy().shape == (8, 16, 16, 1)


def test_validation_does_not_depend_on_the_seed(start, tmp_path, small_weights):
    """So trainings can be compared, and what another has seen does not validate."""
    stage = dataclasses.replace(_STAGE, learning_rate=0.0, num_validations=1)
    logs, histories = [], []
    for seed in (0, 1):
        output = tmp_path / str(seed)
        flags = {"seed": seed, "initial_weights": str(small_weights)}
        path = start(stage, output=output, **flags).train({})
        logs.append(_log(output / "tiny" / "stage_1"))
        histories.append(pretrained.read_history(path))
    assert logs[0][0]["loss"] != logs[1][0]["loss"]
    first, second = (float(log[0]["val_psnr"]) for log in logs)
    assert first == pytest.approx(second, rel=1e-4)
    assert histories[0]["validation_images"] == histories[1]["validation_images"]
    # With a learning rate of 0 the weights come out as they went in.
    before, after = (
        pretrained.load_pretrained(path).get_weights() for path in (small_weights, path)
    )
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    origin = histories[0]["initial_weights"]
    assert (origin["name"], origin["data"]) == ("small.weights.h5", "nothing")


@pytest.mark.parametrize("sees_sigma", [False, True])
def test_initial_weights_get_the_input_for_sigma(
    start, tmp_path, small_weights, capsys, sees_sigma
):
    """If the recipe has it, and they do not; a training goes on with it."""
    architecture = {**_SMALL, "sees_sigma": sees_sigma}
    task = dataclasses.replace(_TASK, architecture=architecture)
    stage = dataclasses.replace(_STAGE, warmup_updates=0)
    flags = {"task": task, "initial_weights": str(small_weights)}
    path = start(stage, **flags).train({})
    said = "small.weights.h5 gets an input for sigma, whose weights are 0 at first: "
    assert (said in capsys.readouterr().out) == sees_sigma
    trained = pretrained.load_pretrained(path)
    assert trained.cell.sees_sigma == sees_sigma
    if sees_sigma:
        assert np.any(np.asarray(trained.cell.encode.kernel)[:, :, 1])
        history = pretrained.read_history(path)
        assert "sees_sigma" not in history["initial_weights"]["architecture"]["cell"]
        # What sees it already is left as it is.
        flags["initial_weights"] = str(path)
        start(stage, output=tmp_path / "again", **flags).train({})
        assert said not in capsys.readouterr().out


def test_duration_is_estimated_with_batches_of_the_training(start, monkeypatch):
    """With a device's share of them."""
    tried = []
    monkeypatch.setattr(
        durations,
        "seconds_per_pixel_step",
        lambda model, batch: tried.append(batch.shape) or 1e-3,
    )
    stage = dataclasses.replace(
        _STAGE, num_patches=64, batch_size=32, steps_schedule="5"
    )
    training = start(stage, devices=2)
    ((_, settings, _),) = training.stages
    validation = np.zeros((100, 8, 8, 1), np.float32)
    seconds = training._estimate_seconds(None, validation, settings, 64)
    assert tried == [(16, 8, 8, 1)]
    assert seconds == pytest.approx(3 * 1e-3 * 8 * 8 * 5 * 64)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps_schedule": "x"}, "--steps_schedule: 'x' is not a schedule of steps"),
        ({"steps_schedule": "1:0.5"}, "--steps_schedule: .* must add up to 1"),
        ({"patch_size": 60}, "--patch_size: "),
    ],
)
@pytest.mark.parametrize("position", [0, 1])
def test_flags_of_any_stage_are_checked_before_the_first(
    start, tmp_path, changes, message, position
):
    plan = [_STAGE, _STAGE]
    plan[position] = dataclasses.replace(_STAGE, **changes)
    with pytest.raises(UserError, match=f"^{message}"):
        start(*plan)
    assert not (tmp_path / "tiny").exists()


def test_patches_that_the_problem_does_not_take(start):
    task = dataclasses.replace(_TASK, problem="SuperResolutionProblem")
    with pytest.raises(UserError, match=r"^--patch_size: "):
        start(task=task)


def test_patches_that_do_not_fill_a_batch(start):
    with pytest.raises(TrainingError, match="1 x 1 patches do not fill a batch of 4"):
        start(dataclasses.replace(_STAGE, num_patches=1))


def test_names_of_images_are_told_once_unless_they_are_others():
    names = {"training_images": ["a", "b"], "validation_images": ["c"]}
    oldest = {"data": "elsewhere", "training_images": ["z"], "validation_images": ["c"]}
    history = {
        **names,
        "seconds": 1,
        "initial_weights": {**names, "initial_weights": oldest},
    }
    assert stages._without_images(history, names) == {
        "seconds": 1,
        "initial_weights": {
            "initial_weights": {"data": "elsewhere", "training_images": ["z"]}
        },
    }
