"""Tests of the fast convolutions: they are convolutions, and so are their gradients."""

import keras
import numpy as np
import pytest

from rim_tf import cells, rim
from rim_tf.speed import precision, winograd

if keras.backend.backend() != "tensorflow":
    pytest.skip("Only TensorFlow has them.", allow_module_level=True)

import tensorflow as tf

# (batch, height, width): whole tiles, parts of tiles, one pixel.
_SIZES = [(2, 16, 16), (3, 15, 18), (1, 1, 1)]


def _random(*shape):
    values = np.random.default_rng(sum(shape)).standard_normal(shape)
    return tf.constant(values, "float32")


def _convolve(images, kernel, dilation=1):
    no_bias = tf.zeros(kernel.shape[-1], images.dtype)
    (result,) = winograd.convolve(images, kernel, no_bias, dilation)
    return result


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
        _value_and_gradients(_convolve, *tensors, dilation=dilation),
        _value_and_gradients(_usual, *tensors, dilation=dilation),
        strict=True,
    ):
        # Relative to the largest: a sum of many terms may come near zero.
        np.testing.assert_allclose(fast, usual, atol=1e-4 * np.abs(usual).max())


def _parts_and_gradients(function, tensors, upstream, dtype="float32"):
    images, kernel, bias = (tf.cast(tensor, dtype) for tensor in tensors)
    with tf.GradientTape() as tape:
        tape.watch([images, kernel, bias])
        value = function(images, kernel, bias)
    upstream = tf.cast(upstream, dtype)
    gradients = tape.gradient(value, [images, kernel, bias], upstream)
    return [tf.cast(tensor, "float32").numpy() for tensor in (value, *gradients)]


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("size", _SIZES, ids=str)
def test_parts_with_a_bias(size, parts, dilation):
    tensors, upstream = (_random(*size, 5), _random(3, 3, 5, 6), _random(6)), (*size, 6)

    def fast(*tensors):
        return tf.concat(winograd.convolve(*tensors, dilation, parts), axis=-1)

    def usual(images, kernel, bias):
        return _usual(images, kernel, dilation) + bias

    results = [
        _parts_and_gradients(function, tensors, _random(*upstream))
        for function in (fast, usual)
    ]
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("part", [0, 1])
def test_one_part_in_bfloat16(part):
    tensors = _random(2, 16, 16, 64), _random(3, 3, 64, 80), 9 * _random(80)
    own = slice(40 * part, 40 * part + 40)

    def fast(*tensors):
        return winograd.convolve(*tensors, 1, 2)[part]

    def usual(images, kernel, bias):
        return (_usual(images, kernel, 1) + bias)[..., own]

    upstream = _random(2, 16, 16, 40)
    found = _parts_and_gradients(fast, tensors, upstream, "bfloat16")
    for fast, exact in zip(
        found, _parts_and_gradients(usual, tensors, upstream), strict=True
    ):
        assert np.std(fast - exact) < 0.02 * np.std(exact)


def test_rounding_in_bfloat16():
    tensors = _random(2, 16, 16, 64), _random(3, 3, 64, 80), _random(2, 16, 16, 80)
    for fast, usual in zip(
        _value_and_gradients(_convolve, *tensors, dilation=1, dtype="bfloat16"),
        _value_and_gradients(_usual, *tensors, dilation=1),
        strict=True,
    ):
        # The usual points of interpolation have 3%.
        assert np.std(fast - usual) < 0.02 * np.std(usual)


def test_batch_of_unknown_size():
    kernel = _random(3, 3, 5, 7)

    @tf.function(input_signature=[tf.TensorSpec((None, 9, 10, 5))])
    def convolve(images):
        return _convolve(images, kernel)

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


def _shared(kernel, images, matrices=None):
    """Convolves twice with one variable, and returns a sum of the results."""
    layer = _LayerOf(kernel)
    known = ([layer], [matrices]) if matrices is not None else ()
    with winograd.constant_kernels(*known):
        first = _convolve(images, kernel)
        return tf.reduce_sum(first * _convolve(tf.sin(first), kernel))


class _LayerOf:
    compute_dtype = "float32"

    def __init__(self, kernel):
        self.kernel = kernel


def _gradients_of(function, images, kernel):
    with tf.GradientTape() as tape:
        tape.watch(images)
        value = function()
    gradients = tape.gradient(value, [images, kernel.value])
    return [tensor.numpy() for tensor in (value, *gradients)]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("is_given", [False, True])
def test_a_kernel_that_is_transformed_once_has_the_same_gradients(compiled, is_given):
    images, kernel = _random(2, 8, 7, 5), keras.Variable(_random(3, 3, 5, 5))

    def shared():
        matrices = winograd.transform(kernel, "float32") if is_given else None
        return _shared(kernel, images, matrices)

    def usual():
        first = _usual(images, tf.convert_to_tensor(kernel), 1)
        second = _usual(tf.sin(first), tf.convert_to_tensor(kernel), 1)
        return tf.reduce_sum(first * second)

    found = _gradients_of(tf.function(shared) if compiled else shared, images, kernel)
    for fast, slow in zip(found, _gradients_of(usual, images, kernel), strict=True):
        np.testing.assert_allclose(fast, slow, atol=1e-4 * np.abs(slow).max())


def test_the_gradient_in_bfloat16_is_summed_in_float32(monkeypatch):
    kernel = keras.Variable(tf.zeros((3, 3, 4, 4)))
    images = tf.ones((1, 4, 4, 4), "bfloat16")
    dtypes = []
    adjoint = winograd._transform_kernel_adjoint
    monkeypatch.setattr(
        winograd,
        "_transform_kernel_adjoint",
        lambda matrices, shape: (
            dtypes.append(matrices.dtype) or adjoint(matrices, shape)
        ),
    )
    with tf.GradientTape() as tape, winograd.constant_kernels():
        value = _convolve(images, kernel) + _convolve(images, kernel)
    assert tape.gradient(value, kernel.value) is not None
    assert dtypes == ["float32"]


def test_variables_may_change_between():
    images, kernel = _random(1, 4, 4, 3), keras.Variable(_random(3, 3, 3, 3))
    before = _shared(kernel, images)
    kernel.assign(2 * kernel.value)
    with winograd.constant_kernels():
        found = _convolve(images, kernel)
    np.testing.assert_allclose(
        found, _usual(images, kernel.value, 1), atol=1e-4, rtol=1e-4
    )
    assert np.abs(before - _shared(kernel, images)) > 1e-3


def test_graph_within_a_graph():
    images, kernel = _random(1, 4, 4, 3), keras.Variable(_random(3, 3, 3, 3))

    @tf.function
    def outer():
        with winograd.constant_kernels():
            inner = tf.function(lambda: _convolve(images, kernel))
            return inner() + _convolve(images, kernel) + inner()

    expected = 3 * _usual(images, kernel.value, 1)
    np.testing.assert_allclose(outer(), expected, atol=1e-3)


def test_training_transforms_a_kernel_once(monkeypatch):
    monkeypatch.setattr(precision, "has_gpu", lambda: False)
    shapes = []
    transform = winograd._transform_kernel
    monkeypatch.setattr(
        winograd,
        "_transform_kernel",
        lambda kernel: shapes.append(tuple(kernel.shape[2:])) or transform(kernel),
    )
    model = rim.RIM(cells.RIMCell(features=64, state_features=64), num_steps=4)
    model(_random(1, 8, 8, 1), sigma=0.1)
    # The first step has no state, and parts of the kernels for that.
    assert shapes == [(64, 64), (64, 64), (128, 128), (128, 64)]
