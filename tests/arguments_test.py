"""Tests of the checks of arguments."""

import keras
import numpy as np
import pytest

from rim_tf import arguments


def test_size_is_returned_as_python_integers():
    checked = arguments.check_size(np.array([3, 4]))
    assert checked == (3, 4)
    assert {type(n) for n in checked} == {int}
    axes = ("height", "width", "channels")
    assert arguments.check_size([1, 2, 3], axes=axes) == (1, 2, 3)


@pytest.mark.parametrize("size", [5, (2,), (2, 2, 1), (2.0, 2), (0, 2), (2, -1), "ab"])
def test_other_sizes_are_refused(size):
    message = r"shape must be \(height, width\), positive integers, got "
    with pytest.raises(ValueError, match=message):
        arguments.check_size(size, "shape")


def test_boundary_is_one_of_those_known():
    arguments.check_boundary("symmetric", ("circular", "symmetric"))
    with pytest.raises(ValueError, match=r"one of \('circular',\), not 'zero'"):
        arguments.check_boundary("zero", ("circular",))


@pytest.mark.parametrize("fraction", [1e-6, 1])
def test_fractions(fraction):
    arguments.check_fraction(fraction)


@pytest.mark.parametrize("fraction", [0, -0.1, 1.01, float("nan")])
def test_other_fractions_are_refused(fraction):
    with pytest.raises(ValueError, match=f"at most 1, not {fraction}"):
        arguments.check_fraction(fraction)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_floats_keep_their_dtype(dtype):
    values = keras.ops.ones((2, 3), dtype)
    checked = arguments.check_floats(values, "It takes images")
    assert keras.backend.standardize_dtype(checked.dtype) == dtype


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool"])
def test_integers_are_refused_with_advice(dtype):
    message = rf"^It takes images of floats, got {dtype}; ask someone\.$"
    with pytest.raises(ValueError, match=message):
        arguments.check_floats(np.ones(3, dtype), "It takes images", "ask someone")


def test_a_batch_axis_is_added_where_there_is_none():
    assert arguments.with_batch(np.ones((3, 4)), 3, "").shape == (1, 3, 4)
    assert arguments.with_batch(np.ones((2, 3, 4)), 3, "").shape == (2, 3, 4)
    for shape in ((3,), (1, 2, 3, 4)):
        with pytest.raises(ValueError, match="Expected a mask, with or without"):
            arguments.with_batch(np.ones(shape), 3, "a mask")


@pytest.mark.parametrize(
    ("shape", "wanted", "expected"),
    [
        ((2, 3), (2, 3), True),
        ((2, None), (None, 3), True),
        ((2, 3), (2, 4), False),
        ((2, 3), (2, 3, 1), False),
        ((), (), True),
    ],
)
def test_shapes_fit_where_both_are_known(shape, wanted, expected):
    assert arguments.fits(shape, wanted) == expected


def test_shapes_are_described():
    assert arguments.describe(("batch", 3, None)) == "(batch, 3, any)"
