"""The element-wise parts of a recurrent cell, each in one pass over memory.

TensorFlow on a CPU passes over memory for every sigmoid, product and sum, and again
for each in the backward pass; together that takes as long as the convolutions. Here
XLA compiles each function to one pass, and their gradients are written out so that
they take one pass each, too. On a GPU and under JAX, where XLA compiles the whole
step (but for training on several GPUs under TensorFlow), the functions are left to it.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from rim_tf.speed import plain, precision, xla


def _one_pass(gradients: Callable, of_result: bool = False) -> Callable:
    """Makes a function take one pass, as each of its gradients does.

    Args:
      gradients: From the arguments, and the gradient with respect to the result, to
        the gradients with respect to the arguments.
      of_result: Whether it takes the result instead of the arguments.
    """

    def decorate(function: Callable) -> Callable:
        compiled = functools.cache(lambda: _compile(function, gradients, of_result))

        @functools.wraps(function)
        def call(*args: Any):
            is_plain = plain.is_plain() or precision.has_gpu()
            if is_plain or keras.backend.backend() != "tensorflow":
                return function(*args)
            return compiled()(*args)

        return call

    return decorate


def _compile(function: Callable, gradients: Callable, of_result: bool) -> Callable:
    import tensorflow as tf

    forward = xla.compile_for_cpu(_of_numbers(function))
    backward = xla.compile_for_cpu(_of_numbers(gradients))

    @tf.custom_gradient
    def compiled(*args: Any):
        result = forward(*args)
        # What is kept for the gradient takes memory at each step of a training.
        kept = (result,) if of_result else args
        return result, lambda upstream: backward(*kept, upstream)

    return compiled


def _of_numbers(function: Callable) -> Callable:
    return lambda *tensors: function(*map(xla.to_numbers, tensors))


def _tanh_gradients(result, upstream):
    return upstream * (1 - ops.square(result))


def _gate_gradients(logits, x, upstream):
    values = ops.sigmoid(logits)
    return upstream * x * values * (1 - values), upstream * values


def _interpolate_gradients(logits, x, y, upstream):
    z, target = ops.sigmoid(logits), ops.tanh(y)
    return (
        # Not with the result less x: in bfloat16 their difference has few digits.
        upstream * (target - x) * z * (1 - z),
        upstream * (1 - z),
        upstream * z * (1 - ops.square(target)),
    )


@_one_pass(_tanh_gradients, of_result=True)
def tanh(x):
    """Returns the hyperbolic tangent of x."""
    return ops.tanh(x)


@_one_pass(_gate_gradients)
def gate(logits, x):
    """Returns the product of sigmoid(logits) and x."""
    return ops.sigmoid(logits) * x


@_one_pass(_interpolate_gradients)
def interpolate(logits, x, y):
    """Returns (1 - z) x + z tanh(y), where z = sigmoid(logits)."""
    return x + ops.sigmoid(logits) * (ops.tanh(y) - x)
