"""How fast this machine trains and restores; prints one line of JSON.

    python paper_experiments/benchmark_speed.py --precision=mixed_bfloat16

Run it on an idle machine. Each part runs in a process of its own, so that its
memory is its own. Times are medians of --repeats after a first, uncounted run.

| key | what |
|---|---|
| train_patches_per_s | training, patches of 32 x 32 pixels, T = 20, with Adam |
| restore_320x480_s | restoring one grey image of 320 x 480 pixels, T = 20 |
| floor_320x480_s | the convolutions of that alone, in as many steps |
| restore_1920x1080_s | restoring one large image, the first time |
| pipeline_patches_per_s | reading training patches |
| startup_s | from the start of Python to the end of the first training step |
| train_peak_mb, restore_peak_mb, restore_1920x1080_peak_mb | resident memory |

What was tried to make it fast stands in PERFORMANCE.md.
"""

import json
import multiprocessing
import time
from collections.abc import Callable
from typing import Any

from absl import app, flags

from paper_experiments import reporting, speed
from rim_tf.speed import precision

_PRECISION = flags.DEFINE_enum(
    "precision", "auto", precision.PRECISIONS, "Arithmetic; auto chooses the faster."
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 16, "Patches in a training batch.", lower_bound=1
)
_REPEATS = flags.DEFINE_integer(
    "repeats", 3, "Runs to take the median of.", lower_bound=1
)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}.")
    dtype, _ = precision.resolve(_PRECISION.value)
    result = {
        "versions": reporting.versions(),
        "precision": dtype,
        "batch_size": _BATCH_SIZE.value,
    }
    for part in (speed.train, speed.restore, speed.restore_large, speed.read_patches):
        result |= _in_new_process(part, dtype, _BATCH_SIZE.value, _REPEATS.value)
    print(json.dumps(result))


def _in_new_process(part: Callable, *args: Any) -> dict[str, float]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(part, (*args, time.time()))


if __name__ == "__main__":
    app.run(main)
