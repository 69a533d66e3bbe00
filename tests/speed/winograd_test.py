"""Tests of the fast convolutions: they are convolutions, and so are their gradients."""

import keras
import numpy as np
import pytest

from rim_tf import cells
from rim_tf.speed import precision, winograd

if keras.backend.backend() != "tensorflow":
    pytest.skip("Only TensorFlow has them.", allow_module_level=True)

import tensorflow as tf

# (batch, height, width): whole tiles, parts of tiles, one pixel.
_SIZES = [(2, 16, 16), (3, 15, 18), (1, 1, 1)]


def _random(*shape):
    values = np.random.default_rng(sum(shape)).standard_normal(shape)
    return tf.constant(values, "float32")


def _usual(images, kernel, dilation):
    """Convolves with zeros between the weights.

    On some processors TensorFlow has no gradients of convolutions with dilations.
    """
    between = (0, dilation - 1)
    none = (0, 0)
    apart = tf.pad(kernel[:, None, :, None], (none, between, none, between, none, none))
    height, width, *channels = kernel.shape
    dilated = tf.reshape(apart, (height * dilation, width * dilation, *channels))
    last = 1 - dilation or None
    return tf.nn.conv2d(images, dilated[:last, :last], 1, "SAME")


def _value_and_gradients(convolution, *tensors, dilation, dtype="float32"):
    images, kernel, upstream = (tf.cast(tensor, dtype) for tensor in tensors)
    with tf.GradientTape() as tape:
        tape.watch([images, kernel])
        value = convolution(images, kernel, dilation)
    results = value, *tape.gradient(value, [images, kernel], upstream)
    return [tf.cast(result, "float32").numpy() for result in results]


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("size", _SIZES, ids=str)
def test_values_and_gradients_are_those_of_the_convolution(size, dilation):
    tensors = _random(*size, 5), _random(3, 3, 5, 7), _random(*size, 7)
    for fast, usual in zip(
        _value_and_gradients(winograd.convolve, *tensors, dilation=dilation),
        _value_and_gradients(_usual, *tensors, dilation=dilation),
        strict=True,
    ):
        # Relative to the largest: a sum of many terms may come near zero.
        np.testing.assert_allclose(fast, usual, atol=1e-4 * np.abs(usual).max())


def test_rounding_in_bfloat16():
    tensors = _random(2, 16, 16, 64), _random(3, 3, 64, 80), _random(2, 16, 16, 80)
    for fast, usual in zip(
        _value_and_gradients(winograd.convolve, *tensors, dilation=1, dtype="bfloat16"),
        _value_and_gradients(_usual, *tensors, dilation=1),
        strict=True,
    ):
        # The usual points of interpolation have 3%.
        assert np.std(fast - usual) < 0.02 * np.std(usual)


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


@pytest.mark.parametrize("only_vectors", [True, False])
def test_bfloat16_follows_the_processor(monkeypatch, only_vectors):
    monkeypatch.setattr(precision, "has_gpu", lambda: False)
    monkeypatch.setattr(precision, "only_vectors_have_bfloat16", lambda: only_vectors)
    images = keras.KerasTensor((1, 8, 8, 64), "bfloat16")
    kernel = keras.KerasTensor((3, 3, 64, 64), "bfloat16")
    assert winograd.is_faster(images, kernel) == only_vectors


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
