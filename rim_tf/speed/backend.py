"""What the backend in use compiles, and how."""

import functools
from collections.abc import Callable
from typing import Any

import keras

from rim_tf.speed import plain, precision

if keras.backend.backend() not in ("tensorflow", "jax"):
    raise ImportError(
        "rim_tf runs on the Keras backends tensorflow and jax, not on "
        f"{keras.backend.backend()}; set KERAS_BACKEND to one of them."
    )

# Shapes of arguments that get a function of their own. Two belong to a size of image,
# the first step and the others, and up to 54 to one of 12 megapixels in tiles.
_MOST_SHAPES = 64


def compile_function(function: Callable) -> Callable:
    """Compiles a function of tensors that holds no variables; see `compile_method`.

    Under TensorFlow each shape of the arguments gets a function of its own, which makes
    for faster convolutions. TensorFlow never gives back what that takes, some 13 MB, so
    all shapes after the first 64 share one that is slower.
    """
    if keras.backend.backend() == "tensorflow":
        return _compile_by_shape(function)
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    return function


def _compile_by_shape(function: Callable) -> Callable:
    import tensorflow as tf

    def plainly(*args: Any) -> Any:
        # What it leaves out is compiled for each size, too.
        with plain.plainly():
            return function(*args)

    for_any_shape = tf.function(plainly, reduce_retracing=True)
    compiled = {}

    def call(*args: Any) -> Any:
        shapes = tuple(tuple(tensor.shape) for tensor in keras.tree.flatten(args))
        if shapes not in compiled:
            if len(compiled) >= _MOST_SHAPES:
                return for_any_shape(*args)
            # A new partial each time: TensorFlow counts the traces of what it compiles,
            # and warns of many.
            compiled[shapes] = tf.function(functools.partial(function))
        return compiled[shapes](*args)

    return call


def compile_method(model: keras.Model, method: Callable) -> Callable:
    """Compiles a method of a model, which reads the model's variables.

    Args:
      model: The model.
      method: Takes and returns tensors, or lists of them.
    """
    if keras.backend.backend() != "jax":
        return compile_function(method)

    def stateless(variables: list, *args: Any) -> Any:
        pairs = zip(model.variables, variables, strict=True)
        with keras.StatelessScope(state_mapping=pairs):
            return method(*args)

    compiled_stateless = compile_function(stateless)
    return lambda *args: compiled_stateless([v.value for v in model.variables], *args)


def compiles_training_by_xla(num_replicas: int) -> bool:
    """Says whether XLA is to compile a training step.

    It is slower than TensorFlow's plain graph on a CPU, and the right choice on a GPU;
    it does not compile what TensorFlow's devices exchange.

    Args:
      num_replicas: Among how many devices TensorFlow divides a batch.
    """
    return keras.backend.backend() == "jax" or (
        precision.has_gpu() and num_replicas == 1
    )


def writes_graphs() -> bool:
    """Says whether a graph that takes images of any size can be written.

    Not with JAX: its padding that mirrors wants a known size.
    """
    return keras.backend.backend() == "tensorflow"
