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

Is this checkout faster than an earlier commit?

    python paper_experiments/benchmark_speed.py --against=COMMIT

measures both in turn, old, new, old, new, and prints a table of medians, ratios and
spread, which it writes to --output_dir with all values. The commit is put into a
temporary git worktree. `--peer=FILE.py` names another program that prints such a line
of JSON, and has its turn, too; `--figures` chooses. It takes hours, and says how many.

    python paper_experiments/benchmark_speed.py --growth

measures how time and memory grow: of restoring from 0.15 to 9.8 megapixels at T = 10,
20 and 40, of training with batches of 4 to 64. It draws them, log-log, with exponents.

What was tried to make it fast stands in PERFORMANCE.md.
"""

import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from absl import app, flags

from paper_experiments.common import quiet
from paper_experiments.common.errors import UserError
from paper_experiments.speed_comparison import (
    comparison,
    figures,
    folders,
    growth,
    processes,
)

_ROOT = Path(__file__).resolve().parents[1]

_PRECISION = flags.DEFINE_enum(
    "precision",
    "auto",
    ["auto", "float32", "mixed_bfloat16"],
    "Arithmetic; auto chooses the faster.",
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 16, "Patches in a training batch.", lower_bound=1
)
_REPEATS = flags.DEFINE_integer(
    "repeats",
    3,
    "Runs to take the median of. With --against 5 for what takes less than two "
    "minutes, 3 for what takes less than ten, and 1 for the tests, unless it is given.",
    lower_bound=1,
)
_AGAINST = flags.DEFINE_string(
    "against", None, "A commit to measure beside this checkout, in turn."
)
_GROWTH = flags.DEFINE_bool(
    "growth", False, "Measure how time and memory grow with image, steps and batch."
)
_PEER = flags.DEFINE_string(
    "peer",
    None,
    "With --against: another program to measure in turn, FILE.py, 'FILE.py --flags', "
    f"or 'PYTHON FILE.py'. Its last line is JSON with {figures.PEER_TRAIN} and "
    f"{figures.PEER_RESTORE}.",
)
_FIGURES = flags.DEFINE_list(
    "figures",
    ["all"],
    "With --against: what to measure, of "
    f"{', '.join(figure.key for figure in figures.FIGURES)}; or all.",
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir",
    None,
    "With --against: where BSDS-300 is, for table2_s, as table2_denoise.py takes it.",
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    "results/benchmark_speed",
    "With --against or --growth: where results go.",
)
_OVERWRITE = flags.DEFINE_bool(
    "overwrite",
    False,
    "With --against or --growth: replace earlier results in --output_dir.",
)
_QUICK = flags.DEFINE_bool(
    "quick",
    False,
    "With --against or --growth: shrink everything, to see that it works; numbers mean "
    "nothing.",
)
_OF_AGAINST = (_PEER, _FIGURES, _DATA_DIR)
_OF_BOTH = (_OUTPUT_DIR, _OVERWRITE, _QUICK)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}.")
    try:
        if _AGAINST.value is not None:
            _check_unused([_GROWTH], "leave it out beside --against.")
            _compare()
        elif _GROWTH.value:
            _check_unused(_OF_AGAINST, "give --against=COMMIT, and not --growth.")
            _check_unused([_REPEATS, _BATCH_SIZE], "leave it out beside --growth.")
            _grow()
        else:
            _check_unused(_OF_AGAINST, "give --against=COMMIT, too.")
            _check_unused(_OF_BOTH, "give --against=COMMIT or --growth, too.")
            _measure()
    except (UserError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("Interrupted.")


def _check_unused(unused: Sequence[flags.FlagHolder], remedy: str) -> None:
    for flag in unused:
        if flag.present:
            raise UserError(f"--{flag.name}: {remedy}")


def _measure() -> None:
    """Measures this checkout alone."""
    # Before what follows, all of which imports Keras.
    quiet.import_backend()
    from paper_experiments.common import provenance
    from paper_experiments.speed_comparison import alone
    from rim_tf.speed import precision

    dtype, _ = precision.resolve(_PRECISION.value)
    result = {
        "versions": provenance.versions(),
        "precision": dtype,
        "batch_size": _BATCH_SIZE.value,
    }
    parts = (alone.train, alone.restore, alone.restore_large, alone.read_patches)
    for part in parts:
        result |= _in_new_process(part, dtype, _BATCH_SIZE.value, _REPEATS.value)
    print(json.dumps(result))


def _in_new_process(part: Callable, *args: Any) -> dict[str, float]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(part, (*args, time.time()))


def _compare() -> None:
    """Measures this checkout beside a commit."""
    quiet.check_backend()
    request = comparison.Request(
        root=_ROOT,
        against=_AGAINST.value,
        figures=_FIGURES.value,
        output_dir=Path(_OUTPUT_DIR.value).expanduser(),
        overwrite=_OVERWRITE.value,
        peer=_PEER.value,
        rounds=_REPEATS.value if _REPEATS.present else None,
        settings=_settings(),
    )
    _end(comparison.compare(request, _say))


def _grow() -> None:
    """Measures how cost grows."""
    quiet.check_backend()
    folder = Path(_OUTPUT_DIR.value).expanduser()
    folders.check(folder, growth.FILES[0], _OVERWRITE.value)
    folders.make(folder)
    _end(growth.run(_ROOT, _settings(), folder, _say))


def _settings() -> processes.Settings:
    return processes.Settings(
        precision=_PRECISION.value,
        batch_size=_BATCH_SIZE.value,
        data_dir=_absolute(_DATA_DIR.value),
        quick=_QUICK.value,
    )


def _say(line: str) -> None:
    print(line, flush=True)


def _end(is_whole: bool) -> None:
    """Ends with 1 if something failed; what, was said when it did."""
    if not is_whole:
        sys.exit(1)


def _absolute(folder: str | None) -> str | None:
    """Returns where a folder is, from wherever a script is run."""
    return None if folder is None else str(Path(folder).expanduser().resolve())


if __name__ == "__main__":
    app.run(main)
