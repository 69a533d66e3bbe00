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


@pytest.mark.parametrize(
    ("dtype", "cure"),
    [
        ("uint8", "divide by 255 first, or ask someone"),
        ("uint16", "make floats of them on a scale where black is 0 and white is 1"),
        ("int32", "make floats of them on a scale where black is 0 and white is 1"),
        ("bool", r"write \.astype\('float32'\) behind them"),
        ("complex64", "give the real and the imaginary part as channels"),
    ],
)
def test_other_dtypes_are_refused_with_a_cure(dtype, cure):
    message = rf"^It takes images of floats, got {dtype}; {cure}\.$"
    with pytest.raises(ValueError, match=message):
        arguments.check_floats(np.ones(3, dtype), "It takes images", ", or ask someone")


def test_no_values_are_refused():
    with pytest.raises(ValueError, match=r"^It takes x, got none: .* \(2, 0\)\.$"):
        arguments.check_floats(np.ones((2, 0)), "It takes x")


@pytest.mark.parametrize("dtype", [">f4", "<f4", ">f8", ">i2"])
def test_any_byte_order_becomes_a_tensor(dtype):
    values = np.arange(5).astype(dtype)
    tensor = arguments.to_tensor(values)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(tensor), values)


def test_the_first_value_that_is_not_finite_is_named():
    values = np.zeros((2, 3, 4))
    arguments.check_finite(values, "x")
    values[1, 0, 2] = np.inf
    values[1, 2, 0] = np.nan
    with pytest.raises(ValueError, match=r"^x must be finite, got inf at \(1, 0, 2\)"):
        arguments.check_finite(values, "x")


def test_noise_levels_are_one_per_image():
    observation = keras.ops.zeros((3, 5))
    for sigma in (0.25, [0.25], [0.25] * 3):
        levels = arguments.noise_levels(np.float32(sigma), observation)
        np.testing.assert_array_equal(levels, np.float32([0.25] * 3))
    with pytest.raises(ValueError, match=r"one per image \(3\), got the shape \(2,\)"):
        arguments.noise_levels(np.float32([1, 2]), observation)
    with pytest.raises(
        ValueError, match="sigma must be a number of 0 or more, got inf"
    ):
        arguments.noise_levels(np.inf, observation)


@pytest.mark.parametrize("mask", [[0, 255], [-1, 1], [np.nan, 1]])
def test_masks_lie_between_0_and_1(mask):
    arguments.check_mask(np.array([0, 0.5, 1]))
    arguments.check_mask(np.array([True, False]))
    with pytest.raises(ValueError, match="A mask is 1 for what is known"):
        arguments.check_mask(np.array(mask))


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


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.ones((2, 2), "complex64"), "complex64"),
        (np.array(["x"]), "string|<U1"),
        (np.array([{}], object), "object"),
        ("x", "string|str"),
        ({}, "dict"),
    ],
)
def test_what_is_no_real_number_is_named(values, kind):
    message = rf"^sigma must be of real numbers, not of ({kind})\.$"
    with pytest.raises(ValueError, match=message):
        arguments.to_real(values, "sigma")


@pytest.mark.parametrize("values", [np.float32(1), np.array([{}], object)])
def test_a_number_and_objects_are_no_images(values):
    with pytest.raises(ValueError, match=r"^It takes images of floats, "):
        arguments.check_floats(values, "It takes images")
