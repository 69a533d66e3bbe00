"""Tests of restoring large images tile by tile."""

import keras
import numpy as np
import pytest

import rim_tf
from rim_tf import tiles
from rim_tf.cells import RIMCell
from rim_tf.forward_models import (
    BicubicDownsampling,
    Blur,
    FourierProjection,
    Inpainting,
    Mosaic,
    Subsampling,
)

_STEPS = 2


@pytest.fixture(name="rims", scope="module")
def _rims():
    """Small RIMs by their number of channels, which move their estimates."""
    keras.utils.set_random_seed(0)
    rims = {}
    for channels in (1, 3):
        cell = RIMCell(channels, features=3, state_features=4)
        rims[channels] = rim_tf.RIM(cell, num_steps=_STEPS)
        rims[channels].build()
        kernel = cell.update.kernel
        kernel.assign(np.random.default_rng(0).normal(size=kernel.shape) * 0.3)
    return rims


def _image(*shape):
    return np.random.default_rng(1).uniform(0.1, 0.9, shape).astype("float32")


_MASK = np.float32(np.random.default_rng(2).uniform(size=(49, 73, 1)) < 0.7)
_MODELS = {
    "denoising": (rim_tf.Denoising(), (49, 73, 1)),
    "inpainting": (Inpainting(_MASK), (49, 73, 1)),
    "mosaic": (Mosaic("GRBG"), (49, 73, 3)),
    "skipped rows": (Subsampling((2, 1)), (48, 73, 1)),
    "bicubic": (BicubicDownsampling(3), (48, 72, 1)),
    # Its norm is found; of each tile it would be another.
    "blur": (Blur(np.full((9, 5), 1 / 45), "symmetric"), (49, 73, 1)),
}


@pytest.mark.parametrize("name", _MODELS)
def test_tiles_are_the_whole_where_they_see_enough(name, rims):
    forward_model, shape = _MODELS[name]
    observation = np.asarray(forward_model.forward(_image(1, *shape)))
    problem = (rims[shape[-1]], observation, forward_model, 0.1)
    whole = rim_tf.restore(*problem)
    steps = []
    tiled = tiles.restore(*problem, side=24, overlap=36, after_step=steps.append)
    assert tiled.dtype == np.float32
    np.testing.assert_allclose(tiled, whole, atol=2e-5)
    divided = tiles.divide(*shape[:2], 24, 36)
    assert [step.tile for step in steps[1::_STEPS]] == divided
    assert len(steps) == _STEPS * len(divided) > 2 * _STEPS
    for step in steps[1::_STEPS]:
        rows, columns = step.tile.own_rows, step.tile.own_columns
        np.testing.assert_array_equal(step.own, tiled[:, rows, columns])
        measured = step.forward_model.forward(step.estimate)
        assert tuple(measured.shape) == step.observation.shape


def test_tiles_that_see_little_are_not_the_whole(rims):
    observation = _image(1, 48, 48, 1)
    whole = rim_tf.restore(rims[1], observation, sigma=0.1)
    tiled = tiles.restore(
        rims[1], observation, rim_tf.Denoising(), 0.1, side=24, overlap=0
    )
    assert np.abs(tiled - whole).max() > 1e-3


@pytest.mark.parametrize("size", [(768, 500), (769, 2000)])
def test_tiles_cover_an_image_once(size):
    covered = np.zeros(size, int)
    for tile in tiles.divide(*size):
        covered[tile.own_rows, tile.own_columns] += 1
        for part, own, length in zip(tile[:2], tile[2:], size, strict=True):
            # With a stride or a mosaic, or a factor of 3 or 4.
            assert part.start % 12 == 0
            assert part.start == max(own.start - 132, 0)
            assert part.stop == min(own.stop + 132, length)
    assert (covered == 1).all()


def test_auto_is_decided_once_for_all_tiles(rims, monkeypatch):
    asked = []
    iterate = tiles.restoration.iterate
    monkeypatch.setattr(
        tiles.restoration,
        "iterate",
        lambda *args: asked.append(args[-1]) or iterate(*args),
    )
    observation = _image(1, 48, 48, 1)
    tiles.restore(
        rims[1], observation, rim_tf.Denoising(), 0.1, "auto", side=24, overlap=12
    )
    # At most half as many again as in training.
    assert asked == [3] * 4


def test_what_tiles_are_not_for_is_refused(rims):
    observation = _image(1, 48, 48, 1)
    for model in (
        FourierProjection.random((48, 48), 0.5),
        Blur(np.full((3, 3), 1 / 9)),
        2 * rim_tf.Denoising(),
    ):
        with pytest.raises(ValueError, match="cannot be applied to parts"):
            tiles.restore(rims[1], observation, model, 0.1, side=24)
    with pytest.raises(ValueError, match="multiples of 2, got 24 and 5"):
        tiles.restore(rims[1], observation, rim_tf.Denoising(), 0.1, side=24, overlap=5)


def test_an_image_of_one_tile_may_have_any_forward_model(rims):
    """It is restored as a whole."""
    model = FourierProjection.random((15, 16), 0.9)
    observation = np.asarray(model.forward(_image(2, 15, 16, 1)))
    np.testing.assert_array_equal(
        tiles.restore(rims[1], observation, model, 0.1),
        rim_tf.restore(rims[1], observation, model, 0.1),
    )
