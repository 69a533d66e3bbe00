"""Functions that XLA compiles on a CPU, with arithmetic in float32.

On a CPU XLA computes in float32. What is of bfloat16 it rounds after every operation,
and what is taken apart it converts as a whole first: a copy of twice the size, which
takes longer than the sums. XLA does so with bfloat16 only. So tensors of bfloat16 are
handed over as the bits that they are, become numbers where they are used, and results
are rounded once, at the end.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops


def compile_for_cpu(function: Callable) -> Callable:
    """Compiles a function of tensors of one dtype, float32 or bfloat16.

    It has no gradient.

    Args:
      function: Takes tensors, which `to_numbers` makes floats, and returns float32, a
        tensor or several.

    Returns:
      A function of the tensors, whose results are of their dtype.
    """
    import tensorflow as tf

    @tf.function(jit_compile=True)
    def compiled(*tensors: Any):
        dtype = "bfloat16" if _are_bits(tensors[0]) else tensors[0].dtype
        results = function(*tensors)
        return tf.nest.map_structure(lambda result: ops.cast(result, dtype), results)

    return lambda *tensors: compiled(*map(_to_bits, tensors))


def to_numbers(tensor):
    """Returns what `compile_for_cpu` hands to a function as float32, exactly."""
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
