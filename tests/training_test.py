"""Tests of the training: it learns, and goes on after a kill as if nothing was."""

import csv
import dataclasses
import json

import keras
import numpy as np
import pytest

import rim_tf
from rim_tf.cells import FFNCell, GDNCell, RIMCell
from rim_tf.forward_models import Inpainting
from rim_tf.problems import (
    DenoisingProblem,
    Measurement,
    SuperResolutionProblem,
    ThreeTaskProblem,
)
from rim_tf.training import callbacks, loop
from rim_tf.training.patches import PatchSet
from rim_tf.training.schedules import Phase
from rim_tf.training.settings import TrainingSettings

_SETTINGS = TrainingSettings(
    epochs=1,
    batch_size=8,
    steps_schedule=((2, 0.5), (3, 0.5)),
    warmup_updates=2,
    num_validations=3,
)


def _smooth_images():
    rows, columns = np.mgrid[0:48, 0:48]
    return [
        (127 + 100 * np.sin(rows / (4 + i)) * np.cos(columns / (3 + i))).astype(
            "uint8"
        )[..., None]
        for i in range(3)
    ]


def _patches(number):
    return PatchSet(_smooth_images(), size=16, stride=2, num_patches=number)


def _rim(features=4, state_features=6, dtype="float32"):
    keras.utils.set_random_seed(0)
    cell = RIMCell(features=features, state_features=state_features, dtype=dtype)
    return rim_tf.RIM(cell, num_steps=3, dtype=dtype)


def _train(output_dir, num_patches=96, settings=_SETTINGS, rim=None):
    return loop.train(
        rim or _rim(),
        DenoisingProblem(),
        _patches(num_patches),
        _patches(20).to_numpy(),
        settings,
        output_dir,
    )


def _read_log(folder):
    with (folder / loop.LOG_FILE).open(newline="") as file:
        return list(csv.DictReader(file))


_ONLY_TENSORFLOW = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="only TensorFlow makes parts"
)


class _MaskForEach:
    """Inpainting with a mask for each image."""

    def draw(self, clean, seed):
        mask = keras.random.uniform(clean.shape, seed=seed) < 0.5
        mask = keras.ops.cast(mask, "float32")
        sigma = keras.ops.full(clean.shape[:1], 0.1)
        return Measurement(mask * clean, sigma, Inpainting(mask))


def test_it_learns(tmp_path):
    settings = dataclasses.replace(_SETTINGS, learning_rate=0.01, epochs=12)
    _train(tmp_path, settings=settings)
    rows = _read_log(tmp_path)
    assert float(rows[-1]["loss"]) < 0.7 * float(rows[0]["loss"])
    assert float(rows[-1]["val_psnr"]) > float(rows[0]["val_psnr"]) + 1


def test_files_and_summary(tmp_path):
    rim = _train(tmp_path)
    rows = _read_log(tmp_path)
    assert rows[-1]["updates"] == "12"
    assert rows[-1]["patches"] == "96"
    assert {row["num_steps"] for row in rows} == {"2", "3"}
    settings = json.loads((tmp_path / loop.SETTINGS_FILE).read_text())
    assert settings["batch_size"] == 8
    summary = loop.summary(tmp_path)
    best = max(float(row["val_psnr"]) for row in rows)
    assert summary["validation_psnr"] == pytest.approx(best, abs=1e-3)
    copy = _rim()
    copy.build()
    copy.load_weights(tmp_path / loop.BEST_FILE)
    for actual, expected in zip(rim.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_unknown_optimizer(tmp_path):
    settings = dataclasses.replace(_SETTINGS, optimizer="sgd")
    with pytest.raises(loop.TrainingError, match="no optimizer 'sgd'"):
        _train(tmp_path, settings=settings)


def test_unknown_loss(tmp_path):
    settings = dataclasses.replace(_SETTINGS, loss="l1")
    with pytest.raises(loop.TrainingError, match="no loss 'l1'"):
        _train(tmp_path, settings=settings)


def test_the_loss_of_the_settings_is_trained(tmp_path):
    for loss, (low, high) in {"mse": (0, 0.2), "log_mse": (-8, -1)}.items():
        settings = dataclasses.replace(_SETTINGS, loss=loss)
        _train(tmp_path / loss, settings=settings)
        assert low < float(_read_log(tmp_path / loss)[-1]["loss"]) < high


def test_muon_is_refused_on_several_devices(tmp_path, monkeypatch):
    monkeypatch.setattr(loop.devices, "num_replicas", lambda: 2)
    settings = dataclasses.replace(_SETTINGS, optimizer="muon")
    with pytest.raises(loop.TrainingError, match="muon trains on one device only"):
        _train(tmp_path, settings=settings)


class _Recording:
    """A problem that remembers what was drawn for every batch."""

    def __init__(self, problem):
        self.problem = problem
        self.drawn = []

    def draw(self, clean, seed):
        measurement = self.problem.draw(clean, seed)
        self.drawn.append(
            [
                keras.ops.convert_to_numpy(value)
                for value in (
                    clean,
                    measurement.observation,
                    measurement.sigma,
                    measurement.forward_model.matrix,
                    measurement.forward_model.mask,
                )
            ]
        )
        return measurement


@_ONLY_TENSORFLOW
def test_all_networks_see_the_same_patches_operators_and_noise():
    patches = PatchSet(_smooth_images(), size=8, stride=2, num_patches=12)
    drawn = []
    for cell_class in (RIMCell, GDNCell, FFNCell):
        problem = _Recording(ThreeTaskProblem())
        rim = rim_tf.RIM(cell_class(features=4, state_features=6), num_steps=2)
        settings = dataclasses.replace(_SETTINGS, batch_size=4)
        model = loop.compiled_model(rim, problem, settings, [Phase(2, 0, 3)])
        # Not compiled, so that there are values to remember.
        model.run_eagerly = True
        order = patches.order(1, settings.seed)
        model.fit(
            patches.dataset(order, 4), steps_per_epoch=3, shuffle=False, verbose=0
        )
        drawn.append(problem.drawn)
    rim, *others = drawn
    assert len(rim) == 3
    for other in others:
        for batch, expected in zip(other, rim, strict=True):
            for value, expected_value in zip(batch, expected, strict=True):
                np.testing.assert_array_equal(value, expected_value)


class _KillError(Exception):
    pass


@pytest.mark.parametrize("killed_after", [1, 5, 8])
def test_resuming_equals_not_having_been_interrupted(
    tmp_path, monkeypatch, killed_after
):
    """Parameters, optimizer, noise and order of patches go on where they were."""
    whole = _train(tmp_path / "whole")

    count = 0

    def kill(self, batch, logs=None):
        nonlocal count
        count += 1
        if count == killed_after:
            # What was done after this checkpoint is lost.
            self._save(logs)
        if count == killed_after + 2:
            raise _KillError

    with monkeypatch.context() as patched:
        patched.setattr(callbacks.Checkpoint, "on_train_batch_end", kill)
        patched.setattr(callbacks.Checkpoint, "on_epoch_end", lambda *_: None)
        with pytest.raises(_KillError):
            _train(tmp_path / "killed")
    resumed = _train(tmp_path / "killed")

    for actual, expected in zip(
        resumed.get_weights(), whole.get_weights(), strict=True
    ):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
    assert [row["updates"] for row in _read_log(tmp_path / "killed")] == [
        row["updates"] for row in _read_log(tmp_path / "whole")
    ]


def test_killed_during_a_validation(tmp_path, monkeypatch):
    """The round is not taken for done, whose validation is missing."""
    settings = dataclasses.replace(_SETTINGS, checkpoint_minutes=0.0)
    whole = _train(tmp_path / "whole", settings=settings)
    with monkeypatch.context() as patched:
        count = 0
        validate = callbacks.Validation.on_epoch_end

        def kill(self, epoch, logs):
            nonlocal count
            count += 1
            if count == 2:
                raise _KillError
            validate(self, epoch, logs)

        patched.setattr(callbacks.Validation, "on_epoch_end", kill)
        with pytest.raises(_KillError):
            _train(tmp_path / "killed", settings=settings)
    resumed = _train(tmp_path / "killed", settings=settings)
    rows = _read_log(tmp_path / "killed")
    assert len(rows) == len(_read_log(tmp_path / "whole"))
    for actual, expected in zip(
        resumed.get_weights(), whole.get_weights(), strict=True
    ):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
    runs = json.loads((tmp_path / "killed" / loop.RUNS_FILE).read_text())
    assert runs[0]["from_update"] == 0
    assert len(runs) == 2


def test_one_seed_gives_the_same_20_losses(tmp_path):
    settings = dataclasses.replace(
        _SETTINGS, steps_schedule=((2, 1.0),), batch_size=4, num_validations=20
    )

    def losses(name, seed):
        changed = dataclasses.replace(settings, seed=seed)
        _train(tmp_path / name, num_patches=80, settings=changed)
        return [float(row["loss"]) for row in _read_log(tmp_path / name)]

    first = losses("first", 0)
    assert len(first) == 20
    np.testing.assert_allclose(losses("second", 0), first, rtol=1e-6)
    assert not np.allclose(losses("third", 1), first, rtol=1e-3)


@_ONLY_TENSORFLOW
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 1e-3), ("mixed_bfloat16", 0.1)]
)
def test_gradients_of_parts_add_up_to_those_of_the_batch(dtype, tolerance, monkeypatch):
    """With so many channels as Winograd's convolutions take."""
    import tensorflow as tf

    rim = _rim(features=64, state_features=64, dtype=dtype)
    problem = SuperResolutionProblem((2,))
    clean = keras.ops.convert_to_tensor(_patches(4).to_numpy())

    def gradients(part_size):
        monkeypatch.setattr(training, "_PART_SIZE", part_size)
        model = loop.UnrolledRIM(rim, problem, seed=0)
        loss, values = tf.function(model._loss_and_gradients)(clean)
        return [np.asarray(value, np.float32) for value in (loss, *values)]

    for actual, expected in zip(gradients(2), gradients(4), strict=True):
        error = np.linalg.norm(actual - expected)
        assert error <= tolerance * np.linalg.norm(expected)


@_ONLY_TENSORFLOW
@pytest.mark.parametrize(
    ("problem", "smallest"),
    [
        (DenoisingProblem(), 2),
        (ThreeTaskProblem(), 2),
        (SuperResolutionProblem((2,)), 2),
        # Each image has a mask of its own, so the batch stays whole.
        (_MaskForEach(), 8),
    ],
)
def test_parts_of_a_batch_give_its_losses_and_weights(problem, smallest, monkeypatch):
    monkeypatch.setattr(loop.precision, "has_gpu", lambda: False)
    sizes = []

    class RecordingRIM(loop.UnrolledRIM):
        def _restore(self, measurement):
            sizes.append(measurement.observation.shape[0])
            return super()._restore(measurement)

    monkeypatch.setattr(training, "UnrolledRIM", RecordingRIM)

    def train(part_size):
        monkeypatch.setattr(training, "_PART_SIZE", part_size)
        phases = [Phase(3, 0, 4)]
        model = loop.compiled_model(_rim(), problem, _SETTINGS, phases)
        batches = [_patches(16).to_numpy()[i : i + 8] for i in (0, 8)]
        losses = [model.train_on_batch(batch) for batch in batches]
        return losses, model.rim.get_weights()

    losses, weights = train(2)
    assert set(sizes) == {smallest}
    sizes.clear()
    expected_losses, expected_weights = train(8)
    assert set(sizes) == {8}
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-5)
    for actual, expected in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_finished_training_is_not_repeated(tmp_path, monkeypatch):
    _train(tmp_path)
    monkeypatch.setattr(keras.Model, "fit", None)
    _train(tmp_path)


def test_goes_on_with_a_training_that_did_not_know_a_setting(tmp_path):
    _train(tmp_path)
    path = tmp_path / loop.SETTINGS_FILE
    earlier = json.loads(path.read_text())
    del earlier["loss"]
    path.write_text(json.dumps(earlier))
    _train(tmp_path)
    with pytest.raises(loop.TrainingError, match=r"other settings \(loss\)"):
        _train(tmp_path, settings=dataclasses.replace(_SETTINGS, loss="log_mse"))


def test_refuses_to_go_on_with_other_settings(tmp_path):
    _train(tmp_path)
    with pytest.raises(loop.TrainingError, match=r"other settings \(learning_rate\)"):
        _train(tmp_path, settings=dataclasses.replace(_SETTINGS, learning_rate=0.5))


def test_goes_on_with_other_times_of_checkpoints(tmp_path):
    _train(tmp_path)
    _train(tmp_path, settings=dataclasses.replace(_SETTINGS, checkpoint_minutes=0.5))


def test_stops_when_the_loss_is_not_finite(tmp_path):
    rim = _rim()
    rim.build()
    rim.phi_epsilon.assign(np.nan)
    with pytest.raises(loop.TrainingError, match="not finite"):
        _train(tmp_path, rim=rim)
    assert not (tmp_path / loop.BEST_FILE).exists()
    assert not (tmp_path / loop.CHECKPOINT_FILE).exists()


def test_refuses_fewer_patches_than_a_batch(tmp_path):
    with pytest.raises(loop.TrainingError, match="do not fill a batch"):
        _train(tmp_path, num_patches=7)


def test_rounds_divide_the_computation():
    phases = [Phase(5, 0, 640), Phase(20, 640, 160)]
    rounds = loop.plan_rounds(phases, 8)
    assert sum(r.num_updates for r in rounds) == 800
    assert [r.first_update for r in rounds] == [0, 160, 320, 480, 640, 680, 720, 760]
    assert {r.num_steps * r.num_updates for r in rounds} == {800}
    assert loop.plan_rounds([Phase(5, 0, 2)], 8) == [Phase(5, 0, 1), Phase(5, 1, 1)]
