"""Tests of the fast convolutions: they are convolutions, and so are their gradients."""

import keras
import numpy as np
import pytest

from rim_tf import cells, precision, winograd

if keras.backend.backend() != "tensorflow":
    pytest.skip("Only TensorFlow has them.", allow_module_level=True)

import tensorflow as tf

# (batch, height, width): whole tiles, parts of tiles, one pixel.
_SIZES = [(2, 16, 16), (3, 15, 18), (1, 1, 1)]


def _random(*shape):
    values = np.random.default_rng(sum(shape)).standard_normal(shape)
    return tf.constant(values, "float32")


def _usual(images, kernel, dilation):
    return tf.nn.conv2d(images, kernel, 1, "SAME", dilations=dilation)


def _value_and_gradients(convolution, images, kernel, dilation, upstream):
    with tf.GradientTape() as tape:
        tape.watch([images, kernel])
        value = convolution(images, kernel, dilation)
    return value, *tape.gradient(value, [images, kernel], upstream)


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("size", _SIZES, ids=str)
def test_values_and_gradients_are_those_of_the_convolution(size, dilation):
    images, kernel = _random(*size, 5), _random(3, 3, 5, 7)
    upstream = _random(*size, 7)
    for fast, usual in zip(
        _value_and_gradients(winograd.convolve, images, kernel, dilation, upstream),
        _value_and_gradients(_usual, images, kernel, dilation, upstream),
        strict=True,
    ):
        # Relative to the largest: a sum of many terms may come near zero.
        np.testing.assert_allclose(fast, usual, atol=1e-4 * np.abs(usual).max())


def test_batch_of_unknown_size():
    kernel = _random(3, 3, 5, 7)

    @tf.function(input_signature=[tf.TensorSpec((None, 9, 10, 5))])
    def convolve(images):
        return winograd.convolve(images, kernel)

    images = _random(2, 9, 10, 5)
    np.testing.assert_allclose(convolve(images), _usual(images, kernel, 1), atol=1e-3)


@pytest.mark.parametrize(
    ("dtype", "channels", "size", "expected"),
    [
        ("float32", 64, (8, 8), True),
        ("bfloat16", 64, (8, 8), False),
        ("float64", 64, (8, 8), False),
        ("float32", 2, (8, 8), False),
        ("float32", 64, (None, 8), False),
    ],
)
def test_where_it_is_used(monkeypatch, dtype, channels, size, expected):
    monkeypatch.setattr(precision, "has_gpu", lambda: False)
    images = keras.KerasTensor((1, *size, channels), dtype)
    kernel = keras.KerasTensor((3, 3, channels, 64), dtype)
    assert winograd.is_faster(images, kernel) == expected


def test_not_on_a_gpu(monkeypatch):
    monkeypatch.setattr(precision, "has_gpu", lambda: True)
    images, kernel = keras.KerasTensor((1, 8, 8, 64)), keras.KerasTensor((3, 3, 64, 64))
    assert not winograd.is_faster(images, kernel)


@pytest.mark.parametrize("dilation", [1, 2])
def test_a_cell_gives_the_same_with_and_without(monkeypatch, dilation):
    monkeypatch.setattr(precision, "has_gpu", lambda: False)
    cell = cells.ConvGRUCell(64, dilation)
    inputs, states = _random(2, 8, 8, 64), [_random(2, 8, 8, 64)]
    fast, _ = cell(inputs, states)
    called = []
    monkeypatch.setattr(
        winograd, "is_faster", lambda *args: called.append(args) is not None
    )
    usual, _ = cell(inputs, states)
    assert len(called) == 2
    np.testing.assert_allclose(fast, usual, atol=1e-4)
    assert np.abs(fast - usual).max() > 0, "The fast way was not taken."
