"""Tests of mosaics, and of skipped rows and columns."""

import numpy as np
import pytest
import skimage

from rim_tf.forward_models import Mosaic, Subsampling
from tests.forward_models.cases import normal


@pytest.mark.parametrize("pattern", Mosaic.PATTERNS)
def test_a_mosaic_measures_the_colours_of_its_pattern(pattern):
    image = np.float32(np.broadcast_to([0, 1, 2], (1, 5, 7, 3)))
    measured = np.asarray(Mosaic(pattern).forward(image))[0, ..., 0]
    for i, row in enumerate(measured):
        expected = ["RGB"[int(value)] for value in row]
        begin = pattern[2 * (i % 2) :][:2]
        assert "".join(expected) == (4 * begin)[:7]


@pytest.mark.parametrize("size", [(8, 6), (7, 9), (2, 3), (1, 2)])
def test_a_mosaic_starts_from_linear_interpolation(size):
    model = Mosaic("GBRG")
    rows, columns = np.mgrid[: size[0], : size[1]]
    ramps = np.stack([rows + 2 * columns, 5 - rows, 3 * columns + 0 * rows], axis=-1)
    start = np.asarray(model.initial_estimate(model.forward(np.float32(ramps[None]))))
    inside = (slice(None), slice(2, -2), slice(2, -2))
    np.testing.assert_allclose(start[inside], ramps[None][inside], atol=1e-5)
    flat = np.full((1, *size, 3), 0.3, np.float32)
    np.testing.assert_allclose(
        model.initial_estimate(model.forward(flat)), flat, rtol=1e-6
    )


def test_a_mosaic_keeps_what_was_measured():
    model, raw = Mosaic("RGGB"), normal((2, 6, 5, 1))
    np.testing.assert_array_equal(model.forward(model.initial_estimate(raw)), raw)


def test_a_mosaic_starts_with_detail_of_all_colours():
    """Of a grey photograph, whose colours have the same detail."""
    gray = np.float32(skimage.data.camera()[100:180, 200:280] / 255)
    image = np.repeat(gray[None, ..., None], 3, axis=-1)
    model = Mosaic("RGGB")
    start = np.asarray(model.initial_estimate(model.forward(image)))
    inside = np.s_[2:-2:2, 2:-2:2]  # where red is measured
    neighbours = [np.roll(gray, shift, axis) for shift in (-1, 1) for axis in (0, 1)]
    bilinear = np.mean(neighbours, axis=0) - gray
    green, blue = (start[0, ..., color] - gray for color in (1, 2))
    error = np.mean(bilinear[inside] ** 2)
    assert np.mean(green[inside] ** 2) < 0.5 * error
    assert np.mean(blue[inside] ** 2) < error


def test_all_patterns_are_one_that_is_shifted():
    raw = normal((1, 16, 18, 1))
    start = np.asarray(Mosaic("RGGB").initial_estimate(raw))
    swapped = np.asarray(Mosaic("BGGR").initial_estimate(raw))[..., ::-1]
    np.testing.assert_allclose(swapped, start, atol=1e-6)
    for pattern, axis in (("GRBG", 2), ("GBRG", 1)):
        shifted = Mosaic(pattern).initial_estimate(np.roll(raw, 1, axis))
        inside = np.s_[:, 3:-3, 3:-3]
        expected = np.roll(start, 1, axis)[inside]
        np.testing.assert_allclose(np.asarray(shifted)[inside], expected, atol=1e-6)


def test_a_single_pixel_starts_from_gray():
    start = np.asarray(Mosaic("RGGB").initial_estimate(np.full((1, 1, 1, 1), 0.5)))
    np.testing.assert_array_equal(start[0, 0, 0], [0.5, 0.5, 0.5])


def test_an_unknown_pattern_is_refused():
    with pytest.raises(ValueError, match=r"one of .*'RGGB', .* not RGBG"):
        Mosaic("RGBG")


def test_subsampling_skips_rows_and_columns():
    image = normal((2, 6, 9, 3))
    np.testing.assert_array_equal(
        Subsampling((2, 3)).forward(image), image[:, ::2, ::3]
    )
    np.testing.assert_array_equal(Subsampling(3).forward(image), image[:, ::3, ::3])


@pytest.mark.parametrize("axis", [1, 2])
def test_subsampling_starts_from_linear_interpolation(axis):
    rows, columns = np.mgrid[:6, :8]
    ramp = np.float32(rows + 10 * columns)[None, ..., None]
    model = Subsampling((2, 1) if axis == 1 else (1, 2))
    start = np.asarray(model.initial_estimate(model.forward(ramp)))
    start, ramp = np.moveaxis(start, axis, 0), np.moveaxis(ramp, axis, 0)
    np.testing.assert_allclose(start[:-1], ramp[:-1], rtol=1e-6)
    np.testing.assert_allclose(start[-1], start[-2])


def test_subsampling_that_skips_most_starts_from_the_adjoint():
    model, observation = Subsampling(2), normal((1, 3, 4, 1))
    assert model.starts_from_adjoint
    np.testing.assert_array_equal(
        model.initial_estimate(observation), model.adjoint(observation)
    )


@pytest.mark.parametrize("step", [0, (2, 0), (2,), 1.5, "2"])
def test_a_step_is_a_positive_integer_or_a_pair(step):
    with pytest.raises(ValueError, match=r"step must be \(rows, columns\), positive"):
        Subsampling(step)


def test_sizes_must_be_multiples_of_the_steps():
    with pytest.raises(ValueError, match=r"\(2, 1\)\) needs .* multiples .* 5, 5, 1"):
        Subsampling((2, 1)).forward(normal((1, 5, 5, 1)))
