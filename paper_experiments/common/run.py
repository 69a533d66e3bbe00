"""One run of a script: its flags, its checks, its folder, what it writes.

Keras is imported after the flags were read and checked, since that takes seconds. So
this file imports at its top only what is quick, and a script imports what needs Keras
in its `measure`.
"""

import contextlib
import dataclasses
import math
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from absl import app, flags, logging

from paper_experiments.common import cell_files, machine_flags, method_files, quiet
from paper_experiments.common.errors import UserError, check_writable
from paper_experiments.common.table import PAPER_NUM_STEPS, Score, Table, short
from paper_experiments.common.wording import describe_seconds

if TYPE_CHECKING:
    from paper_experiments.common.image_sets import TestImages

flags.DEFINE_enum(
    "dataset",
    "auto",
    ["auto", "bsds300", "embedded"],
    "Images. auto: BSDS-300 if it is prepared or can be downloaded, else a few "
    "photographs that scikit-image installs.",
)
flags.DEFINE_string(
    "data_dir",
    None,
    "Where BSDS-300 is: a folder that holds BSDS300/images/{train,test}, or a TFDS "
    "directory (the default is ~/tensorflow_datasets).",
)
flags.DEFINE_string("images", None, "A folder of images to test on instead.")
flags.DEFINE_string(
    "test_set", None, "Test on one set of images only: of BSDS-300 on 68 or 100."
)
flags.DEFINE_string(
    "output_dir", None, "Where results go; the default is results/<script>."
)
flags.DEFINE_integer(
    "num_images", None, "Test on the first N images of each set.", lower_bound=1
)
flags.DEFINE_integer(
    "num_steps",
    None,
    "Steps T at the test; if not given 20, or 50 where a script looks at t = 50.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "seed",
    0,
    "Seed of everything random, except the validation of a training.",
    lower_bound=0,
    upper_bound=2**31 - 1,
)
flags.DEFINE_enum(
    "precision",
    "auto",
    ["auto", "float32", "mixed_bfloat16"],
    "Arithmetic; auto takes bfloat16 only where the machine is faster in it.",
)
flags.DEFINE_string(
    "weights",
    None,
    "Trained weights to test instead of the first model: a name, or the path of a "
    ".weights.h5. For Figure 3 a folder, as train.py leaves it.",
)
flags.DEFINE_string(
    "cell",
    None,
    "A cell of your own, FILE.py:CLASS: train.py trains it, and scripts of tables need "
    "it to load its --weights.",
)
flags.DEFINE_list(
    "rows",
    None,
    "Rows of RIMs that are measured now, by their names in the table without "
    "brackets, such as RIM-3task,RIM-denoise, or all, or none; the first by default. "
    "Others show what was measured before on BSDS-300.",
)
flags.DEFINE_multi_string(
    "method",
    [],
    "A rival method to measure on the same observations: the NAME of a file of "
    "baselines/, or FILE.py, your own with a function restore(observation, sigma, "
    "forward_model). It can be given several times.",
)
flags.DEFINE_string(
    "shard",
    None,
    "K/N measures images K, K + N, K + 2 N and so on, of 1 to N: a part of a table for "
    "each of N machines. merge.py joins the parts.",
)
flags.DEFINE_bool("overwrite", False, "Delete earlier results in --output_dir.")

# What a script has use for: the first are of every script, it says itself which others.
_COMMON_FLAGS = ["dataset", "data_dir", "output_dir", "seed", "precision", "overwrite"]
_TEST_FLAGS = ("images", "num_images", "num_steps", "weights")
DENOISING_FLAGS = ("rows", "method", "cell", "test_set", "shard")

# What users of earlier versions are told.
_INSTEAD_OF_BASELINES = (
    "give --method=NAME instead, once for each method that is to be measured; there "
    f"are {', '.join(method_files.names())}."
)

RESULT_FILE = "result.json"
VALUES_FOLDER = "measured"
TABLE_FILE = "table.md"


@dataclasses.dataclass(frozen=True)
class Run:
    """A run: its flags, and what was decided with them.

    Attributes:
      script: Name of the script.
      flags: Values by name.
      output_dir: Where results go.
      dtype: Keras dtype policy.
      num_steps: T at the test.
      start: Time of the start, of `time.monotonic`.
    """

    script: str
    flags: Mapping[str, Any]
    output_dir: Path
    dtype: str
    num_steps: int
    start: float

    @property
    def seed(self) -> int:
        """Seed of everything random, except the validation of a training."""
        return self.flags["seed"]

    @property
    def seconds(self) -> float:
        """Time since the start in seconds."""
        return time.monotonic() - self.start

    @property
    def values_folder(self) -> Path:
        """Where values of images are kept as they are made."""
        return self.output_dir / VALUES_FOLDER

    @property
    def how_to_go_on(self) -> str:
        """How a long job goes on after an interruption."""
        without = " without --overwrite" if self.flags["overwrite"] else ""
        return f"If it is interrupted, the same command{without} goes on with it."


class Outcome(NamedTuple):
    """What a run found.

    Attributes:
      table: The table.
      notes: Lines below it.
      measured: All that was measured.
      reported: The paper's numbers.
      weights: History of the weights by row.
      files: Names of the pictures and other files that were written.
      methods: What --method asked for.
      more: What `result.json` says beside the rest; JSON values.
    """

    table: Table
    notes: list[str]
    measured: list[Score]
    reported: Mapping[str, Any]
    weights: Mapping[str, Any]
    files: list[str]
    methods: method_files.Methods | None = None
    more: Mapping[str, Any] = MappingProxyType({})


def reproduce(
    measure: Callable[[Run, "TestImages"], Outcome],
    *,
    use: Sequence[str] = (),
    rows: Sequence[str] = (),
    num_steps: int | None = None,
    test_set: str | None = None,
    test_ids: Sequence[str] | None = None,
    own_check: Callable[[Mapping[str, Any]], None] = lambda values: None,
    instead: tuple[str, Callable[[], str]] | None = None,
    adds_to_results: bool = False,
) -> None:
    """Runs a script that tests models: images, measurements, table, files.

    Args:
      measure: Makes the table and the pictures.
      use: Flags that the script has use for, beside those of all tests.
      rows: The names that --rows knows.
      num_steps: Default of --num_steps; that of the paper's training if None.
      test_set: Only the images of this set, where there is one of that name and
        --test_set does not ask for another.
      test_ids: The images of BSDS-300 in this set, if it has a set of its own.
      own_check: Raises a `UserError` if flags that the script defines are wrong.
      instead: A flag, and what is done instead of a measurement where it is given; that
        returns what it did.
      adds_to_results: Whether earlier results are taken and added to, so that there is
        no reason to refuse their folder.
    """

    def main(run: Run, _: Sequence[str]) -> None:
        from paper_experiments.common import image_sets

        if instead and run.flags[instead[0]]:
            print(instead[1]())
            return
        test = image_sets.load_asked(run.flags, test_set, test_ids)
        outcome = measure(run, test)
        _write(run, test, outcome)
        print("\n".join(["", *outcome.notes]))
        *names, last = [RESULT_FILE, TABLE_FILE, *outcome.files]
        print(
            f"\nWrote {', '.join(names)} and {last} to {run.output_dir} after "
            f"{describe_seconds(run.seconds)}."
        )
        if outcome.methods and outcome.methods.failures:
            # What failed was said when it did.
            sys.exit(1)

    def check(values: Mapping[str, Any], _: Sequence[str]) -> None:
        own_check(values)
        _check_rows(values["rows"], values["weights"], rows)
        for asked in values["method"]:
            method_files.find(asked)
        _check_shard(values)
        _check_cell(values["cell"], values["weights"])
        folder = _output_dir(values)
        is_refused = not (adds_to_results or values["overwrite"])
        if is_refused and (folder / RESULT_FILE).exists():
            raise UserError(
                f"--output_dir: {folder} has results already; choose another "
                "folder, or give --overwrite."
            )

    start_script(main, check, use=(*_TEST_FLAGS, *use), num_steps=num_steps)


def start_script(
    main: Callable[[Run, Sequence[str]], None],
    check: Callable[[Mapping[str, Any], Sequence[str]], None],
    *,
    use: Sequence[str] = (),
    num_steps: int | None = None,
    takes_names: bool = False,
    needs_keras: bool = True,
) -> None:
    """Parses flags and runs a script; errors of the user end it with one line.

    Args:
      main: The script; takes what stands beside the flags on the command line, too.
      check: Raises a `UserError` if flags are wrong. It runs before Keras is imported,
        and must not need it.
      use: Flags of this file that the script has use for, beside those that all have.
        The others are not shown by --help, and refused.
      num_steps: Default of --num_steps.
      takes_names: Whether anything may stand beside the flags.
      needs_keras: Whether to import Keras, and have flags that need it.
    """
    own = flags.FLAGS.get_flags_for_module(__name__)
    common = _COMMON_FLAGS if needs_keras else ["output_dir"]
    unused = [flag for flag in own if flag.name not in (*common, *use)]
    for flag in own:
        if flag not in unused:
            # So that --help shows it.
            flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)

    def checked_main(argv: Sequence[str]) -> None:
        if len(argv) > 1 and not takes_names:
            sys.exit(f"error: Unknown arguments: {' '.join(argv[1:])}.")
        logging.set_verbosity(logging.WARNING)
        quiet.print_any_name()
        values = flags.FLAGS.flag_values_dict()
        try:
            _check_values(values, argv[1:])
        except UserError as error:
            sys.exit(f"error: {error}")
        folder = _output_dir(values)
        existed = folder.exists()
        try:
            for flag in unused:
                if flag.present:
                    raise UserError(f"--{flag.name}: not for this script, see --help.")
            check(values, argv[1:])
            _make(folder)
            start = _start if needs_keras else _start_without_keras
            main(start(values, folder, num_steps), argv[1:])
        except (UserError, OSError) as error:
            sys.exit(f"error: {error}")
        except KeyboardInterrupt:
            sys.exit("Interrupted.")
        finally:
            # A run that was refused leaves no empty folder.
            if not existed:
                with contextlib.suppress(OSError):
                    folder.rmdir()

    app.run(checked_main, flags_parser=_parse)


def _parse(argv: Sequence[str]) -> list[str]:
    """Parses flags; a wrong one ends the script with one line."""
    try:
        return flags.FLAGS(argv)
    except flags.UnrecognizedFlagError as error:
        if error.flagname in ("baselines", "nobaselines"):
            sys.exit(f"error: --baselines: {_INSTEAD_OF_BASELINES}")
        sys.exit(f"error: {error} See --help. Trainings are begun by train.py.")
    except flags.Error as error:
        sys.exit(f"error: {error}")


def _check_values(values: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raises a `UserError` for values that no flag takes.

    absl lets them pass: a number that is none is within all bounds.
    """
    given = [(f"--{flag}", value) for flag, value in values.items()]
    for what, value in (*given, *((name, name) for name in names)):
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"{what}: {value} is not a finite number.")
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and text.startswith("~"):
                try:
                    Path(text).expanduser()
                except RuntimeError as error:
                    said = f"{what}: of {text} there is no such user."
                    raise UserError(said) from error


def _output_dir(values: Mapping[str, Any]) -> Path:
    default = Path("results", Path(sys.argv[0]).stem)
    if values["shard"]:
        # Jobs that run at the same time must not share a folder.
        default /= f"shard-{values['shard'].replace('/', '-of-')}"
    return Path(values["output_dir"] or default).expanduser()


def _make(folder: Path) -> None:
    """Makes sure before the work that results can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--output_dir: {folder} cannot be made: {error}") from error
    check_writable(folder, f"--output_dir: {folder}")


def _check_cell(cell: str | None, weights: str | None) -> None:
    """Raises a `UserError` if --cell names no file, or has no weights."""
    if cell is None:
        return
    cell_files.find(cell)
    if not weights:
        raise UserError("--cell: give --weights, too, which were trained with it.")


def parse_part(flag: str, part: str) -> tuple[int, int]:
    """Returns K and N of a flag that is K/N.

    Raises:
      UserError: If it is not that.
    """
    match = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", part)
    if not match or int(match[1]) > int(match[2]):
        raise UserError(f"--{flag}: {part} is not K/N with K from 1 to N, such as 2/8.")
    return int(match[1]), int(match[2])


def _check_shard(values: Mapping[str, Any]) -> None:
    """Raises a `UserError` if --shard is not K/N, or other flags do not go with it."""
    if values["shard"] is None:
        return
    parse_part("shard", values["shard"])
    if values["method"]:
        raise UserError("--shard: give --method to a run of its own, without --shard.")


def _check_rows(
    asked: Sequence[str] | None, weights: str | None, known: Sequence[str]
) -> None:
    """Raises a `UserError` if --rows has a row that the table does not have."""
    if asked in (None, ["all"]):
        return
    if asked == ["none"]:
        if weights:
            raise UserError("--rows: none leaves nothing for --weights.")
        return
    unknown = [short(row) for row in asked if short(row) not in known]
    if unknown or not asked:
        raise UserError(
            f"--rows: this table has no row {', '.join(unknown) or 'without a name'}; "
            f"there are: {', '.join(known)}."
        )
    if weights and known[0] not in map(short, asked):
        raise UserError(f"--rows: --weights is about the row {known[0]}.")


def _start(values: Mapping[str, Any], folder: Path, num_steps: int | None) -> Run:
    """Imports Keras, chooses the arithmetic, says so, and sets the seed."""
    start = time.monotonic()
    quiet.import_backend()
    import keras

    from rim_tf.speed import precision
    from rim_tf.training import devices

    # Only train.py has these flags. They must be known before the backend starts.
    if values.get("devices", 1) > 1:
        devices.split_cpu(values["devices"])
    machine_flags.join_if_asked(values)
    dtype, reason = precision.resolve(values["precision"])
    print(f"Arithmetic: {dtype} ({reason}); backend: {keras.backend.backend()}.")
    keras.utils.set_random_seed(values["seed"])
    steps = values["num_steps"] or num_steps or PAPER_NUM_STEPS
    return Run(Path(sys.argv[0]).stem, values, folder, dtype, steps, start)


def _start_without_keras(values: Mapping[str, Any], folder: Path, _: None) -> Run:
    return Run(Path(sys.argv[0]).stem, values, folder, "", 0, time.monotonic())


def _write(run: Run, test: "TestImages", outcome: Outcome) -> None:
    """Writes `table.md` and `result.json`, the latter last."""
    from rim_tf import files

    text = "\n".join([*outcome.table.lines, "", *outcome.notes])
    files.write_text(run.output_dir / TABLE_FILE, text + "\n")
    settings = {name: flag.value for name, flag in flags_of_script().items()}
    result = _result(run, settings, test.dataset, outcome)
    files.write_json(run.output_dir / RESULT_FILE, result, indent=1)


def _result(
    run: Run, settings: Mapping[str, Any], dataset: str, outcome: Outcome
) -> dict[str, Any]:
    """Returns all that there is to know about a run, as JSON values."""
    from paper_experiments.common import provenance

    used = {"num_steps": run.num_steps, "precision_used": run.dtype}
    return {
        "script": run.script,
        "settings": {**settings, **used},
        "versions": provenance.versions(),
        "seed": run.seed,
        "dataset": dataset,
        "seconds": round(run.seconds, 1),
        "measured": [dataclasses.asdict(score) for score in outcome.measured],
        "reported": outcome.reported,
        "weights": outcome.weights,
        "methods": outcome.methods.to_json() if outcome.methods else {},
        **outcome.more,
    }


def flags_of_script() -> dict[str, flags.Flag]:
    """Returns the flags that this script has use for, by name."""
    return {
        flag.name: flag for flag in flags.FLAGS.get_key_flags_for_module(sys.argv[0])
    }


def begin_anew_if_asked(run: Run) -> None:
    """With --overwrite, deletes table, result and kept values of an earlier run.

    Pictures are replaced when the new ones are ready.
    """
    if not run.flags["overwrite"]:
        return
    for name in (RESULT_FILE, TABLE_FILE):
        (run.output_dir / name).unlink(missing_ok=True)
    if run.values_folder.exists():
        shutil.rmtree(run.values_folder)
