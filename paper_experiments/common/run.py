"""One run of a script: its flags, its checks, its folder, what it writes.

Keras is imported after the flags were read and checked, since that takes seconds. So
this file imports at its top only what is quick, and a script imports what needs Keras
in its `main`.
"""

import contextlib
import dataclasses
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from absl import app, flags, logging

from paper_experiments.common import wording
from paper_experiments.common.errors import UserError, check_writable
from paper_experiments.common.table import Measured, Table, short

if TYPE_CHECKING:
    from paper_experiments.common.image_sets import TestImages

_DATASET = flags.DEFINE_enum(
    "dataset",
    "auto",
    ["auto", "bsds300", "embedded"],
    "Images. auto: BSDS-300 if it is prepared or can be downloaded, else a few "
    "photographs that scikit-image installs.",
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir",
    None,
    "Where BSDS-300 is: a folder that holds BSDS300/images/{train,test}, or a TFDS "
    "directory (the default is ~/tensorflow_datasets).",
)
_IMAGES = flags.DEFINE_string("images", None, "A folder of images to test on instead.")
_TEST_SET = flags.DEFINE_string(
    "test_set", None, "Test on one set of images only: of BSDS-300 on 68 or 100."
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Where results go; the default is results/<script>."
)
_NUM_IMAGES = flags.DEFINE_integer(
    "num_images", None, "Test on the first N images of each set.", lower_bound=1
)
_NUM_STEPS = flags.DEFINE_integer(
    "num_steps",
    None,
    "Steps T at the test; the default is 20 for tables, 50 for Figure 3.",
    lower_bound=1,
)
_SEED = flags.DEFINE_integer(
    "seed",
    0,
    "Seed of everything random, except the validation of a training.",
    lower_bound=0,
)
_PRECISION = flags.DEFINE_enum(
    "precision",
    "auto",
    ["auto", "float32", "mixed_bfloat16"],
    "Arithmetic; auto takes bfloat16 only where the machine is faster in it.",
)
_WEIGHTS = flags.DEFINE_string(
    "weights",
    None,
    "Trained weights to test in the first measured row: a name, or the path of a "
    ".weights.h5. For Figure 3 a folder, as train.py leaves it.",
)
_ROWS = flags.DEFINE_list(
    "rows",
    None,
    "Measured rows of RIMs, in any order, by their names in the table without "
    "brackets, such as RIM-3task,RIM-denoise; all by default.",
)
_BASELINES = flags.DEFINE_bool(
    "baselines",
    False,
    "Measure what is not known yet of the baselines: BM3D (to be installed with "
    "'.[baselines]', half a minute an image), total variation, wavelet.",
)
_OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "Delete earlier results in --output_dir."
)
# Which flags a script has use for, it says itself.
DENOISING_FLAGS = ("rows", "baselines", "test_set")
_TEST_FLAGS = ("images", "num_images", "num_steps", "weights")
_COMMON_FLAGS = (
    "dataset",
    "data_dir",
    "output_dir",
    "seed",
    "precision",
    "overwrite",
)

RESULT_FILE = "result.json"
TABLE_FILE = "table.md"


@dataclasses.dataclass(frozen=True)
class Run:
    """The settings of a run, from the flags.

    Attributes:
      script: Name of the script.
      output_dir: Where results go.
      dtype: Keras dtype policy.
      num_steps: T at the test.
      seed: Seed of everything random, except the validation of a training.
      start: Time of the start, of `time.monotonic`.
    """

    script: str
    output_dir: Path
    dtype: str
    num_steps: int
    seed: int
    start: float

    @property
    def seconds(self) -> float:
        """Time since the start in seconds."""
        return time.monotonic() - self.start


class Outcome(NamedTuple):
    """What a run found.

    Attributes:
      table: The table.
      notes: Lines below it.
      measured: All that was measured.
      reported: The paper's numbers.
      weights: History of the weights by row.
      files: Names of the pictures and other files that were written.
    """

    table: Table
    notes: list[str]
    measured: list[Measured]
    reported: Mapping[str, Any]
    weights: Mapping[str, Any]
    files: list[str]


def reproduce(
    measure: Callable[[Run, "TestImages"], Outcome],
    *,
    use: Sequence[str] = (),
    rows: Sequence[str] = (),
    num_steps: int | None = None,
    test_set: str | None = None,
) -> None:
    """Runs a script that tests models: images, measurements, table, files.

    Args:
      measure: Makes the table and the pictures.
      use: Flags that the script has use for, beside those of all tests.
      rows: The names that --rows knows.
      num_steps: Default of --num_steps; that of the paper's training if None.
      test_set: Only the images of this set, where there is one of that name and
        --test_set does not ask for another.
    """

    def main(_: Sequence[str]) -> None:
        run = _start(num_steps)
        test = _load_test_images(test_set)
        outcome = measure(run, test)
        _write(run, test, outcome)
        print("\n".join(["", *outcome.notes]))
        *names, last = [RESULT_FILE, TABLE_FILE, *outcome.files]
        print(
            f"\nWrote {', '.join(names)} and {last} to {run.output_dir} after "
            f"{wording.describe_seconds(run.seconds)}."
        )

    def check(_: Sequence[str]) -> None:
        _check_rows(rows)
        if (output_dir() / RESULT_FILE).exists() and not _OVERWRITE.value:
            raise UserError(
                f"--output_dir: {output_dir()} has results already; choose another "
                "folder, or give --overwrite."
            )

    start_script(main, check, use=(*_TEST_FLAGS, *use))


def start_script(
    main: Callable[[Sequence[str]], None],
    check: Callable[[Sequence[str]], None],
    *,
    use: Sequence[str] = (),
    takes_names: bool = False,
) -> None:
    """Parses flags and runs a script; errors of the user end it with one line.

    Args:
      main: The script; takes what stands beside the flags on the command line.
      check: Raises a `UserError` if flags are wrong. It runs before Keras is imported,
        and must not need it.
      use: Flags of this file that the script has use for, beside those that all have.
        The others are not shown by --help, and refused.
      takes_names: Whether anything may stand beside the flags.
    """

    def checked_main(argv: Sequence[str]) -> None:
        if len(argv) > 1 and not takes_names:
            raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}.")
        logging.set_verbosity(logging.WARNING)
        folder = output_dir()
        existed = folder.exists()
        try:
            for name in unused:
                if flags.FLAGS[name].present:
                    raise UserError(f"--{name}: not for this script, see --help.")
            check(argv[1:])
            _make_output_dir(folder)
            _import_backend_quietly()
            main(argv[1:])
        except (UserError, OSError) as error:
            sys.exit(f"error: {error}")
        except KeyboardInterrupt:
            sys.exit("Interrupted.")
        finally:
            # A run that was refused leaves no empty folder.
            if not existed:
                with contextlib.suppress(OSError):
                    folder.rmdir()

    used = (*_COMMON_FLAGS, *use)
    own = flags.FLAGS.get_flags_for_module(__name__)
    unused = [flag.name for flag in own if flag.name not in used]
    for flag in own:
        if flag.name in used:
            # So that --help shows it.
            flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    app.run(checked_main)


def _start(num_steps: int | None) -> Run:
    """Chooses the arithmetic, says so, and sets the seed."""
    begun = time.monotonic()
    from rim_tf.rim import PAPER_NUM_STEPS

    steps = _NUM_STEPS.value or num_steps or PAPER_NUM_STEPS
    return Run(
        script_name(), output_dir(), choose_arithmetic(), steps, _SEED.value, begun
    )


def choose_arithmetic() -> str:
    """Returns the dtype policy that --precision asks for; says what it is, and why."""
    import keras

    from rim_tf.speed import precision

    dtype, reason = precision.resolve(_PRECISION.value)
    print(f"Arithmetic: {dtype} ({reason}); backend: {keras.backend.backend()}.")
    keras.utils.set_random_seed(_SEED.value)
    return dtype


def script_name() -> str:
    """Returns the name of the script that runs."""
    return Path(sys.argv[0]).stem


def output_dir() -> Path:
    """Returns where results go."""
    return Path(_OUTPUT_DIR.value or f"results/{script_name()}").expanduser()


def _make_output_dir(folder: Path) -> None:
    culprit = f"--output_dir: {folder}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{culprit} cannot be made: {error}") from error
    check_writable(folder, culprit)


def _import_backend_quietly() -> None:
    """Keeps a page of TensorFlow's remarks about devices off a user's screen.

    They go past Python, straight to the process's error stream. Errors that matter
    come as exceptions.
    """
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        import tensorflow  # noqa: F401
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


def _check_rows(known: Sequence[str]) -> None:
    """Raises a `UserError` if --rows has a row that the table does not have."""
    if _ROWS.value is None:
        return
    unknown = [row for row in asked_rows(known) if row not in known]
    if unknown or not _ROWS.value:
        raise UserError(
            f"--rows: this table has no row {', '.join(unknown) or 'without a name'}; "
            f"there are: {', '.join(known)}."
        )
    if _WEIGHTS.value and known[0] not in asked_rows(known):
        raise UserError(f"--rows: --weights is about the row {known[0]}.")


def asked_rows(known: Sequence[str]) -> list[str]:
    """Returns the rows that --rows asks for, without brackets; all by default."""
    return list(known) if _ROWS.value is None else list(map(short, _ROWS.value))


def seed() -> int:
    """Returns the seed of everything random."""
    return _SEED.value


def weights() -> str | None:
    """Returns what --weights says."""
    return _WEIGHTS.value


def overwrites() -> bool:
    """Says whether earlier results are to be deleted."""
    return _OVERWRITE.value


def wants_baselines() -> bool:
    """Says whether baselines are to be measured."""
    return _BASELINES.value


def is_quick_look() -> bool:
    """Says whether not all test images are wanted."""
    return _NUM_IMAGES.value is not None


def _load_test_images(set_name: str | None) -> "TestImages":
    """Loads the test images that the flags ask for, and says what they are.

    Raises:
      UserError: If there is no such set as --test_set asks for.
    """
    from paper_experiments.common import image_sets

    test = image_sets.load_test_images(_DATASET.value, _DATA_DIR.value, _IMAGES.value)
    if _TEST_SET.value is not None:
        if _TEST_SET.value not in test.sets:
            raise UserError(
                f"--test_set: there is no set {_TEST_SET.value} in {test.dataset}; "
                f"there are: {', '.join(test.sets)}."
            )
        set_name = _TEST_SET.value
    if set_name in test.sets:
        test = test.only(set_name)
    test = test.first(_NUM_IMAGES.value)
    print(f"Test images: {len(test.images)} of {test.dataset}.")
    for note in test.notes:
        print(f"\n*** {note}")
    print()
    return test


def load_training_images(folder: str | None) -> tuple[str, Any, Any]:
    """Loads the training images that the flags ask for.

    Args:
      folder: A folder of images instead.

    Returns:
      See `image_sets.load_training_images`.
    """
    from paper_experiments.common import image_sets

    return image_sets.load_training_images(_DATASET.value, _DATA_DIR.value, folder)


def _write(run: Run, test: "TestImages", outcome: Outcome) -> None:
    """Writes `table.md` and `result.json`, the latter last."""
    from paper_experiments.common import provenance
    from rim_tf import files

    settings = {
        **{name: flag.value for name, flag in flags_of_script().items()},
        "num_steps": run.num_steps,
        "precision_used": run.dtype,
    }
    text = "\n".join([*outcome.table.lines, "", *outcome.notes])
    files.write_text(run.output_dir / TABLE_FILE, text + "\n")
    result = provenance.result_json(
        run.script,
        settings,
        test.dataset,
        run.seconds,
        outcome.measured,
        outcome.reported,
        outcome.weights,
    )
    files.write_text(run.output_dir / RESULT_FILE, result + "\n")


def flags_of_script() -> dict[str, flags.Flag]:
    """Returns the flags that this script has use for, by name."""
    return {
        flag.name: flag for flag in flags.FLAGS.get_key_flags_for_module(sys.argv[0])
    }


def how_to_go_on() -> str:
    """Says how a long job goes on after an interruption."""
    without = " without --overwrite" if overwrites() else ""
    return f"If it is interrupted, the same command{without} goes on with it."


def delete_results(output_dir: Path, folder: Path) -> None:
    """Deletes a folder, and table and result of an earlier run.

    Pictures are replaced when the new ones are ready.

    Args:
      output_dir: Where table and result are.
      folder: What was trained or measured; there need not be one.
    """
    for name in (RESULT_FILE, TABLE_FILE):
        (output_dir / name).unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
