"""Tests of steps in windows: they are the steps on whole images."""

import itertools

import keras
import numpy as np
import pytest

from rim_tf.cells import FFNCell, RIMCell
from rim_tf.rim import RIM
from rim_tf.speed import windows

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
@pytest.mark.parametrize("size", [(64, 33), (77, 80), (41, 122), (20, 145)])
def test_equals_whole_images(monkeypatch, name, size):
    rim = _model(name)
    monkeypatch.setattr(windows, "_MOST_PIXELS", 300)
    # As small as may be.
    monkeypatch.setattr(windows, "_WINDOW_PIXELS", 1)
    generator = np.random.default_rng(sum(size))
    shape = (2, *size, rim.cell.input_size)
    inputs = generator.normal(0, 1, shape).astype("float32")
    eta, evidence = inputs[..., :1], inputs[..., 1:]
    calls = []

    def update(*args):
        calls.append(tuple(args[0].shape[1:3]))
        return rim.update(*args)

    in_windows = windows.in_windows(update, rim.cell)
    states = parts = rim.initial_state(eta)
    seen = eta
    for _ in range(3):
        eta, states = rim.update(eta, evidence, states)
        seen, parts = in_windows(seen, evidence, parts)
        everywhere = [
            part.get(*(slice(0, length) for length in size)) for part in parts
        ]
        for whole, found in zip([eta, *states], [seen, *everywhere], strict=True):
            np.testing.assert_allclose(found, whole, rtol=1e-4, atol=1e-4)
    assert len(calls) > 3
    assert len(set(calls)) == 1, "More than one size is to be compiled."


@pytest.mark.parametrize("size", [(1080, 1920), (1081, 1923), (3000, 4000)])
@pytest.mark.parametrize("cell", [RIMCell(), RIMCell(stride=1, dilation=2)])
def test_windows_of_large_images(size, cell):
    most = windows._WINDOW_PIXELS
    spans = windows._divide(*size, cell.stride, cell.reach, most)
    pixels = [
        np.prod([-(-(x.window.stop - x.window.start) // cell.stride) for x in window])
        for window in itertools.product(*spans)
    ]
    assert 0.6 * most < min(pixels) and max(pixels) <= most
    # In all hardly more than the image.
    assert sum(pixels) < 1.3 * np.prod(size) / cell.stride**2
    for length, along in zip(size, spans, strict=True):
        assert along[0].own.start == 0 and along[-1].own.stop == length
        for one, following in itertools.pairwise(along):
            assert one.own.stop == following.own.start
            assert one.window.stop - one.own.stop >= cell.reach
            assert following.own.start - following.window.start >= cell.reach


def _sizes_of_parts(cell, shape):
    sizes = []

    def update(eta, gradient, states):
        sizes.append(eta.shape)
        return eta, states

    image = np.zeros(shape, "float32")
    windows.in_windows(update, cell)(image, image, [])
    return sizes


def test_small_images_stay_whole():
    shape = (1, 481, 321, 1)
    assert _sizes_of_parts(RIMCell(), shape) == [shape]


def test_large_images_are_divided():
    assert len(_sizes_of_parts(RIMCell(), (1, 1080, 1920, 1))) > 1


def test_cells_of_others_get_whole_images():
    shape = (1, 1080, 1920, 1)
    assert _sizes_of_parts(object(), shape) == [shape]


def test_very_wide_images_are_divided_across():
    rows, columns = windows._divide(100, 10**6, 2, 10, 20_000)
    assert len(rows) == 1 and len(columns) > 1_000
