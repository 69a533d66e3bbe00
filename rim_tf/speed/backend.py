"""What the backend in use compiles, and how."""

import functools
from collections.abc import Callable
from typing import Any

import keras

from rim_tf.speed import precision

if keras.backend.backend() not in ("tensorflow", "jax"):
    raise ImportError(
        "rim_tf runs on the Keras backends tensorflow and jax, not on "
        f"{keras.backend.backend()}; set KERAS_BACKEND to one of them."
    )

# Sizes of images whose compiled functions are kept.
_MOST_SIZES = 32


def compile_function(function: Callable) -> Callable:
    """Compiles a function of tensors that holds no variables; see `compile_method`."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # For every size of image by itself: it makes for faster convolutions. A
        # `tf.function` would do that, too, but keep all sizes, and warn of many.
        @functools.lru_cache(_MOST_SIZES)
        def compiled_for(*shapes: tuple[int, ...]) -> Callable:
            del shapes
            # A new partial each time: TensorFlow counts the traces of what it compiles.
            return tf.function(functools.partial(function))

        def call(*args: Any) -> Any:
            shapes = [tuple(tensor.shape) for tensor in keras.tree.flatten(args)]
            return compiled_for(*shapes)(*args)

        return call
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    return function


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
