"""Tests of Muon for convolutions."""

import keras
import numpy as np
import pytest

import rim_tf
from rim_tf.cells import RIMCell
from rim_tf.problems import DenoisingProblem
from rim_tf.training import loop
from rim_tf.training.muon import ConvolutionMuon
from rim_tf.training.schedules import plan_phases
from rim_tf.training.settings import TrainingSettings
from tests.training import small

_LEARNING_RATE = 0.01


def _one_update(optimizer, shape, gradient):
    variable = keras.Variable(np.zeros(shape, np.float32))
    optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    return keras.ops.convert_to_numpy(variable)


@pytest.mark.parametrize("shape", [(3, 3, 64, 96), (3, 3, 96, 64), (1, 1, 64, 128)])
def test_update_of_a_kernel_is_orthogonal_and_of_the_size_of_adams(shape):
    gradient = np.random.default_rng(0).normal(size=shape).astype("float32")
    # Directions of very different size.
    gradient *= np.logspace(-1, 1, shape[-1], dtype="float32")
    update = _one_update(ConvolutionMuon(_LEARNING_RATE), shape, gradient)
    matrix = update.reshape(-1, shape[-1])
    size = 0.2 * np.sqrt(max(matrix.shape)) * _LEARNING_RATE
    singular_values = np.linalg.svd(matrix, compute_uv=False) / size
    # The iteration of Newton and Schulz comes near 1 only.
    assert 0.6 < singular_values.min() <= singular_values.max() < 1.3
    assert np.sum(update * gradient) < 0
    assert np.sqrt(np.mean(update**2)) == pytest.approx(0.2 * _LEARNING_RATE, rel=0.3)


@pytest.mark.parametrize("shape", [(), (64,), (3, 3, 2, 64), (3, 3, 64, 1)])
def test_other_parameters_are_updated_as_by_adam(shape):
    gradient = np.random.default_rng(0).normal(size=shape).astype("float32")
    adam = keras.optimizers.Adam(_LEARNING_RATE, global_clipnorm=1.0)
    np.testing.assert_allclose(
        _one_update(ConvolutionMuon(_LEARNING_RATE, clip_norm=1.0), shape, gradient),
        _one_update(adam, shape, gradient),
        rtol=1e-3,
    )


def _model(optimizer="muon"):
    keras.utils.set_random_seed(0)
    cell = RIMCell(features=64, state_features=64, dtype="float32")
    settings = TrainingSettings(
        batch_size=4, optimizer=optimizer, learning_rate=2e-3, warmup_updates=1
    )
    return loop.compiled_model(
        rim_tf.RIM(cell, num_steps=2, dtype="float32"),
        DenoisingProblem(),
        settings,
        plan_phases(((2, 1.0),), num_updates=100),
    )


def _clean():
    rows, columns = np.mgrid[0:16, 0:16]
    image = 0.5 + 0.4 * np.sin(rows / 4) * np.cos(columns / 3)
    return np.float32(np.tile(image[None, ..., None], (4, 1, 1, 1)))


def _gates(model):
    kernel = model.rim.cell.recurrent.gates.kernel
    return keras.ops.convert_to_numpy(kernel.value)


def test_training_with_it_learns_and_differs_from_adams():
    muon, adam = _model("muon"), _model("adam")
    losses = [float(model.train_on_batch(_clean())) for model in (muon, adam)]
    # They begin with the same weights and noise.
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert not np.allclose(_gates(muon), _gates(adam), rtol=0.1)
    losses += [float(muon.train_on_batch(_clean())) for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])


def test_goes_on_from_a_file(tmp_path):
    path = tmp_path / "model.weights.h5"
    whole = _model()
    for _ in range(3):
        whole.train_on_batch(_clean())
    whole.save_weights(path)
    whole.train_on_batch(_clean())
    resumed = _model()
    resumed.load_weights(path)
    resumed.train_on_batch(_clean())
    small.assert_same_weights(resumed, whole)
