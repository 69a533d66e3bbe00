"""Tests of the training: it learns, and goes on after a kill as if nothing was."""

import dataclasses
import itertools
import json
import shutil
import types

import h5py
import keras
import numpy as np
import pytest

from rim_tf import restoration
from rim_tf.cells import FFNCell, GDNCell, RIMCell
from rim_tf.problems import DenoisingProblem, ThreeTaskProblem
from rim_tf.training import callbacks, loop, muon, record
from rim_tf.training.patches import PatchSet
from rim_tf.training.schedules import Phase
from rim_tf.training.settings import TrainingError
from tests.training import small


@pytest.fixture(name="whole", scope="module")
def _whole(tmp_path_factory):
    """The folder of a training that nothing disturbed, and its model."""
    folder = tmp_path_factory.mktemp("whole")
    return types.SimpleNamespace(folder=folder, rim=small.train(folder))


def _assert_same_training(folder, rim, whole):
    """The same updates, validations and weights; a row says little of its losses.

    A row has the mean loss since the last validation or the last interruption.
    """
    small.assert_same_weights(rim, whole.rim)
    actual, expected = small.read_log(folder), small.read_log(whole.folder)
    for name in ("updates", "patches", "num_steps"):
        assert [row[name] for row in actual] == [row[name] for row in expected]
    for name in ("val_psnr", "learning_rate"):
        np.testing.assert_allclose(
            [float(row[name]) for row in actual],
            [float(row[name]) for row in expected],
            rtol=1e-5,
        )


def test_it_learns(tmp_path):
    settings = dataclasses.replace(small.SETTINGS, learning_rate=0.02, epochs=5)
    small.train(tmp_path, settings)
    rows = small.read_log(tmp_path)
    assert float(rows[-1]["loss"]) < 0.7 * float(rows[0]["loss"])
    assert float(rows[-1]["val_psnr"]) > float(rows[0]["val_psnr"]) + 1


@pytest.mark.parametrize("name", [record.CHECKPOINT_FILE, record.BEST_FILE])
def test_damaged_weights_are_named_with_a_remedy(tmp_path, whole, name):
    folder = tmp_path / "training"
    shutil.copytree(whole.folder, folder)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    message = rf"{name} is damaged .*; delete .*training to begin this training anew"
    with pytest.raises(TrainingError, match=message):
        small.train(folder)


@pytest.mark.parametrize("count", [-1, 13])
def test_a_checkpoint_that_counts_other_updates_is_damaged(tmp_path, whole, count):
    folder = tmp_path / "training"
    shutil.copytree(whole.folder, folder)
    with h5py.File(folder / record.CHECKPOINT_FILE, "r+") as file:
        file["optimizer/vars/0"][...] = count
    with pytest.raises(TrainingError, match=rf"damaged \(it counts {count} updates"):
        small.train(folder)


@pytest.mark.parametrize(
    ("name", "of"),
    [
        (record.BEST_FILE, "vars/0"),
        # A moment of the optimizer.
        (record.CHECKPOINT_FILE, "optimizer/vars/2"),
    ],
)
def test_a_checkpoint_that_is_not_finite_is_damaged(tmp_path, whole, name, of):
    folder = tmp_path / "training"
    shutil.copytree(whole.folder, folder)
    with h5py.File(folder / name, "r+") as file:
        file[of][...] = np.nan
    with pytest.raises(TrainingError, match=r"damaged \(numbers in it are not finite"):
        small.train(folder)


def test_files_and_summary(whole):
    rows = small.read_log(whole.folder)
    assert [row["updates"] for row in rows] == ["4", "8", "10", "12"]
    assert [row["num_steps"] for row in rows] == ["1", "1", "2", "2"]
    assert rows[-1]["patches"] == "96"
    settings = json.loads((whole.folder / record.SETTINGS_FILE).read_text())
    assert settings["batch_size"] == 8
    summary = record.summary(whole.folder)
    best = max(float(row["val_psnr"]) for row in rows)
    assert summary["validation_psnr"] == pytest.approx(best, abs=1e-3)
    copy = small.small_rim()
    copy.build()
    copy.load_weights(whole.folder / record.BEST_FILE)
    for actual, expected in zip(
        whole.rim.get_weights(), copy.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"optimizer": "sgdd"}, "no optimizer 'sgdd'; there are adadelta, ada"),
        ({"loss": "l1"}, "no loss 'l1'; there are mse, log_mse"),
        ({"batch_size": 97}, "1 x 96 patches do not fill a batch of 97"),
    ],
)
def test_impossible_settings_are_refused_before_anything_is_written(
    tmp_path, changed, message
):
    settings = dataclasses.replace(small.SETTINGS, **changed)
    with pytest.raises(loop.TrainingError, match=message):
        small.train(tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        ("adam", keras.optimizers.Adam),
        ("muon", muon.ConvolutionMuon),
        ("sgd", keras.optimizers.SGD),
    ],
)
def test_the_optimizer_of_the_settings_is_taken(name, optimizer):
    settings = dataclasses.replace(small.SETTINGS, optimizer=name)
    model = loop.compiled_model(
        small.small_rim(), DenoisingProblem(), settings, [Phase(2, 0, 3)]
    )
    assert type(model.optimizer) is optimizer
    assert model.optimizer.global_clipnorm == 1.0
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-3 / 2)


class _Recording:
    """A problem that remembers what was drawn for every batch."""

    def __init__(self, problem):
        self.problem = problem
        self.drawn = []

    def draw(self, clean, seed):
        measurement = self.problem.draw(clean, seed)
        model = measurement.forward_model
        self.drawn.append(
            [
                keras.ops.convert_to_numpy(value)
                for value in (
                    clean,
                    measurement.observation,
                    measurement.sigma,
                    model.matrix,
                    model.mask,
                )
            ]
        )
        return measurement


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="JAX draws in compiled steps only"
)
def test_all_networks_see_the_same_patches_operators_and_noise():
    patches = PatchSet(small.smooth_images(), size=8, stride=2, num_patches=12)
    settings = dataclasses.replace(small.SETTINGS, batch_size=4)
    drawn = []
    for cell_class in (RIMCell, GDNCell, FFNCell):
        problem = _Recording(ThreeTaskProblem())
        rim = small.small_rim(cell_class)
        model = loop.compiled_model(rim, problem, settings, [Phase(2, 0, 3)])
        # Not compiled, so that there are values to remember.
        model.run_eagerly = True
        data = patches.dataset(patches.order(1, settings.seed), 4)
        model.fit(data, steps_per_epoch=3, shuffle=False, verbose=0)
        drawn.append(problem.drawn)
    rim, *others = drawn
    assert len(rim) == 3
    for other in others:
        for batch, expected in zip(other, rim, strict=True):
            for value, expected_value in zip(batch, expected, strict=True):
                np.testing.assert_array_equal(value, expected_value)


class _KillError(Exception):
    pass


@pytest.mark.parametrize("killed_after", [1, 5, 9])
def test_resuming_equals_not_having_been_interrupted(
    tmp_path, monkeypatch, whole, killed_after
):
    """Parameters, optimizer, noise and order of patches go on where they were."""
    count = 0

    def kill(self, batch, logs=None):
        nonlocal count
        count += 1
        if count == killed_after:
            # What was done after this checkpoint is lost.
            self.save(logs)
        if count == killed_after + 2:
            raise _KillError

    with monkeypatch.context() as patched:
        patched.setattr(callbacks.Checkpoint, "on_train_batch_end", kill)
        patched.setattr(callbacks.Checkpoint, "on_epoch_end", lambda *_: None)
        with pytest.raises(_KillError):
            small.train(tmp_path)
    resumed = small.train(tmp_path)
    _assert_same_training(tmp_path, resumed, whole)
    assert [run["from_update"] for run in small.read_runs(tmp_path)] == [
        0,
        killed_after,
    ]


def test_killed_during_a_validation(tmp_path, monkeypatch, whole):
    """The round is not taken for done, whose validation is missing."""
    settings = dataclasses.replace(small.SETTINGS, checkpoint_minutes=0.0)
    count = 0
    validate = callbacks.Validation.on_epoch_end

    def kill(self, epoch, logs):
        nonlocal count
        count += 1
        if count == 2:
            raise _KillError
        validate(self, epoch, logs)

    with monkeypatch.context() as patched:
        patched.setattr(callbacks.Validation, "on_epoch_end", kill)
        with pytest.raises(_KillError):
            small.train(tmp_path, settings)
    resumed = small.train(tmp_path, settings)
    _assert_same_training(tmp_path, resumed, whole)
    # The last checkpoint is that before the last batch of the second round.
    assert [run["from_update"] for run in small.read_runs(tmp_path)] == [0, 7]


class _Clock:
    """A time that passes only when something is done."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        clock = types.SimpleNamespace(
            monotonic=lambda: self.now, perf_counter=itertools.count().__next__
        )
        monkeypatch.setattr(callbacks, "time", clock)
        # `Position` is the first to hear that a batch is over.
        for owner, name, seconds in (
            (callbacks.Position, "on_train_batch_end", 1),
            (callbacks.Checkpoint, "save", 1),
            (restoration, "iterate", 1),
        ):
            slow = self._slowly(getattr(owner, name), seconds)
            monkeypatch.setattr(owner, name, slow)

    def _slowly(self, do, seconds):
        def wrapper(*args, **kwargs):
            self.now += seconds
            return do(*args, **kwargs)

        return wrapper


@pytest.fixture(name="clock")
def _clock(monkeypatch):
    return _Clock(monkeypatch)


def test_stops_before_a_deadline_and_goes_on(tmp_path, clock, whole):
    """With the same call; the result is that of a training without deadlines."""
    for seconds in (9, 12):
        deadline = clock.now + seconds
        with pytest.raises(callbacks.TimeIsUpError):
            small.train(tmp_path, deadline=deadline)
        # Nor much too early.
        assert deadline - 5 <= clock.now <= deadline
    rim = small.train(tmp_path, deadline=clock.now + 12)
    # Between two rounds, and in the middle of one; nothing is done twice.
    assert [run["from_update"] for run in small.read_runs(tmp_path)] == [0, 4, 9]
    _assert_same_training(tmp_path, rim, whole)


def test_finishes_in_time(tmp_path, clock, whole):
    rim = small.train(tmp_path, deadline=clock.now + 30)
    _assert_same_training(tmp_path, rim, whole)
    losses, expected = (
        [float(row["loss"]) for row in small.read_log(folder)]
        for folder in (tmp_path, whole.folder)
    )
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert len(small.read_runs(tmp_path)) == 1


def test_a_deadline_that_is_over_leaves_no_update(tmp_path, clock):
    with pytest.raises(callbacks.TimeIsUpError):
        small.train(tmp_path, deadline=clock.now - 1)
    assert not (tmp_path / record.CHECKPOINT_FILE).exists()
    assert not (tmp_path / record.LOG_FILE).exists()


def test_one_seed_gives_the_same_20_losses(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        callbacks.Position,
        "on_train_batch_end",
        lambda self, batch, logs: seen.append(float(logs["loss"])),
    )
    settings = dataclasses.replace(
        small.SETTINGS, steps_schedule=((2, 1.0),), batch_size=4, num_validations=1
    )

    def losses(name, seed):
        """Returns the mean of the losses up to each update."""
        seen.clear()
        changed = dataclasses.replace(settings, seed=seed)
        small.train(tmp_path / name, changed, num_patches=80)
        return list(seen)

    first = losses("first", 0)
    assert len(first) == 20
    np.testing.assert_allclose(losses("second", 0), first, rtol=1e-6)
    assert not np.allclose(losses("third", 1), first, rtol=1e-3)


def test_finished_training_is_not_repeated(whole, monkeypatch):
    monkeypatch.setattr(keras.Model, "fit", None)
    again = small.train(whole.folder)
    small.assert_same_weights(again, whole.rim)
    assert len(small.read_runs(whole.folder)) == 1


def test_refuses_to_go_on_with_other_settings(whole):
    settings = dataclasses.replace(small.SETTINGS, learning_rate=0.5)
    with pytest.raises(loop.TrainingError, match=r"other settings \(learning_rate\)"):
        small.train(whole.folder, settings)
    with pytest.raises(loop.TrainingError, match=r"other settings \(data\)"):
        small.train(whole.folder, description={"data": "other images"})


def test_stops_when_the_loss_is_not_finite(tmp_path):
    rim = small.small_rim()
    rim.build()
    rim.phi_epsilon.assign(np.nan)
    with pytest.raises(loop.TrainingError, match="not finite"):
        small.train(tmp_path, rim=rim)
    assert not (tmp_path / record.BEST_FILE).exists()
    assert not (tmp_path / record.CHECKPOINT_FILE).exists()
