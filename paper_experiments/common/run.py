"""What the scripts of this folder share: flags, images, and one way to run."""

import contextlib
import dataclasses
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from absl import app, flags, logging

from paper_experiments import image_sets, reporting
from paper_experiments.user_errors import UserError, check_writable
from rim_tf import files, images
from rim_tf.restoration import iterate
from rim_tf.rim import PAPER_NUM_STEPS, RIM
from rim_tf.speed import precision

_DATASET = flags.DEFINE_enum(
    "dataset",
    "auto",
    ["auto", "bsds300", "embedded"],
    "Images to train and test on. auto: BSDS-300 if it is prepared or can be "
    "downloaded, else a few photographs that scikit-image installs.",
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
    "num_steps", PAPER_NUM_STEPS, "Steps T at the test.", lower_bound=1
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
    precision.PRECISIONS,
    "Arithmetic; auto takes bfloat16 only where the machine is faster in it.",
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

RESULT_FILE = "result.json"
TABLE_FILE = "table.md"


def run_script(main: Callable[[], None], without: Sequence[str] = ()) -> None:
    """Parses flags and runs a script; errors of the user end it with one line.

    Args:
      main: The script.
      without: Names of flags of this package that the script has no use for; they are
        not shown by --help, and refused.
    """

    def checked_main(argv: Sequence[str]) -> None:
        if len(argv) > 1:
            raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}.")
        logging.set_verbosity(logging.WARNING)
        output_dir = _output_dir(Path(sys.argv[0]).stem)
        existed = output_dir.exists()
        try:
            for name in without:
                if flags.FLAGS[name].present:
                    raise UserError(f"--{name}: not for this script, see --help.")
            main()
        except (UserError, OSError) as error:
            sys.exit(f"error: {error}")
        except KeyboardInterrupt:
            sys.exit("Interrupted.")
        finally:
            # A run that was refused leaves no empty folder.
            if not existed:
                with contextlib.suppress(OSError):
                    output_dir.rmdir()

    # So that --help shows them.
    for module, module_flags in flags.FLAGS.flags_by_module_dict().items():
        if module.startswith(f"{__package__}."):
            for flag in module_flags:
                if flag.name not in without:
                    flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    app.run(checked_main)


@dataclasses.dataclass(frozen=True)
class Experiment:
    """The common settings of a run, from the flags.

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


def start(script: str) -> Experiment:
    """Reads the flags, chooses the arithmetic, and prepares the output folder.

    The scripts call `trained_models.start`, which checks the flags of the models
    before.

    Raises:
      UserError: If there are results already and --overwrite is not given, or the
        folder cannot be written to.
    """
    begun = time.monotonic()
    output_dir = _output_dir(script)
    if (output_dir / RESULT_FILE).exists() and not _OVERWRITE.value:
        raise UserError(
            f"--output_dir: {output_dir} has results already; choose another "
            "folder, or give --overwrite."
        )
    culprit = f"--output_dir: {output_dir}"
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{culprit} cannot be made: {error}") from error
    check_writable(output_dir, culprit)
    dtype, reason = precision.resolve(_PRECISION.value)
    print(f"Arithmetic: {dtype} ({reason}); backend: {keras.backend.backend()}.")
    keras.utils.set_random_seed(_SEED.value)
    return Experiment(script, output_dir, dtype, _NUM_STEPS.value, _SEED.value, begun)


def _output_dir(script: str) -> Path:
    return Path(_OUTPUT_DIR.value or f"results/{script}").expanduser()


def load_test_images(set_name: str | None = None) -> image_sets.TestImages:
    """Loads the test images that the flags ask for, and says what they are.

    Args:
      set_name: Only the images of this test set, where there is one of that name
        and --test_set does not ask for another.

    Raises:
      UserError: If there is no such set as --test_set asks for.
    """
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


def set_default_num_steps(steps: int) -> None:
    """Sets the default of --num_steps; to be called before `run_script`."""
    flags.set_default(_NUM_STEPS, steps)


def overwrites() -> bool:
    """Says whether earlier results are to be deleted."""
    return _OVERWRITE.value


def wants_baselines() -> bool:
    """Says whether baselines are to be measured."""
    return _BASELINES.value


def load_training_images(
    folder: str | None,
) -> tuple[str, image_sets.Images, image_sets.Images]:
    """Loads the training images that the flags ask for, see `image_sets`.

    Args:
      folder: A folder of images instead.
    """
    return image_sets.load_training_images(_DATASET.value, _DATA_DIR.value, folder)


def announce_duration(
    model: RIM,
    test: image_sets.TestImages,
    color: str,
    run: Experiment,
    times: int,
) -> None:
    """Says how long the tests take.

    Args:
      model: One of the models.
      test: The test images.
      color: A key of `rim_tf.images.COLOR_CONVERSIONS`.
      run: What `start` returned.
      times: How many times all images are restored.
    """
    pixels = sum(image.shape[0] * image.shape[1] for image in test.images.values())
    first = to_unit_range(next(iter(test.images.values())), color)
    seconds = seconds_per_pixel_step(model, first[np.newaxis])
    seconds *= pixels * run.num_steps * times
    duration = reporting.describe_seconds(seconds)
    print(
        f"Restoring {reporting.count(len(test.images), 'image')} "
        f"{reporting.count(times, 'time')} with "
        f"{reporting.count(run.num_steps, 'step')} takes about {duration}."
    )
    if _NUM_IMAGES.value is None:
        print("For a quick look: --num_images=1 --num_steps=5.")
    print()


def seconds_per_pixel_step(model: RIM, batch: np.ndarray) -> float:
    """Measures the time of one step per pixel.

    Args:
      model: The model.
      batch: `(batch, height, width, channels)` float32 in [0, 1], to try it on.
    """
    times = []
    # The first two steps compile, the last one is like all that follow.
    for estimate in iterate(model, batch, num_steps=3, sigma=0.1):
        keras.ops.convert_to_numpy(estimate)
        times.append(time.perf_counter())
    return (times[-1] - times[-2]) / np.prod(batch.shape[:3])


def to_unit_range(image: np.ndarray, color: str) -> np.ndarray:
    """Converts an RGB uint8 image to `(height, width, channels)` float32 in [0, 1]."""
    return np.float32(images.COLOR_CONVERSIONS[color](image)) / np.float32(255.0)


def test_noise(shape: tuple[int, ...], seed: int, number: int) -> np.ndarray:
    """Returns the standard normal noise of a test image, the same on every backend.

    Args:
      shape: Shape of the noise.
      seed: Seed of the run.
      number: Position of the image in the whole test set.
    """
    return np.random.default_rng([seed, number]).standard_normal(shape, np.float32)


def write_results(
    run: Experiment,
    test: image_sets.TestImages,
    measured: Sequence[reporting.Measured],
    reported: Mapping[str, Any],
    weights: Mapping[str, Any],
    table: str,
) -> None:
    """Writes `table.md` and `result.json`, the latter last.

    Args:
      run: What `start` returned.
      test: The test images.
      measured: All that was measured.
      reported: The paper's numbers.
      weights: History of the weights by model.
      table: The table as Markdown.
    """
    settings = {name: flag.value for name, flag in flags_of_script().items()}
    result = reporting.result_json(
        run.script,
        {**settings, "precision_used": run.dtype},
        test.dataset,
        run.seconds,
        measured,
        reported,
        weights,
    )
    for name, text in ((TABLE_FILE, table), (RESULT_FILE, result)):
        with files.replacing(run.output_dir / name) as temporary:
            temporary.write_text(text + "\n")


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
