"""Choice of the arithmetic: bfloat16 only where the machine is faster in it."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

PRECISIONS = ("auto", "float32", "mixed_bfloat16")

# Names in /proc/cpuinfo: matrix units for bfloat16, vector instructions for it, and the
# maker whose vector instructions do twice as many products in bfloat16 as in float32.
# Intel's were slower than float32 where this was measured.
_MATRIX_UNITS = "amx_bf16"
_VECTORS = "avx512_bf16"
_MAKER_OF_FAST_VECTORS = "AuthenticAMD"
# The first NVIDIA generation with bfloat16, Ampere.
_LEAST_COMPUTE_CAPABILITY = (8, 0)


def resolve(precision: str) -> tuple[str, str]:
    """Turns "auto" into the faster Keras dtype policy of this machine.

    "auto" takes bfloat16 where an accelerator or the processor has matrix units for
    it, or, under TensorFlow, vector instructions that were measured to be faster than
    float32.

    Args:
      precision: "auto", "float32" or "mixed_bfloat16".

    Returns:
      The dtype policy, "float32" or "mixed_bfloat16", and why it was chosen.

    Raises:
      ValueError: If `precision` is none of the three.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {PRECISIONS}, not {precision!r}.")
    if precision != "auto":
        return precision, "as asked for"
    if has_gpu():
        if _gpu_has_bfloat16():
            return "mixed_bfloat16", "the GPU has it in hardware"
        return "float32", "the GPU has no bfloat16 in hardware"
    words = _cpu_words()
    if _MATRIX_UNITS in words:
        return "mixed_bfloat16", f"the processor has {_MATRIX_UNITS}"
    has_fast_vectors = {_VECTORS, _MAKER_OF_FAST_VECTORS} <= words
    if has_fast_vectors and keras.backend.backend() == "tensorflow":
        return "mixed_bfloat16", f"the processor has {_VECTORS}"
    return "float32", "the processor is not faster in bfloat16"


def has_gpu() -> bool:
    """Says whether the backend sees a GPU."""
    return any(name.startswith("gpu") for name in keras.distribution.list_devices())


def gpu_name() -> str | None:
    """Returns what the first GPU calls itself; None where there is none."""
    if not has_gpu():
        return None
    if keras.backend.backend() == "jax":
        return _jax_gpu().device_kind
    return _tensorflow_gpu().get("device_name")


def only_vectors_have_bfloat16() -> bool:
    """Says whether the processor has bfloat16 in vectors, but no matrix units."""
    words = _cpu_words()
    return _VECTORS in words and _MATRIX_UNITS not in words


@functools.cache
def _cpu_words() -> frozenset[str]:
    """Returns what the processor can do, and its maker; nothing if not on Linux."""
    try:
        return _words_of(Path("/proc/cpuinfo").read_text())
    except OSError:
        return frozenset()


def _words_of(cpuinfo: str) -> frozenset[str]:
    """Returns the flags and the maker that the text of /proc/cpuinfo names."""
    return frozenset(
        word
        for line in cpuinfo.splitlines()
        if line.startswith(("flags", "vendor_id"))
        for word in line.partition(":")[2].split()
    )


def _gpu_has_bfloat16() -> bool:
    if keras.backend.backend() == "jax":
        capability = getattr(_jax_gpu(), "compute_capability", "0.0")
        return _version(capability) >= _LEAST_COMPUTE_CAPABILITY
    capability = _tensorflow_gpu().get("compute_capability", (0, 0))
    return capability >= _LEAST_COMPUTE_CAPABILITY


def _jax_gpu() -> Any:
    """Returns the first GPU as JAX has it."""
    import jax

    return jax.devices("gpu")[0]


def _tensorflow_gpu() -> Mapping[str, Any]:
    """Returns what TensorFlow knows of the first GPU."""
    import tensorflow as tf

    return tf.config.experimental.get_device_details(
        tf.config.list_physical_devices("GPU")[0]
    )


def _version(text: str) -> tuple[int, ...]:
    """Returns a version as numbers; nothing for a name, such as AMD's "gfx90a"."""
    parts = str(text).split(".")
    return tuple(map(int, parts)) if all(map(str.isdecimal, parts)) else ()
