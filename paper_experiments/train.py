"""The training of a model, from its flags to its weights file."""

import contextlib
import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from absl import flags

from paper_experiments import experiment, image_sets, reporting
from paper_experiments.experiment import Experiment
from paper_experiments.user_errors import UserError
from rim_tf import images, pretrained
from rim_tf.problems import Problem
from rim_tf.rim import LOSSES, PAPER_NUM_STEPS, RIM
from rim_tf.speed import precision
from rim_tf.training import devices, loop, schedules
from rim_tf.training.patches import PatchSet

_TRAIN_IMAGES = flags.DEFINE_string(
    "train_images", None, "A folder of images to train on instead."
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
    loop.OPTIMIZERS,
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
_DEVICES = flags.DEFINE_integer(
    "devices",
    1,
    "GPUs to train on, each with its share of every batch. Where there is no GPU, "
    "logical devices of the CPU, which is a trial and no faster.",
    lower_bound=1,
)
# All of this module.
TRAINING_FLAGS = flags.FLAGS.get_flags_for_module(__name__)
for _flag in TRAINING_FLAGS:
    _flag.help = f"With --train: {_flag.help}"

_GPU_BATCH_SIZE, _CPU_BATCH_SIZE = 64, 16
# The backward pass costs about twice as much as the forward pass.
_TRAINING_COST = 3
# They do not change the weights, or are added with the value that was used.
_FLAGS_LEFT_OUT_OF_COMMAND = {
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


def prepare() -> None:
    """Checks the schedule and divides the CPU, before the backend starts.

    Raises:
      UserError: If --train_steps_schedule is wrong.
    """
    _steps_schedule()
    if _DEVICES.value > 1:
        devices.split_cpu(_DEVICES.value)


def set_default_patch_size(size: int) -> None:
    """Sets the default of --patch_size; to be called before `experiment.run_script`."""
    flags.set_default(_PATCH_SIZE, size)


def max_sigma() -> float:
    """Returns the largest noise level in training, on the scale from 0 to 1."""
    return _MAX_SIGMA.value / 255.0


@contextlib.contextmanager
def _on_devices() -> Iterator[None]:
    """What is built and trained inside is on the devices that --devices asks for."""
    try:
        with devices.data_parallel(_DEVICES.value):
            yield
    except devices.DeviceError as error:
        raise UserError(f"--devices: {error}") from error
    except loop.TrainingError as error:
        raise UserError(str(error)) from error


@_on_devices()
def train(
    run: Experiment,
    name: str,
    problem: Problem,
    color: str,
    begin: Callable[[], tuple[RIM, dict[str, Any]]],
    folder: Path,
) -> tuple[Path, dict[str, Any]]:
    """Trains a model as the flags say; goes on with an interrupted training.

    Args:
      run: What `trained_models.start` returned.
      name: Name of the weights.
      problem: What the model is trained on.
      color: A key of `rim_tf.images.COLOR_CONVERSIONS`.
      begin: Makes the model to begin with, and what its history says of it.
      folder: Where checkpoints, log and weights go; with --overwrite, what is there
        is deleted first, and the results of the run.

    Returns:
      The path of the weights, and their history.

    Raises:
      UserError: If the flags do not fit each other, the images or an earlier
        training.
    """
    settings = _training_settings(run.seed)
    patches, validation, data = _load_patches(run, problem, color)
    model, origin = begin()
    description = {**data, **origin}
    # Before anything is deleted.
    loop.check(settings, len(patches))
    if experiment.overwrites():
        experiment.delete_results(run.output_dir, folder)
    seconds = _estimate_seconds(model, validation, settings, len(patches))
    print(
        f"Training on {reporting.count(len(patches), 'patch', 'patches')} of "
        f"{reporting.count(len(data['training_images']), 'image')} of "
        f"{data['data']}, {reporting.count(settings.epochs, 'time')}, batch size "
        f"{settings.batch_size}; it takes about {reporting.describe_seconds(seconds)}. "
        f"{experiment.how_to_go_on()}"
    )
    loop.train(
        model,
        problem,
        patches,
        validation,
        settings,
        folder,
        description,
        {**reporting.versions(), "devices": _DEVICES.value},
    )
    history = {
        "name": name,
        "command": _command(run, settings),
        **description,
        "settings": dataclasses.asdict(settings),
        **loop.summary(folder),
    }
    path = folder / f"{name}.weights.h5"
    pretrained.save_pretrained(model, path, history)
    shutil.copyfile(folder / loop.LOG_FILE, folder / f"{name}.log.csv")
    return path, history


def _load_patches(
    run: Experiment, problem: Problem, color: str
) -> tuple[PatchSet, np.ndarray, dict[str, Any]]:
    """Returns patches to train on, patches to validate on, and what they are."""
    dataset, train_images, validation_images = experiment.load_training_images(
        _TRAIN_IMAGES.value
    )
    patches = _patch_set(train_images, color, _NUM_PATCHES.value, run.seed)
    # The same for every seed, so that trainings can be compared.
    validation = _patch_set(
        validation_images, color, _NUM_VALIDATION_PATCHES.value, seed=0
    ).to_numpy()
    try:
        problem.draw(validation[:1], keras.random.SeedGenerator(0))
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
        "precision": run.dtype,
    }
    return patches, validation, description


def _estimate_seconds(
    model: RIM,
    validation: np.ndarray,
    settings: loop.TrainingSettings,
    num_patches: int,
) -> float:
    """Returns how long a training takes; tries the model on validation patches."""
    # A GPU is the faster per patch, the more patches it has at once.
    batch = validation[: max(settings.batch_size // _DEVICES.value, 1)]
    seconds = experiment.seconds_per_pixel_step(model, batch)
    seconds *= _TRAINING_COST * _PATCH_SIZE.value**2
    seconds *= loop.total_computation(settings, num_patches)
    return seconds / _DEVICES.value if precision.has_gpu() else seconds


def _command(run: Experiment, settings: loop.TrainingSettings) -> str:
    """Returns the command that makes the same training with this version of rim_tf."""
    arguments = [
        flag.serialize()
        for flag in experiment.flags_of_script().values()
        if flag.value != flag.default and flag.name not in _FLAGS_LEFT_OUT_OF_COMMAND
    ]
    return " ".join(
        [
            f"python paper_experiments/{run.script}.py",
            *arguments,
            f"--batch_size={settings.batch_size}",
            f"--precision={run.dtype}",
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


def _training_settings(seed: int) -> loop.TrainingSettings:
    default_batch_size = _GPU_BATCH_SIZE if precision.has_gpu() else _CPU_BATCH_SIZE
    return loop.TrainingSettings(
        epochs=_EPOCHS.value,
        batch_size=_BATCH_SIZE.value or default_batch_size,
        steps_schedule=_steps_schedule(),
        loss=_LOSS.value,
        optimizer=_OPTIMIZER.value,
        learning_rate=_LEARNING_RATE.value,
        warmup_updates=_WARMUP_UPDATES.value,
        clip_norm=_CLIP_NORM.value,
        seed=seed,
        num_validations=_NUM_VALIDATIONS.value,
        checkpoint_minutes=_CHECKPOINT_MINUTES.value,
    )
