"""Tests of the measurements of Figure 3."""

import dataclasses

import numpy as np
import pytest

from paper_experiments import reporting, three_task
from rim_tf import RIM, metrics
from rim_tf.cells import RIMCell
from rim_tf.forward_models import Inpainting


class _Constant:
    """A cell that adds the same to all pixels of eta, in every step."""

    def __init__(self, update):
        self._update = update

    def get_initial_state(self, batch_size, height, width):
        return []

    def __call__(self, inputs, states):
        return 0.0 * inputs[..., :1] + self._update, states


@pytest.fixture(name="patches")
def _patches():
    generator = np.random.default_rng(0)
    return generator.uniform(0.2, 0.8, size=(5, 32, 32, 1)).astype(np.float32)


@pytest.fixture(name="measurement")
def _measurement(patches, tmp_path):
    models = {"nothing": _model(0.0), "brighter": _model(0.5)}
    return three_task.Measurement(models, patches, 2, 0, tmp_path / "measured")


def _model(update):
    model = RIM(_Constant(update))
    model.build()
    return model


def _curves(measurement):
    return three_task.to_curves(measurement.run().psnr, measurement.models)


def test_measures_each_model_from_the_first_estimate(measurement, patches):
    curves = _curves(measurement)
    assert len(curves) == len(three_task.TASKS) * len(three_task.FRACTIONS)
    for panel, row in curves.items():
        assert list(row) == ["nothing", "brighter"]
        for curve in row.values():
            assert curve.mean.shape == curve.deviation.shape == (3,)
        seeds = [three_task.operator_seed(0, i) for i in range(len(patches))]
        forward_model = three_task.TASKS[panel.task](panel.fraction, seeds)
        observation = three_task.observe(patches, forward_model, 0, 0)
        first = np.clip(np.asarray(forward_model.adjoint(observation)), 0.01, 0.99)
        eta = np.log(first / (1 - first))
        for t in range(3):
            for name, update in (("nothing", 0), ("brighter", 0.5)):
                expected = metrics.psnr(1 / (1 + np.exp(-eta - t * update)), patches)
                curve = row[name]
                np.testing.assert_allclose(curve.psnr[t], expected, atol=1e-3)
                assert curve.mean[t] == pytest.approx(expected.mean(), abs=1e-3)
                assert curve.deviation[t] == pytest.approx(expected.std(), abs=1e-3)


def test_patches_restored_without_any_error_leave_means_finite(tmp_path):
    black = np.zeros((2, 32, 32, 1), np.float32)
    models = {"darker": _model(-1e4)}
    measurement = three_task.Measurement(models, black, 1, 0, tmp_path / "measured")
    for row in _curves(measurement).values():
        assert row["darker"].mean[1] == pytest.approx(174.6, abs=0.1)
        assert row["darker"].deviation[1] == 0


@pytest.fixture(name="measured_batches")
def _measured_batches(monkeypatch):
    """The numbers of batches, of two patches, that were measured and not kept."""
    numbers = []
    measure = three_task.Measurement._measure

    def counted(self, number, bar):
        numbers.append(number)
        return measure(self, number, bar)

    monkeypatch.setattr(three_task, "_BATCH_SIZE", 2)
    monkeypatch.setattr(three_task.Measurement, "_measure", counted)
    return numbers


@pytest.mark.parametrize("damage", ["missing", "empty", "broken"])
def test_interrupted_measurement_goes_on(measurement, measured_batches, damage):
    assert measurement.num_kept() == 0
    whole = measurement.run()
    assert whole.psnr.shape == (len(three_task.PANELS), 2, 3, 5)
    path = measurement.folder / "batch_001.npz"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: 0 if damage == "empty" else 1000])
    assert measurement.num_kept() == 3
    measured_batches.clear()
    again = measurement.run()
    assert measured_batches == [1]
    assert measurement.num_kept() == 5
    assert measurement.estimate_seconds() == 0
    np.testing.assert_array_equal(again.psnr, whole.psnr)


def test_time_and_versions_are_those_of_all_batches(
    measurement, measured_batches, monkeypatch
):
    monkeypatch.setattr(reporting, "commit", lambda: "first")
    first = measurement.run()
    assert first.commits == {"first"}
    (measurement.folder / "batch_002.npz").unlink()
    monkeypatch.setattr(reporting, "commit", lambda: "second")
    again = measurement.run()
    assert again.commits == {"first", "second"}
    assert again.seconds > first.seconds / 3


def test_more_patches_go_on_with_whole_batches(measurement, patches, measured_batches):
    smaller = dataclasses.replace(measurement, patches=patches[:3])
    smaller.run()
    assert measured_batches == [0, 1]
    measurement.run()
    assert measured_batches == [0, 1, 1, 2]


@pytest.mark.parametrize(
    "changed", ["weights", "cell", "name", "patches", "num_steps", "seed", "sigma"]
)
def test_what_was_measured_otherwise_is_measured_again(
    measurement, patches, measured_batches, monkeypatch, changed
):
    measurement.run()
    trained = _model(0.5)
    trained.phi_epsilon.assign(1.0)
    one, other = measurement.models.values()
    changes = {
        "weights": {"models": {"nothing": one, "brighter": trained}},
        "cell": {"models": {"nothing": one, "brighter": RIM(RIMCell())}},
        "name": {"models": {"nothing": one, "other": other}},
        # The second batch is another one, the third is gone.
        "patches": {"patches": np.concatenate([patches[:3], 1 - patches[3:4]])},
        "num_steps": {"num_steps": 1},
        "seed": {"seed": 1},
        "sigma": {},
    }
    if changed == "sigma":
        monkeypatch.setattr(three_task, "SIGMA", 1 / 16)
    measured_batches.clear()
    dataclasses.replace(measurement, **changes[changed]).run()
    assert measured_batches == ([1] if changed == "patches" else [0, 1, 2])


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
