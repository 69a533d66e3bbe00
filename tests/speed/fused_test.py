"""Tests of the element-wise functions: values and gradients are the plain ones'."""

import keras
import numpy as np
import pytest
from keras import ops

from rim_tf.speed import fused, precision

_PLAIN = {
    fused.tanh: ops.tanh,
    fused.gate: lambda logits, x: ops.sigmoid(logits) * x,
    fused.interpolate: lambda logits, x, y: (
        (1 - ops.sigmoid(logits)) * x + ops.sigmoid(logits) * ops.tanh(y)
    ),
}
_FUNCTIONS = pytest.mark.parametrize(
    "function", _PLAIN, ids=lambda function: function.__name__
)


def _arguments(function):
    generator = np.random.default_rng(0)
    number = {"tanh": 1, "gate": 2, "interpolate": 3}[function.__name__]
    return [
        ops.convert_to_tensor(generator.normal(0, 2, (2, 3, 5, 4)).astype("float32"))
        for _ in range(number)
    ]


@_FUNCTIONS
def test_values(function):
    arguments = _arguments(function)
    np.testing.assert_allclose(
        ops.convert_to_numpy(function(*arguments)),
        ops.convert_to_numpy(_PLAIN[function](*arguments)),
        rtol=1e-5,
        atol=1e-6,
    )


@_FUNCTIONS
def test_gradients(function):
    arguments = _arguments(function)
    weights = np.random.default_rng(1).normal(size=(2, 3, 5, 4)).astype("float32")
    measured, expected = (
        _gradients(lambda *args, f=f: ops.sum(weights * f(*args)), arguments)
        for f in (function, _PLAIN[function])
    )
    for one, other in zip(measured, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@_FUNCTIONS
def test_keeps_bfloat16(function):
    arguments = [ops.cast(x, "bfloat16") for x in _arguments(function)]
    assert keras.backend.standardize_dtype(function(*arguments).dtype) == "bfloat16"


@_FUNCTIONS
def test_rounds_once_in_bfloat16(monkeypatch, function):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("Only for TensorFlow they are compiled here.")
    monkeypatch.setattr(precision, "has_gpu", lambda: False)
    arguments = [ops.cast(x, "bfloat16") for x in _arguments(function)]
    exact = _PLAIN[function](*(ops.cast(x, "float32") for x in arguments))
    error = np.abs(_numbers(function(*arguments)) - ops.convert_to_numpy(exact))
    # bfloat16 has eight bits. A second rounding would add up to as much.
    assert np.all(error <= 2.0**-8 * np.abs(exact) + 1e-6)


def test_gradient_of_closed_gates_in_bfloat16():
    """Where z is small the result is x but for its last digits."""
    generator = np.random.default_rng(0)
    arguments = [
        generator.normal(mean, 0.5, (4, 8, 8, 16)).astype("float32")
        for mean in (-6, 0, 0)
    ]
    half = [ops.cast(x, "bfloat16") for x in arguments]
    exact = [ops.cast(x, "float32") for x in half]
    measured, expected = (
        _numbers(_gradients(lambda *a: ops.sum(fused.interpolate(*a)), x)[0])
        for x in (half, exact)
    )
    error = np.sqrt(np.mean((measured - expected) ** 2) / np.mean(expected**2))
    assert error < 0.01


def _numbers(tensor):
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))


def _gradients(function, arguments):
    if keras.backend.backend() == "jax":
        import jax

        return jax.grad(function, argnums=tuple(range(len(arguments))))(*arguments)
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(arguments)
        value = function(*arguments)
    return tape.gradient(value, arguments)
