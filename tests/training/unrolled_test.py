"""Tests of the RIM as it is trained: what it draws, and its loss."""

import keras
import numpy as np
import pytest

from rim_tf import losses
from rim_tf.problems import DenoisingProblem
from rim_tf.training import unrolled
from rim_tf.training.unrolled import UnrolledRIM
from tests.training import small

_PROBLEM = DenoisingProblem(0.2)


@pytest.fixture(name="clean", scope="module")
def _clean():
    return small.patches(3).to_numpy()


def _model(seed=1, **settings):
    return UnrolledRIM(small.small_rim(), _PROBLEM, seed, **settings)


def test_estimates_are_the_rims_of_what_is_drawn(clean):
    model = _model()
    estimates = model(clean)
    drawn = _PROBLEM.draw(clean, keras.random.SeedGenerator(1))
    expected = model.rim(drawn.observation, sigma=drawn.sigma)
    np.testing.assert_allclose(estimates, expected, rtol=1e-5)
    # The next batch has other noise.
    assert not np.allclose(model(clean), expected, atol=0.01)


def test_number_of_steps_may_be_set(clean):
    model = _model()
    model.num_steps = 1
    assert model(clean).shape == (1, *clean.shape)


@pytest.mark.parametrize("name", ["mse", "log_mse"])
def test_loss_is_that_of_the_settings(clean, name):
    estimates = np.stack([clean + 0.1, clean - 0.3])
    loss = _model(loss=name).compute_loss(clean, y_pred=estimates)
    expected = losses.get(name)(estimates, clean)
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


def test_loss_of_a_device_is_its_part(clean, monkeypatch):
    estimates = np.stack([clean + 0.1, clean - 0.3])
    monkeypatch.setattr(unrolled.devices, "num_replicas", lambda: 2)
    loss = _model().compute_loss(clean, y_pred=estimates)
    np.testing.assert_allclose(loss, (0.01 + 0.09) / 2 / 2, rtol=1e-5)


def test_file_has_the_position_in_the_random_numbers_and_the_time(clean, tmp_path):
    path = tmp_path / "model.weights.h5"
    model = _model()
    model(clean)
    model.seconds = 12.5
    model.save_weights(path)
    expected = model(clean)
    resumed = _model(seed=7)
    resumed.load_weights(path)
    assert resumed.seconds == 12.5
    np.testing.assert_allclose(resumed(clean), expected, rtol=1e-6)
