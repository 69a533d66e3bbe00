"""Functions that XLA compiles on a CPU, with float32 in place of bfloat16.

On a CPU XLA has no arithmetic of bfloat16. It rounds after every operation, and what is
taken apart it converts as a whole first: a copy of twice the size, which takes longer
than the sums. It does so with bfloat16 only. So tensors of bfloat16 are handed over as
the bits that they are, become numbers where they are used, and results are rounded
once, at the end.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops


def compile_for_cpu(function: Callable) -> Callable:
    """Compiles a function of tensors of one dtype.

    TensorFlow does not differentiate it: in bfloat16 there is no gradient.

    Args:
      function: Takes tensors, of which `to_numbers` makes numbers, and returns a tensor
        of these or several.

    Returns:
      A function of the tensors, whose results are of their dtype.
    """
    import tensorflow as tf

    def rounded(*tensors: Any):
        (dtype,) = {tensor.dtype for tensor in tensors}
        dtype = "bfloat16" if _are_bits(tensors[0]) else dtype
        results = function(*tensors)
        return tf.nest.map_structure(lambda result: ops.cast(result, dtype), results)

    # A new partial each time: TensorFlow counts the traces of what it compiles by its
    # code, and would warn of so many.
    compiled = tf.function(
        functools.partial(rounded), jit_compile=True, autograph=False
    )
    return lambda *tensors: compiled(*map(_to_bits, tensors))


def to_numbers(tensor):
    """Returns what `compile_for_cpu` hands over: bits of bfloat16 as float32, exactly.

    What is of another dtype stays as it is.
    """
    import tensorflow as tf

    if not _are_bits(tensor):
        return tensor
    # The bits of bfloat16 are the first 16 of float32.
    bits = tf.bitwise.left_shift(tf.cast(tensor, "uint32"), np.uint32(16))
    return tf.bitcast(bits, "float32")


def _to_bits(tensor):
    import tensorflow as tf

    if keras.backend.standardize_dtype(tensor.dtype) != "bfloat16":
        return tensor
    return tf.bitcast(tensor, "uint16")


def _are_bits(tensor) -> bool:
    return keras.backend.standardize_dtype(tensor.dtype) == "uint16"
