"""The stages of a recipe, trained one after the other."""

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from paper_experiments.common import durations, provenance, run, weights
from paper_experiments.common.errors import UserError
from paper_experiments.common.wording import count, describe_seconds
from rim_tf import cells, images, pretrained, problems
from rim_tf.problems import Problem
from rim_tf.rim import RIM
from rim_tf.training import devices, loop, record, schedules
from rim_tf.training.patches import PatchSet
from rim_tf.training.settings import TrainingSettings, parse_steps_schedule

# The backward pass costs about twice as much as the forward pass.
_TRAINING_COST = 3


@dataclasses.dataclass(frozen=True)
class Plan:
    """A recipe with what a run says of it.

    Attributes:
      name: Name of the recipe and of the weights.
      task: What the model is trained for, `recipes.Task`.
      stages: Of type `recipes.Stage`.
      folder: Where all files go.
      dtype: Keras dtype policy.
      seed: That of the run.
      initial_weights: What the first stage starts from: a name or a path; None for a
        new model.
      train_images: A folder of images to train on instead; None for the data set's.
      checkpoint_minutes: Time between checkpoints.
      num_devices: How many devices share a batch.
      deadline: When to have stopped, by `time.monotonic`; None for never.
    """

    name: str
    task: Any
    stages: tuple[Any, ...]
    folder: Path
    dtype: str
    seed: int
    initial_weights: str | None
    train_images: str | None
    checkpoint_minutes: float
    num_devices: int
    deadline: float | None

    @property
    def path(self) -> Path:
        """The file of the trained weights."""
        return self.folder / f"{self.name}.weights.h5"


def train(plan: Plan, facts: Mapping[str, Any]) -> None:
    """Trains all stages, or goes on with them, and saves the weights.

    Args:
      plan: What to train.
      facts: What the history of the weights tells beside the rest: JSON values.

    Raises:
      UserError: If the images or flags do not fit.
      TrainingError: If an earlier training had other settings, or this one failed.
      TimeIsUpError: If the deadline came first.
    """
    data = _Data(plan)
    settings = [_settings(plan, stage) for stage in plan.stages]
    sets = [data.patches(stage, plan.seed) for stage in plan.stages]
    # All before the first stage, so that none is in vain, and nothing is deleted.
    for stage, stage_settings, patches in zip(plan.stages, settings, sets, strict=True):
        loop.check(stage_settings, len(patches))
        _check_problem(plan, stage)
    _refuse_to_delete(plan)
    model, history = _begin(plan)
    if run.overwrites() and plan.folder.exists():
        shutil.rmtree(plan.folder)
    history = {"initial_weights": history} if history else {}
    for number, (stage, stage_settings) in enumerate(
        zip(plan.stages, settings, strict=True), start=1
    ):
        folder = plan.folder / f"stage_{number}"
        if len(plan.stages) > 1:
            print(f"\nStage {number} of {len(plan.stages)}:")
        stage_history = _train_stage(
            plan, stage, stage_settings, sets[number - 1], data, model, folder, history
        )
        history = {"initial_weights": {"name": plan.name, **stage_history, **history}}
    _save(plan, model, data, facts, history["initial_weights"], folder)


class _Data:
    """Images to train on and to validate on."""

    def __init__(self, plan: Plan):
        self.name, self.train, self.validation = run.load_training_images(
            plan.train_images
        )
        self.color = plan.task.color

    def patches(self, stage: Any, seed: int) -> PatchSet:
        """Returns the patches that a stage trains on."""
        return self._patches(self.train, stage, stage.patches, seed + stage.seed)

    def validation_patches(self, stage: Any) -> np.ndarray:
        """Returns the same for every seed, so that trainings can be compared."""
        number = stage.num_validation_patches
        return self._patches(self.validation, stage, number, seed=0).to_numpy()

    def _patches(
        self, loaded: Mapping[str, np.ndarray], stage: Any, number: int, seed: int
    ) -> PatchSet:
        convert = images.COLOR_CONVERSIONS[self.color]
        try:
            return PatchSet(
                [convert(image) for image in loaded.values()],
                stage.patch_size,
                stage.patch_stride,
                number,
                seed,
            )
        except ValueError as error:
            raise UserError(f"--patch_size: {error}") from error


def _settings(plan: Plan, stage: Any) -> TrainingSettings:
    return TrainingSettings(
        epochs=stage.epochs,
        batch_size=stage.batch_size or devices.default_batch_size(),
        steps_schedule=tuple(parse_steps_schedule(stage.steps)),
        loss=stage.loss,
        optimizer=stage.optimizer,
        learning_rate=stage.learning_rate,
        warmup_updates=stage.warmup_updates,
        seed=plan.seed + stage.seed,
        num_validations=stage.num_validations,
        checkpoint_minutes=plan.checkpoint_minutes,
    )


def _problem(plan: Plan, stage: Any) -> Problem:
    problem = getattr(problems, plan.task.problem)
    return problem(quantized=True) if stage.quantized else problem()


def _check_problem(plan: Plan, stage: Any) -> None:
    """Raises a `UserError` if patches do not have a size that the problem takes."""
    channels = plan.task.architecture.get("channels", 1)
    patch = keras.ops.zeros((1, stage.patch_size, stage.patch_size, channels))
    try:
        _problem(plan, stage).draw(patch, keras.random.SeedGenerator(0))
    except ValueError as error:
        raise UserError(f"--patch_size: {error}") from error


def _begin(plan: Plan) -> tuple[RIM, dict[str, Any] | None]:
    """Returns the model that the first stage starts from, and its history."""
    cell = getattr(cells, plan.task.cell)
    if plan.initial_weights is not None:
        model, history = weights.load(
            plan.initial_weights,
            plan.dtype,
            plan.task.color,
            cell,
            flag="initial_weights",
        )
        return model, {**history, "name": Path(plan.initial_weights).name}
    # The same for every model of a run.
    keras.utils.set_random_seed(plan.seed)
    cell = cell(**plan.task.architecture, dtype=plan.dtype)
    return RIM(cell, dtype=plan.dtype), None


def _refuse_to_delete(plan: Plan) -> None:
    """Raises a `UserError` if --overwrite would delete what is to be started from."""
    if not (run.overwrites() and plan.initial_weights):
        return
    source = Path(plan.initial_weights).expanduser()
    # A missing file is reported where it is read.
    if source.exists() and source.resolve().is_relative_to(plan.folder.resolve()):
        raise UserError(
            f"--overwrite: it would delete {plan.initial_weights}, which is to start "
            "from; choose another --output_dir."
        )


def _train_stage(
    plan: Plan,
    stage: Any,
    settings: TrainingSettings,
    patches: PatchSet,
    data: _Data,
    model: RIM,
    folder: Path,
    origin: Mapping[str, Any],
) -> dict[str, Any]:
    """Trains `model`, or goes on with it; returns what its history says of it."""
    problem, validation = _problem(plan, stage), data.validation_patches(stage)
    description = {
        "data": data.name,
        "color": data.color,
        "patch_size": stage.patch_size,
        "patch_stride": stage.patch_stride,
        "num_patches": len(patches),
        "num_validation_patches": len(validation),
        "problem": repr(problem),
        "precision": plan.dtype,
    }
    seconds = _estimate_seconds(plan, model, validation, settings, len(patches))
    print(
        f"Training on {count(len(patches), 'patch', 'patches')} of "
        f"{count(len(data.train), 'image')} of {data.name}, "
        f"{count(settings.epochs, 'time')}, batch size {settings.batch_size}; it takes "
        f"about {describe_seconds(seconds)}. {run.how_to_go_on()}"
    )
    loop.train(
        model,
        problem,
        patches,
        validation,
        settings,
        folder,
        # Some of it decides the result, though it is not kept in the weights' history.
        {
            **description,
            "training_images": list(data.train),
            "validation_images": list(data.validation),
            **_names_of(origin),
        },
        {**provenance.versions(), "devices": plan.num_devices},
        plan.deadline,
    )
    return {
        **description,
        "settings": dataclasses.asdict(settings),
        **record.summary(folder),
    }


def _names_of(origin: Mapping[str, Any]) -> dict[str, Any]:
    """Says in short which weights a stage starts from."""
    if not origin:
        return {}
    earlier = origin["initial_weights"]
    keys = ("name", "patches_seen", "validation_psnr")
    return {"initial_weights": {key: earlier.get(key) for key in keys}}


def _estimate_seconds(
    plan: Plan,
    model: RIM,
    validation: np.ndarray,
    settings: TrainingSettings,
    num_patches: int,
) -> float:
    """Returns how long a stage takes; tries the model on validation patches."""
    # A GPU is the faster per patch, the more patches it has at once.
    batch = validation[: max(settings.batch_size // plan.num_devices, 1)]
    seconds = durations.seconds_per_pixel_step(model, batch)
    phases = schedules.plan_phases(
        settings.steps_schedule, settings.num_updates(num_patches)
    )
    steps = schedules.computation(phases) * settings.batch_size
    seconds *= _TRAINING_COST * np.prod(validation.shape[1:3]) * steps
    return float(seconds / devices.speed_up(plan.num_devices))


def _save(
    plan: Plan,
    model: RIM,
    data: _Data,
    facts: Mapping[str, Any],
    history: dict[str, Any],
    last_stage: Path,
) -> None:
    """Writes the weights with their history, and the log of the last stage."""
    names = {
        "training_images": list(data.train),
        "validation_images": list(data.validation),
    }
    history = {**_without_images(history, names), **facts, **names}
    pretrained.save_pretrained(model, plan.path, history)
    log = plan.path.with_name(f"{plan.name}.log.csv")
    shutil.copyfile(last_stage / record.LOG_FILE, log)


def _without_images(
    history: Mapping[str, Any], named: Mapping[str, Any]
) -> dict[str, Any]:
    """Leaves out the names of images, in all stages, where they are `named` already."""
    kept = {key: value for key, value in history.items() if named.get(key) != value}
    if "initial_weights" in kept:
        kept["initial_weights"] = _without_images(kept["initial_weights"], named)
    return kept
