"""Tests of the measurements of Figure 3."""

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


def test_measures_the_first_estimate_when_nothing_changes(patches):
    models = {"one": RIM(_Nothing()), "other": RIM(_Nothing())}
    curves = three_task.measure(models, patches, num_steps=2, seed=0)
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
