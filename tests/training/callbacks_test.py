"""Tests of the callbacks that the training's tests do not see."""

import types

import keras
import numpy as np
import pytest

import rim_tf
from rim_tf import metrics
from rim_tf.cells import RIMCell
from rim_tf.problems import DenoisingProblem
from rim_tf.training import callbacks


@pytest.fixture(name="model")
def _model():
    rim = rim_tf.RIM(RIMCell(features=4, state_features=6), num_steps=3)
    rim.build()
    return types.SimpleNamespace(rim=rim)


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


def test_tensorboard_writes_where_it_is_installed(model, tmp_path):
    pytest.importorskip("tensorboard")
    pytest.importorskip("tensorflow")
    patches = np.full((2, 8, 8, 1), 0.5, np.float32)
    validation = _validation(model, patches)
    validation.on_epoch_end(0, {})
    (tensorboard,) = callbacks.tensorboard_callbacks(tmp_path, validation)
    tensorboard.on_epoch_end(0, {"updates": 3, "loss": 0.1, "val_psnr": 20.0})
    assert list(tmp_path.glob("events.*"))
