"""Tests of the optimizers of a training."""

import keras
import numpy as np
import pytest

from rim_tf.training import devices, muon, optimizers, schedules
from rim_tf.training.settings import TrainingError


def test_names_are_those_of_keras_and_muon():
    """But of wrappers, which have no updates of their own."""
    names = optimizers.names()
    assert {"adam", "adamw", "sgd", "rmsprop", "lion", "muon"} <= set(names)
    assert not {"lossscaleoptimizer", "multioptimizer", "optimizer"} & set(names)
    for name in set(names) - {muon.NAME}:
        # As Keras itself knows it.
        made = optimizers.make(name, 1e-3)
        assert made.__class__.__name__.lower() == name


@pytest.mark.parametrize("name", optimizers.names())
def test_each_goes_down_and_clips_the_gradient(name):
    """Of a kernel as a network has, with the schedule of a training."""
    schedule = schedules.WarmupCosine(1e-2, 1, [(1, 0, 10)])
    optimizer = optimizers.make(name, schedule)
    assert optimizer.global_clipnorm == 1.0
    random = np.random.default_rng(0)
    kernel = keras.Variable(random.normal(size=(3, 3, 2, 4)).astype("float32"))
    before = keras.ops.convert_to_numpy(kernel)
    optimizer.build([kernel])
    for _ in range(2):
        optimizer.apply([keras.ops.convert_to_tensor(before)], [kernel])
    after = keras.ops.convert_to_numpy(kernel)
    assert np.isfinite(after).all()
    assert np.sum(np.square(after)) < np.sum(np.square(before))


def test_what_is_unknown_is_refused():
    with pytest.raises(TrainingError, match="no optimizer 'best'; there are adadelta,"):
        optimizers.check("best")
    optimizers.check("sgd")


@pytest.mark.parametrize("name", ["muon", "sgd"])
def test_others_than_adam_are_refused_on_several_devices(monkeypatch, name):
    monkeypatch.setattr(devices, "num_replicas", lambda: 2)
    optimizers.check("adam")
    with pytest.raises(TrainingError, match=f"{name} trains on one device only; take"):
        optimizers.check(name)
