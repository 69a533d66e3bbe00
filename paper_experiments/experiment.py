"""What the scripts of this folder share: flags, models, and one way to run them."""

import contextlib
import dataclasses
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from absl import app, flags, logging

from paper_experiments import image_sets, reporting
from rim_tf import devices, files, images, precision, pretrained, schedules, training
from rim_tf.patches import PatchSet
from rim_tf.problems import Problem
from rim_tf.restoration import iterate
from rim_tf.rim import LOSSES, PAPER_NUM_STEPS, RIM

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
_TRAIN_IMAGES = flags.DEFINE_string(
    "train_images", None, "A folder of images to train on instead."
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Where results go; the default is results/<script>."
)
_WEIGHTS = flags.DEFINE_string(
    "weights",
    None,
    "Trained weights to test: a name or the path of a .weights.h5. For the models of "
    "Figure 3: a folder that holds NAME.weights.h5 or NAME/NAME.weights.h5 of each.",
)
_TRAIN = flags.DEFINE_bool(
    "train",
    False,
    "Train first. An interrupted training in --output_dir is continued.",
)
_INITIAL_WEIGHTS = flags.DEFINE_string(
    "initial_weights", None, "Trained weights to start from, as --weights."
)
_NUM_IMAGES = flags.DEFINE_integer(
    "num_images", None, "Test on the first N images of each set.", lower_bound=1
)
_NUM_STEPS = flags.DEFINE_integer(
    "num_steps", PAPER_NUM_STEPS, "Steps T at the test.", lower_bound=1
)
_NUM_PATCHES = flags.DEFINE_integer(
    "num_patches", 400_000, "Training patches, a seeded sample.", lower_bound=1
)
_EPOCHS = flags.DEFINE_integer(
    "epochs", 2, "Visits to each training patch.", lower_bound=1
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size",
    None,
    "Patches in a training batch; by default 64 on a GPU and 16 on a CPU.",
    lower_bound=1,
)
_STEPS_SCHEDULE = flags.DEFINE_string(
    "train_steps_schedule",
    str(PAPER_NUM_STEPS),
    "Steps T in training, such as 20, or 5:0.4,10:0.3,20:0.3 for T:share of the "
    "computation.",
)
_LOSS = flags.DEFINE_enum(
    "loss",
    "mse",
    list(LOSSES),
    "mse is the paper's; log_mse weighs images that are easy to restore as much as "
    "others, see README.md.",
)
_OPTIMIZER = flags.DEFINE_enum(
    "optimizer",
    "adam",
    training.OPTIMIZERS,
    "adam is the reproduction's; muon needs fewer updates, see README.md.",
)
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate", 1e-3, "Peak learning rate.", lower_bound=0.0
)
_WARMUP_UPDATES = flags.DEFINE_integer(
    "warmup_updates", 100, "Updates to reach the peak learning rate.", lower_bound=0
)
_CLIP_NORM = flags.DEFINE_float(
    "clip_norm",
    1.0,
    "Bound on the global norm of the gradient; 0 for none.",
    lower_bound=0.0,
)
_PATCH_SIZE = flags.DEFINE_integer(
    "patch_size", 32, "Height and width of a training patch.", lower_bound=8
)
_PATCH_STRIDE = flags.DEFINE_integer(
    "patch_stride", 4, "Distance of neighbouring training patches.", lower_bound=1
)
_MAX_SIGMA = flags.DEFINE_float(
    "max_sigma",
    55.0,
    "Largest noise level in training, on the scale from 0 to 255.",
    lower_bound=0.0,
)
_NUM_VALIDATION_PATCHES = flags.DEFINE_integer(
    "num_validation_patches", 1000, "Patches of each validation.", lower_bound=1
)
_NUM_VALIDATIONS = flags.DEFINE_integer(
    "num_validations", 20, "Validations during the training.", lower_bound=1
)
_CHECKPOINT_MINUTES = flags.DEFINE_float(
    "checkpoint_minutes", 5.0, "Time between checkpoints.", lower_bound=0.0
)
_SEED = flags.DEFINE_integer(
    "seed",
    0,
    "Seed of everything random but the validation, which is always the same.",
    lower_bound=0,
)
_PRECISION = flags.DEFINE_enum(
    "precision",
    "auto",
    precision.PRECISIONS,
    "Arithmetic; auto takes bfloat16 only where the machine is faster in it.",
)
_DEVICES = flags.DEFINE_integer(
    "devices",
    1,
    "GPUs to train on, each with its share of every batch. Where there is no GPU, "
    "logical devices of the CPU, which is a trial and no faster.",
    lower_bound=1,
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

_TRAINING_FLAGS = (
    _TRAIN_IMAGES,
    _INITIAL_WEIGHTS,
    _NUM_PATCHES,
    _EPOCHS,
    _BATCH_SIZE,
    _STEPS_SCHEDULE,
    _LOSS,
    _OPTIMIZER,
    _LEARNING_RATE,
    _WARMUP_UPDATES,
    _CLIP_NORM,
    _PATCH_SIZE,
    _PATCH_STRIDE,
    _MAX_SIGMA,
    _NUM_VALIDATION_PATCHES,
    _NUM_VALIDATIONS,
    _CHECKPOINT_MINUTES,
    _DEVICES,
)

RESULT_FILE = "result.json"
TABLE_FILE = "table.md"
TRAINING_FOLDER = "training"
_GPU_BATCH_SIZE, _CPU_BATCH_SIZE = 64, 16
# The backward pass costs about twice as much as the forward pass.
_TRAINING_COST = 3


class UserError(Exception):
    """Something that the user can mend; shown as one line."""


def run(main: Callable[[], None], without: Sequence[str] = ()) -> None:
    """Parses flags and runs a script; errors of the user end it with one line.

    Args:
      main: The script.
      without: Names of flags of this module that the script has no use for; they are
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
        except (UserError, image_sets.ImageSetError, OSError) as error:
            sys.exit(f"error: {error}")
        except KeyboardInterrupt:
            sys.exit("Interrupted.")
        finally:
            # A run that was refused leaves no empty folder.
            if not existed:
                with contextlib.suppress(OSError):
                    output_dir.rmdir()

    for flag in _TRAINING_FLAGS:
        flags.FLAGS[flag.name].help = f"With --train: {flags.FLAGS[flag.name].help}"
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
      seed: Seed of everything random.
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

    Raises:
      UserError: If there are results already and --overwrite is not given, or flags
        of the training are wrong or of no use.
    """
    begun = time.monotonic()
    _check_training_flags()
    output_dir = _output_dir(script)
    if (output_dir / RESULT_FILE).exists() and not _OVERWRITE.value:
        raise UserError(
            f"--output_dir: {output_dir} has results already; choose another "
            "folder, or give --overwrite."
        )
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output_dir):
            pass
    except OSError as error:
        raise UserError(
            f"--output_dir: {output_dir} cannot be written to: {error}"
        ) from error
    if _DEVICES.value > 1:
        # The backend must not have started yet.
        devices.split_cpu(_DEVICES.value)
    dtype, reason = precision.resolve(_PRECISION.value)
    print(f"Arithmetic: {dtype} ({reason}); backend: {keras.backend.backend()}.")
    keras.utils.set_random_seed(_SEED.value)
    return Experiment(script, output_dir, dtype, _NUM_STEPS.value, _SEED.value, begun)


def _check_training_flags() -> None:
    """Raises a `UserError` for flags of the training that are wrong or of no use."""
    if _TRAIN.value:
        if _WEIGHTS.value:
            raise UserError("--weights: not with --train, which makes new weights.")
        _steps_schedule()
        return
    for flag in _TRAINING_FLAGS:
        if flags.FLAGS[flag.name].present:
            raise UserError(f"--{flag.name}: only with --train.")


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


def obtain_model(
    experiment: Experiment,
    default_weights: str,
    problem: Problem,
    color: str,
    make_model: Callable[[], RIM],
) -> tuple[RIM, dict[str, Any]]:
    """Loads weights, or trains a model if --train is given.

    Args:
      experiment: The run.
      default_weights: Name of the shipped weights.
      problem: What the model is trained on.
      color: A key of `rim_tf.images.COLOR_CONVERSIONS`.
      make_model: Makes an untrained model.

    Returns:
      The model and the history of its weights.

    Raises:
      UserError: If the flags contradict one another or do not fit.
    """
    if not _TRAIN.value:
        name = _WEIGHTS.value or default_weights
        if name == default_weights and name not in pretrained.available():
            raise UserError(f"There are no weights {name} yet: give --train.")
        model, history = _load_weights("weights", name, experiment, color)
        print(f"Weights: {name}.")
        return model, {"name": str(name), **history}
    path, history = _train(
        experiment,
        default_weights,
        problem,
        color,
        make_model,
        TRAINING_FOLDER,
        _INITIAL_WEIGHTS.value,
    )
    print(f"Trained weights: {path}, to be tested with --weights={path}.")
    # Anew: the trained one may be spread over several devices.
    return pretrained.load_pretrained(path, experiment.dtype), history


def obtain_models(
    experiment: Experiment,
    problem: Problem,
    color: str,
    make_models: Mapping[str, Callable[[], RIM]],
) -> dict[str, tuple[RIM, dict[str, Any]]]:
    """Loads several shipped models, or trains all of them alike with --train.

    Args:
      experiment: The run.
      problem: What the models are trained on.
      color: A key of `rim_tf.images.COLOR_CONVERSIONS`.
      make_models: What makes an untrained model, by the name of its weights.

    Returns:
      By name, the model and the history of its weights.

    Raises:
      UserError: If there are no such weights, or flags are wrong.
    """
    flag = _INITIAL_WEIGHTS if _TRAIN.value else _WEIGHTS
    if flag.value:
        paths = _find_in_folder(flag, make_models)
    else:
        paths = {} if _TRAIN.value else {name: name for name in make_models}
    # All before the first training, so that none is in vain.
    loaded = {
        name: _load_weights(flag.name, path, experiment, color)
        for name, path in paths.items()
    }
    for name, (model, _) in loaded.items():
        if type(model.cell) is not type(make_models[name]().cell):
            raise UserError(f"--{flag.name}: {paths[name]} is of another model.")
    if _TRAIN.value:
        return _train_models(experiment, problem, color, make_models, paths)
    return loaded


def _train_models(
    experiment: Experiment,
    problem: Problem,
    color: str,
    make_models: Mapping[str, Callable[[], RIM]],
    initial_weights: Mapping[str, str],
) -> dict[str, tuple[RIM, dict[str, Any]]]:
    """Trains several models alike; see `obtain_models`."""
    trained = {}
    for name, make_model in make_models.items():
        print(f"\nTraining of {name}:")
        path, history = _train(
            experiment,
            name,
            problem,
            color,
            make_model,
            f"{TRAINING_FOLDER}/{name}",
            initial_weights.get(name),
        )
        trained[name] = pretrained.load_pretrained(path, experiment.dtype), history
    folder = experiment.output_dir / TRAINING_FOLDER
    print(f"Trained weights: {folder}, to be tested with --weights={folder}.")
    return trained


def _find_in_folder(
    flag: flags.FlagHolder[str], names: Iterable[str]
) -> dict[str, str]:
    """Returns by name the weights in the folder that a flag names."""
    folder = Path(flag.value).expanduser()
    found = {}
    for name in names:
        file = f"{name}.weights.h5"
        paths = [
            path for path in (folder / file, folder / name / file) if path.exists()
        ]
        if not paths:
            raise UserError(
                f"--{flag.name}: {folder} is to be a folder that holds {file} or "
                f"{name}/{file}."
            )
        found[name] = str(paths[0])
    return found


def _load_weights(
    flag: str, name: str, experiment: Experiment, color: str
) -> tuple[RIM, dict[str, Any]]:
    """Loads the weights that a flag names, and their history."""
    try:
        model = pretrained.load_pretrained(name, experiment.dtype)
        history = pretrained.read_history(name)
    except ValueError as error:
        raise UserError(f"--{flag}: {error}") from error
    channels = 3 if color == "rgb" else 1
    if model.cell.channels != channels:
        raise UserError(
            f"--{flag}: {name} restores images of "
            f"{reporting.count(model.cell.channels, 'channel')}, {experiment.script} "
            f"needs {channels}."
        )
    if history.get("color", color) != color:
        raise UserError(
            f"--{flag}: {name} was trained on {history['color']} images, "
            f"{experiment.script} needs {color}."
        )
    return model, history


def set_default_patch_size(size: int) -> None:
    """Sets the default of --patch_size; to be called before `run`."""
    flags.set_default(_PATCH_SIZE, size)


def set_default_num_steps(steps: int) -> None:
    """Sets the default of --num_steps; to be called before `run`."""
    flags.set_default(_NUM_STEPS, steps)


def max_sigma() -> float:
    """Returns the largest noise level in training, on the scale from 0 to 1."""
    return _MAX_SIGMA.value / 255.0


def chooses_weights() -> bool:
    """Says whether the user names weights, or asks for a training."""
    return _TRAIN.value or _WEIGHTS.value is not None


def overwrites() -> bool:
    """Says whether earlier results are to be deleted."""
    return _OVERWRITE.value


def run_baselines() -> bool:
    """Says whether baselines are to be measured."""
    return _BASELINES.value


def announce_duration(
    model: RIM,
    test: image_sets.TestImages,
    color: str,
    experiment: Experiment,
    runs: int,
) -> None:
    """Says how long the tests take.

    Args:
      model: One of the models.
      test: The test images.
      color: A key of `rim_tf.images.COLOR_CONVERSIONS`.
      experiment: The run.
      runs: How many times all images are restored.
    """
    pixels = sum(image.shape[0] * image.shape[1] for image in test.images.values())
    first = to_unit_range(next(iter(test.images.values())), color)
    seconds = seconds_per_pixel_step(model, first[np.newaxis])
    seconds *= pixels * experiment.num_steps * runs
    duration = reporting.describe_seconds(seconds)
    print(
        f"Restoring {reporting.count(len(test.images), 'image')} "
        f"{reporting.count(runs, 'time')} with "
        f"{reporting.count(experiment.num_steps, 'step')} takes about {duration}."
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
    experiment: Experiment,
    test: image_sets.TestImages,
    measured: Sequence[reporting.Measured],
    reported: Mapping[str, Any],
    weights: Mapping[str, Any],
    table: str,
) -> None:
    """Writes `table.md` and `result.json`, the latter last.

    Args:
      experiment: The run.
      test: The test images.
      measured: All that was measured.
      reported: The paper's numbers.
      weights: History of the weights by model.
      table: The table as Markdown.
    """
    settings = {name: flag.value for name, flag in _own_flags().items()}
    result = reporting.result_json(
        experiment.script,
        {**settings, "precision_used": experiment.dtype},
        test.dataset,
        experiment.seconds,
        measured,
        reported,
        weights,
    )
    for name, text in ((TABLE_FILE, table), (RESULT_FILE, result)):
        with files.replacing(experiment.output_dir / name) as temporary:
            temporary.write_text(text + "\n")


def _own_flags() -> dict[str, flags.Flag]:
    """Returns the flags of this module and of the script."""
    return {
        flag.name: flag for flag in flags.FLAGS.get_key_flags_for_module(sys.argv[0])
    }


def _is_inside(path: str, folder: Path) -> bool:
    return Path(path).expanduser().resolve().is_relative_to(folder.resolve())


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


@contextlib.contextmanager
def _on_devices() -> Iterator[None]:
    """What is built inside is on the devices that --devices asks for."""
    try:
        with devices.data_parallel(_DEVICES.value):
            yield
    except devices.DeviceError as error:
        raise UserError(f"--devices: {error}") from error


@_on_devices()
def _train(
    experiment: Experiment,
    name: str,
    problem: Problem,
    color: str,
    make_model: Callable[[], RIM],
    folder_name: str,
    initial_weights: str | None,
) -> tuple[Path, dict[str, Any]]:
    """Trains a model; returns the path of its weights, and their history."""
    settings = _training_settings()
    dataset, train_images, validation_images = image_sets.load_training_images(
        _DATASET.value, _DATA_DIR.value, _TRAIN_IMAGES.value
    )
    patches = _patch_set(train_images, color, _NUM_PATCHES.value, experiment.seed)
    # The same for every seed, so that trainings can be compared.
    validation = _patch_set(validation_images, color, _NUM_VALIDATION_PATCHES.value, 0)
    try:
        problem.draw(validation.to_numpy()[:1], keras.random.SeedGenerator(0))
    except ValueError as error:
        raise UserError(f"--patch_size: {error}") from error
    description = {
        "data": dataset,
        "training_images": list(train_images),
        "validation_images": list(validation_images),
        "color": color,
        "patch_size": _PATCH_SIZE.value,
        "patch_stride": _PATCH_STRIDE.value,
        "num_patches": len(patches),
        "num_validation_patches": len(validation),
        "problem": repr(problem),
        "precision": experiment.dtype,
    }
    if initial_weights:
        model, initial_history = _load_weights(
            "initial_weights", initial_weights, experiment, color
        )
        description["initial_weights"] = {
            "name": Path(initial_weights).name,
            **initial_history,
        }
    else:
        # The same for every model of a run.
        keras.utils.set_random_seed(experiment.seed)
        model = make_model()
    image = to_unit_range(next(iter(validation_images.values())), color)
    seconds = seconds_per_pixel_step(model, image[np.newaxis]) * _TRAINING_COST
    seconds *= _PATCH_SIZE.value**2
    seconds *= training.total_computation(settings, len(patches))
    if precision.has_gpu():
        seconds /= _DEVICES.value
    duration = reporting.describe_seconds(seconds)
    print(
        f"Training on {reporting.count(len(patches), 'patch', 'patches')} of "
        f"{reporting.count(len(train_images), 'image')} of "
        f"{dataset}, {reporting.count(settings.epochs, 'time')}, batch size "
        f"{settings.batch_size}; it "
        f"takes about {duration}. If it is interrupted, the same command"
        f"{' without --overwrite' if _OVERWRITE.value else ''} goes on with it."
    )
    folder = experiment.output_dir / folder_name
    if _OVERWRITE.value:
        if initial_weights and _is_inside(initial_weights, folder):
            raise UserError(
                f"--overwrite: it would delete {initial_weights}, which is to start "
                "from; choose another --output_dir."
            )
        delete_results(experiment.output_dir, folder)
    try:
        training.train(
            model,
            problem,
            patches,
            validation.to_numpy(),
            settings,
            folder,
            description,
            {**reporting.versions(), "devices": _DEVICES.value},
        )
    except training.TrainingError as error:
        raise UserError(str(error)) from error
    history = {
        "name": name,
        "command": _command(experiment, settings),
        **description,
        "settings": dataclasses.asdict(settings),
        **training.summary(folder),
    }
    path = folder / f"{name}.weights.h5"
    pretrained.save_pretrained(model, path, history)
    shutil.copyfile(folder / training.LOG_FILE, folder / f"{name}.log.csv")
    return path, history


def _command(experiment: Experiment, settings: training.TrainingSettings) -> str:
    """Returns the command that makes the same training on any machine."""
    # These do not matter to the weights, or are chosen from the machine if not given.
    irrelevant = {
        "baselines",
        "batch_size",
        "checkpoint_minutes",
        "data_dir",
        "devices",
        "images",
        "lr_dir",
        "num_images",
        "num_steps",
        "num_test_patches",
        "output_dir",
        "overwrite",
        "precision",
        "rows",
        "test_set",
    }
    arguments = [
        flag.serialize()
        for flag in _own_flags().values()
        if flag.value != flag.default and flag.name not in irrelevant
    ]
    return " ".join(
        [
            f"python paper_experiments/{experiment.script}.py",
            *arguments,
            f"--batch_size={settings.batch_size}",
            f"--precision={experiment.dtype}",
        ]
    )


def _patch_set(
    loaded: image_sets.Images, color: str, number: int, seed: int
) -> PatchSet:
    convert = images.COLOR_CONVERSIONS[color]
    try:
        return PatchSet(
            [convert(image) for image in loaded.values()],
            _PATCH_SIZE.value,
            _PATCH_STRIDE.value,
            number,
            seed,
        )
    except ValueError as error:
        raise UserError(f"--patch_size: {error}") from error


def _steps_schedule() -> tuple[tuple[int, float], ...]:
    try:
        return tuple(schedules.parse_steps_schedule(_STEPS_SCHEDULE.value))
    except ValueError as error:
        raise UserError(f"--train_steps_schedule: {error}") from error


def _training_settings() -> training.TrainingSettings:
    default_batch_size = _GPU_BATCH_SIZE if precision.has_gpu() else _CPU_BATCH_SIZE
    return training.TrainingSettings(
        epochs=_EPOCHS.value,
        batch_size=_BATCH_SIZE.value or default_batch_size,
        steps_schedule=_steps_schedule(),
        loss=_LOSS.value,
        optimizer=_OPTIMIZER.value,
        learning_rate=_LEARNING_RATE.value,
        warmup_updates=_WARMUP_UPDATES.value,
        clip_norm=_CLIP_NORM.value,
        seed=_SEED.value,
        num_validations=_NUM_VALIDATIONS.value,
        checkpoint_minutes=_CHECKPOINT_MINUTES.value,
    )
