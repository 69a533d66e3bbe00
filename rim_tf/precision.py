"""Choice of the arithmetic: bfloat16 only where the machine has units for it."""

from pathlib import Path

import keras

PRECISIONS = ("auto", "float32", "mixed_bfloat16")

# The name in /proc/cpuinfo of a processor's matrix units for bfloat16. Vector
# instructions for it, avx512_bf16, are not enough: they save less than the fast
# convolutions of `rim_tf.winograd` do in float32.
_CPU_FLAG = "amx_bf16"
# The first NVIDIA generation with bfloat16, Ampere.
_LEAST_COMPUTE_CAPABILITY = (8, 0)


def resolve(precision: str) -> tuple[str, str]:
    """Turns "auto" into the faster Keras dtype policy of this machine.

    "auto" takes bfloat16 where an accelerator or the processor has matrix units for
    it, since elsewhere it is slower than float32.

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
    if _CPU_FLAG in _cpu_flags():
        return "mixed_bfloat16", f"the processor has {_CPU_FLAG}"
    return "float32", "the processor has no matrix units for bfloat16"


def has_gpu() -> bool:
    """Says whether the backend sees a GPU."""
    return any(name.startswith("gpu") for name in keras.distribution.list_devices())


def _cpu_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return {
        flag
        for line in lines
        if line.startswith("flags")
        for flag in line.partition(":")[2].split()
    }


def _gpu_has_bfloat16() -> bool:
    if keras.backend.backend() == "jax":
        import jax

        capability = getattr(jax.devices("gpu")[0], "compute_capability", "0.0")
        return _version(capability) >= _LEAST_COMPUTE_CAPABILITY
    import tensorflow as tf

    details = tf.config.experimental.get_device_details(
        tf.config.list_physical_devices("GPU")[0]
    )
    return details.get("compute_capability", (0, 0)) >= _LEAST_COMPUTE_CAPABILITY


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
