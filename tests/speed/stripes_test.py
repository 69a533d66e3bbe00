"""Tests of steps in stripes: they are the steps on whole images."""

import keras
import numpy as np
import pytest

from rim_tf.cells import FFNCell, RIMCell
from rim_tf.rim import RIM
from rim_tf.speed import stripes

_CELLS = {
    "RIM": lambda: RIMCell(features=4, state_features=6),
    "a trous": lambda: RIMCell(features=4, state_features=6, stride=1, dilation=2),
    "sees sigma": lambda: RIMCell(features=4, state_features=6, sees_sigma=True),
    "FFN": lambda: FFNCell(features=4, state_features=6),
}


def _model(name):
    keras.utils.set_random_seed(0)
    rim = RIM(_CELLS[name]())
    rim.build()
    # Large enough to see whether a pixel is missing.
    rim.set_weights([3 * np.asarray(value) for value in rim.get_weights()])
    kernel = rim.cell.update.kernel
    kernel.assign(np.random.default_rng(0).normal(size=kernel.shape))
    return rim


@pytest.mark.parametrize("name", _CELLS)
@pytest.mark.parametrize("height", [64, 77, 41])
def test_equals_whole_images(monkeypatch, name, height):
    monkeypatch.setattr(stripes, "_MOST_PIXELS", 200)
    rim = _model(name)
    generator = np.random.default_rng(height)
    shape = (2, height, 33, rim.cell.input_size)
    inputs = generator.normal(0, 1, shape).astype("float32")
    eta, evidence = inputs[..., :1], inputs[..., 1:]
    calls = []

    def update(*args):
        calls.append(args[0].shape[1])
        return rim.update(*args)

    in_stripes = stripes.in_stripes(update, rim.cell)
    states = striped_states = rim.initial_state(eta)
    striped_eta = eta
    for _ in range(3):
        eta, states = rim.update(eta, evidence, states)
        striped_eta, striped_states = in_stripes(striped_eta, evidence, striped_states)
        for whole, striped in zip(
            [eta, *states], [striped_eta, *striped_states], strict=True
        ):
            np.testing.assert_allclose(striped, whole, rtol=1e-4, atol=1e-4)
    assert len(calls) > 3 and max(calls) < height


def _sizes_of_parts(cell, shape):
    sizes = []

    def update(eta, gradient, states):
        sizes.append(eta.shape)
        return eta, states

    image = np.zeros(shape, "float32")
    stripes.in_stripes(update, cell)(image, image, [])
    return sizes


def test_small_images_stay_whole():
    shape = (1, 481, 321, 1)
    assert _sizes_of_parts(RIMCell(), shape) == [shape]


def test_large_images_are_divided():
    assert len(_sizes_of_parts(RIMCell(), (1, 1080, 1920, 1))) > 1


def test_cells_of_others_get_whole_images():
    shape = (1, 1080, 1920, 1)
    assert _sizes_of_parts(object(), shape) == [shape]


def test_stripes_of_very_wide_images_are_higher_than_what_a_step_sees():
    borders = stripes._borders((1, 100, 10**6, 1), 2, 10)
    assert borders == list(range(0, 101, 10))
