"""Tests of what XLA compiles: numbers are exact, and rounded once."""

import keras
import numpy as np
import pytest

from rim_tf.speed import xla

if keras.backend.backend() != "tensorflow":
    pytest.skip("Only TensorFlow has them.", allow_module_level=True)

import tensorflow as tf

_ALL_BITS = np.arange(2**16, dtype="uint16")


def _all_finite():
    numbers = tf.bitcast(tf.constant(_ALL_BITS), "bfloat16")
    return tf.boolean_mask(numbers, tf.math.is_finite(tf.cast(numbers, "float32")))


def test_every_number_of_bfloat16_comes_back():
    same = xla.compile_for_cpu(xla.to_numbers)
    numbers = _all_finite()
    found = same(numbers)
    assert found.dtype == "bfloat16"
    np.testing.assert_array_equal(
        tf.bitcast(found, "uint16"), tf.bitcast(numbers, "uint16")
    )


def test_a_function_gets_bits_and_makes_float32_of_them():
    # What is taken apart before must be bits still: of bfloat16 XLA makes a copy.
    seen = []

    def look(tensor):
        numbers = xla.to_numbers(tensor[1:])
        seen.extend([tensor.dtype, numbers.dtype])
        return numbers

    found = xla.compile_for_cpu(look)(tf.constant([1.0, 2.5], "bfloat16"))
    assert seen == ["uint16", "float32"]
    np.testing.assert_array_equal(found, [2.5])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_results_are_of_the_dtype_of_the_tensors(dtype):
    tensor = tf.cast([1.0, 2.0, 3.0], dtype)
    both = xla.compile_for_cpu(
        lambda x, y: (xla.to_numbers(x) + xla.to_numbers(y), xla.to_numbers(x))
    )
    total, first = both(tensor, tensor)
    assert total.dtype == first.dtype == dtype
    np.testing.assert_array_equal(tf.cast(total, "float32"), [2, 4, 6])


def test_sums_are_rounded_once():
    # In bfloat16, 256 + 1 is 256.
    one, many = tf.constant([1.0], "bfloat16"), tf.constant([256.0], "bfloat16")
    add = xla.compile_for_cpu(
        lambda x, y: xla.to_numbers(x) + xla.to_numbers(y) - xla.to_numbers(x)
    )
    assert add(many, one) == 1


def test_tensors_of_two_dtypes_are_refused():
    add = xla.compile_for_cpu(lambda x, y: xla.to_numbers(x) + xla.to_numbers(y))
    with pytest.raises(ValueError):
        add(tf.constant([1.0], "bfloat16"), tf.constant([1.0]))


def test_many_functions_do_not_warn(caplog):
    with caplog.at_level("WARNING", logger="tensorflow"):
        for number in range(12):
            tensor = tf.constant([float(number)])
            xla.compile_for_cpu(lambda x, k=number: x + k)(tensor)
    assert not caplog.records
