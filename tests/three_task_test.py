"""Tests of the measurements of Figure 3."""

import dataclasses

import numpy as np
import pytest

from paper_experiments import three_task
from rim_tf import RIM, metrics
from rim_tf.forward_models import Inpainting


class _Nothing:
    """A cell that changes nothing."""

    def get_initial_state(self, batch_size, height, width):
        return []

    def __call__(self, inputs, states):
        return 0.0 * inputs[..., :1], states


@pytest.fixture(name="patches")
def _patches():
    generator = np.random.default_rng(0)
    return generator.uniform(0.2, 0.8, size=(5, 32, 32, 1)).astype(np.float32)


@pytest.fixture(name="measurement")
def _measurement(patches, tmp_path):
    models = {"one": _model(), "other": _model()}
    return three_task.Measurement(models, patches, 2, 0, tmp_path / "measured")


def _model():
    model = RIM(_Nothing())
    model.build()
    return model


def test_measures_the_first_estimate_when_nothing_changes(measurement, patches):
    curves = measurement.run()
    assert len(curves) == len(three_task.TASKS) * len(three_task.FRACTIONS)
    for panel, row in curves.items():
        for curve in row.values():
            assert curve.mean.shape == curve.deviation.shape == (3,)
            np.testing.assert_allclose(curve.mean, curve.mean[0], atol=1e-4)
        # All models see the same observations.
        np.testing.assert_array_equal(row["one"].mean, row["other"].mean)
        seeds = [three_task.operator_seed(0, i) for i in range(len(patches))]
        forward_model = three_task.TASKS[panel.task](panel.fraction, seeds)
        observation = three_task.observe(patches, forward_model, 0, 0)
        first = np.clip(np.asarray(forward_model.adjoint(observation)), 0.01, 0.99)
        expected = metrics.psnr(first, patches)
        np.testing.assert_allclose(row["one"].mean[0], expected.mean(), atol=1e-3)
        np.testing.assert_allclose(row["one"].deviation[0], expected.std(), atol=1e-3)


def _count_measured(measurement, monkeypatch):
    """Runs a measurement; returns the numbers of the batches that were not kept."""
    measured = []
    measure = three_task.Measurement._measure

    def counted(self, number, bar):
        measured.append(number)
        return measure(self, number, bar)

    with monkeypatch.context() as patched:
        patched.setattr(three_task.Measurement, "_measure", counted)
        curves = measurement.run()
    return measured, curves


def test_interrupted_measurement_goes_on(measurement, patches, monkeypatch):
    monkeypatch.setattr(three_task, "_BATCH_SIZE", 2)
    assert measurement.num_kept() == 0
    whole = measurement.run()
    (measurement.folder / "batch_001.npz").unlink()
    assert measurement.num_kept() == 3
    measured, again = _count_measured(measurement, monkeypatch)
    assert measured == [1]
    assert measurement.num_kept() == 5
    for panel, row in whole.items():
        for name, curve in row.items():
            assert curve.psnr.shape == (3, len(patches))
            np.testing.assert_array_equal(again[panel][name].psnr, curve.psnr)


@pytest.mark.parametrize("changed", ["models", "patches", "num_steps", "seed"])
def test_what_was_measured_otherwise_is_measured_again(
    measurement, patches, monkeypatch, changed
):
    monkeypatch.setattr(three_task, "_BATCH_SIZE", 2)
    measurement.run()
    trained = _model()
    trained.phi_epsilon.assign(1.0)
    others = {
        "models": {"one": _model(), "other": trained},
        # The second batch is another one, the third is gone.
        "patches": np.concatenate([patches[:3], 1 - patches[3:4]]),
        "num_steps": 1,
        "seed": 1,
    }
    other = dataclasses.replace(measurement, **{changed: others[changed]})
    measured, _ = _count_measured(other, monkeypatch)
    assert measured == ([1] if changed == "patches" else [0, 1, 2])


@pytest.mark.parametrize("task", ["Fourier", "inpainting"])
def test_each_patch_has_a_mask_of_its_own(task):
    masks = np.asarray(three_task.TASKS[task](0.4, [1, 2, 3]).mask)
    assert masks.shape[:3] == (3, 32, 32)
    assert len({mask.tobytes() for mask in masks}) == 3
    np.testing.assert_array_equal(
        masks[1:2], three_task.TASKS[task](0.4, [2]).mask, strict=True
    )


def test_noise_has_the_level_that_is_told():
    clean = np.full((50, 32, 32, 1), 0.5, np.float32)
    noisy = three_task.observe(clean, Inpainting(np.ones((32, 32, 1))), 0, 0)
    assert (noisy - clean).std() == pytest.approx(1 / 32, rel=0.02)


def test_random_streams_are_apart():
    """Operators and noise, of all seeds and numbers."""
    clean = np.zeros((1, 8, 8, 1), np.float32)
    known = Inpainting(np.ones((8, 8, 1)))
    firsts = [
        first
        for seed in range(3)
        for number in range(3)
        for first in (
            # What an operator begins with, and what the noise begins with.
            _first(three_task.operator_seed(seed, number)),
            32 * three_task.observe(clean, known, seed, number)[0, 0, 0, 0],
        )
    ]
    # Those that the choice of patches and the models' seeds begin with.
    firsts += [_first(seed) for seed in range(3)]
    assert len(np.unique(np.round(firsts, 5))) == len(firsts) == 21


def _first(seed):
    return np.random.default_rng(seed).standard_normal(1, np.float32)[0]
