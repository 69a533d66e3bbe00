"""Tests of the callbacks that the training's tests do not see."""

import types
from unittest import mock

import keras
import numpy as np
import pytest

import rim_tf
from rim_tf import metrics
from rim_tf.cells import RIMCell
from rim_tf.problems import DenoisingProblem
from rim_tf.training import callbacks
from rim_tf.training.schedules import Phase


@pytest.fixture(name="model")
def _model():
    rim = rim_tf.RIM(RIMCell(features=4, state_features=6), num_steps=3)
    rim.build()
    return types.SimpleNamespace(rim=rim, variables=rim.variables)


def _validation(model, patches, **settings):
    validation = callbacks.Validation(DenoisingProblem(), patches, **settings)
    validation.set_model(model)
    return validation


def test_validation_measures_the_same_noise_every_time(model):
    patches = np.random.default_rng(0).uniform(size=(7, 8, 8, 1)).astype("float32")
    validation = _validation(model, patches, batch_size=3)
    first, second = {}, {}
    validation.on_epoch_end(0, first)
    validation.on_epoch_end(1, second)
    assert first == second
    assert validation.psnr.shape == (3,)
    assert first["val_psnr"] == validation.psnr[-1]
    assert validation.strip.shape == (8, 4 * 8, 1)
    np.testing.assert_array_equal(validation.strip[:, -8:], patches[0])


def test_validation_is_the_psnr_of_the_estimates(model):
    """An untrained RIM leaves the observation, so its PSNR is that of the noise."""
    patches = np.full((40, 8, 8, 1), 0.5, np.float32)
    validation = _validation(model, patches, batch_size=40)
    logs = {}
    validation.on_epoch_end(0, logs)
    measurement = DenoisingProblem().draw(
        patches, keras.random.SeedGenerator(callbacks._VALIDATION_SEED)
    )
    noisy = keras.ops.convert_to_numpy(measurement.observation)
    expected = metrics.psnr(np.clip(noisy, 0.01, 0.99), patches).mean()
    assert logs["val_psnr"] == pytest.approx(expected, abs=0.5)


def test_a_patch_without_error_does_not_end_all_progress(model, monkeypatch):
    patches = np.full((3, 8, 8, 1), 0.5, np.float32)
    values = np.array([30.0, np.inf, 34.0])
    monkeypatch.setattr(callbacks.metrics, "psnr", lambda estimate, clean: values)
    validation, logs = _validation(model, patches, batch_size=3), {}
    validation.on_epoch_end(0, logs)
    assert logs["val_psnr"] == 32.0


def test_keep_best_keeps_the_best(model, tmp_path):
    path = tmp_path / "best.weights.h5"
    keep = callbacks.KeepBest(path, best=30.0)
    keep.set_model(model)
    keep.on_epoch_end(0, {"val_psnr": 29.0})
    assert not path.exists()
    model.rim.phi_epsilon.assign(1.0)
    keep.on_epoch_end(1, {"val_psnr": 31.0})
    model.rim.phi_epsilon.assign(2.0)
    keep.on_epoch_end(2, {"val_psnr": 30.5})
    model.rim.load_weights(path)
    assert float(keras.ops.convert_to_numpy(model.rim.phi_epsilon)) == 1.0


@pytest.mark.parametrize("broken", ["the loss", "a weight"])
def test_checkpoint_does_not_replace_a_good_state_by_a_lost_one(
    model, tmp_path, broken
):
    path = tmp_path / "last.weights.h5"
    model.save_weights = lambda path: path.write_text("new")
    checkpoint = callbacks.Checkpoint(path, minutes=5)
    checkpoint.set_model(model)
    path.write_text("old")
    if broken == "a weight":
        model.rim.phi_epsilon.assign(np.nan)
    checkpoint.save({"loss": np.inf if broken == "the loss" else 0.1})
    assert path.read_text() == "old"
    model.rim.phi_epsilon.assign(0.0)
    checkpoint.save({"loss": 0.1})
    assert path.read_text() == "new"


def test_checkpoints_are_made_every_few_minutes(model, tmp_path, monkeypatch):
    now, saved = 0.0, []
    clock = types.SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr(callbacks, "time", clock)
    model.save_weights = lambda path: (saved.append(now), path.touch())
    checkpoint = callbacks.Checkpoint(tmp_path / "last.weights.h5", minutes=2)
    checkpoint.set_model(model)
    checkpoint.set_params({"steps": 10})
    for batch in range(10):
        now += 50
        checkpoint.on_train_batch_end(batch, {"loss": 0.1})
    # Not after the last batch, which a validation follows.
    assert saved == [150, 300, 450]
    checkpoint.on_epoch_end(0, {"loss": 0.1})
    assert saved[3:] == [500]


def test_the_log_is_written_as_a_whole(tmp_path, monkeypatch):
    log = callbacks.Log(tmp_path / "log.csv")
    log.on_epoch_end(0, {"updates": 3, "loss": 0.5})
    before = log.path.read_text()
    assert before == "epoch,loss,updates\n0,0.5,3\n"
    with monkeypatch.context() as patched:
        patched.setattr(callbacks.files.os, "replace", mock.Mock(side_effect=OSError))
        with pytest.raises(callbacks.files.NotWrittenError, match="cannot be written"):
            log.on_epoch_end(1, {"updates": 6, "loss": 0.25})
    assert log.path.read_text() == before
    log.on_epoch_end(1, {"updates": 6, "loss": 0.25})
    assert log.path.read_text() == before + "1,0.25,6\n"


def test_position_goes_on_counting_seconds(model, monkeypatch):
    now = 100.0
    clock = types.SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr(callbacks, "time", clock)
    model.num_steps = 5
    model.optimizer = types.SimpleNamespace(iterations=7, learning_rate=0.25)
    position = callbacks.Position(batch_size=4, seconds=30.0)
    position.set_model(model)
    now += 2.04
    position.on_train_batch_end(0)
    assert model.seconds == pytest.approx(32.04)
    logs = {}
    position.on_epoch_end(0, logs)
    assert logs == {
        "updates": 7,
        "patches": 28,
        "num_steps": 5,
        "learning_rate": 0.25,
        "seconds": 32.0,
    }


def test_progress_bar_measures_computation(model):
    """An update with T steps counts T times, those of an earlier run too."""
    bar = callbacks.ProgressBar([Phase(2, 0, 3), Phase(5, 3, 2)], 4, batch_size=8)
    bar.set_model(model)
    assert (bar._bar.n, bar._bar.total) == (11 * 8, 16 * 8)
    model.num_steps = 5
    bar.on_epoch_begin(0)
    bar.on_train_batch_end(0, {"loss": 0.25})
    bar.close()
    assert bar._bar.n == 16 * 8
    assert "T = 5, loss 0.25000" in bar._bar.postfix


def test_tensorboard_says_what_it_cannot_write(model, tmp_path):
    pytest.importorskip("tensorflow")
    pytest.importorskip("tensorboard")
    (tmp_path / "file").touch()
    validation = _validation(model, np.zeros((1, 8, 8, 1), np.float32))
    with pytest.raises(callbacks.files.NotWrittenError, match="file cannot be written"):
        callbacks.tensorboard_callbacks(tmp_path / "file", validation)


def test_tensorboard_gets_every_validation(model, tmp_path):
    pytest.importorskip("tensorboard")
    tf = pytest.importorskip("tensorflow")
    patches = np.full((2, 8, 8, 1), 0.5, np.float32)
    validation = _validation(model, patches)
    validation.on_epoch_end(0, {})
    (tensorboard,) = callbacks.tensorboard_callbacks(tmp_path, validation)
    tensorboard.on_epoch_end(0, {"updates": 3, "loss": 0.1, "val_psnr": 20.0})
    (path,) = tmp_path.glob("events.*")
    written = {
        value.tag: tf.make_ndarray(value.tensor)
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
        if event.step == 3
    }
    assert written["loss"] == np.float32(0.1)
    assert written["validation/psnr"] == 20
    for t, psnr in enumerate(validation.psnr, start=1):
        assert written[f"validation_psnr_per_t/{t:02d}"] == pytest.approx(psnr)
    width, height, png = written["estimates_over_t"]
    assert (int(width), int(height)) == (4 * 8, 8)
    assert png.startswith(b"\x89PNG")
