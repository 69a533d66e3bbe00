"""The stages of a recipe, trained one after the other."""

import dataclasses
import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from paper_experiments.common import (
    cell_files,
    durations,
    image_sets,
    provenance,
    weights,
)
from paper_experiments.common.errors import UserError
from paper_experiments.common.run import Run
from paper_experiments.common.wording import count, describe_seconds
from rim_tf import cells, files, images, pretrained, problems
from rim_tf.cells import RIMCell
from rim_tf.problems import Problem
from rim_tf.rim import RIM
from rim_tf.training import devices, growing, loop, machines, record, schedules
from rim_tf.training.patches import PatchSet
from rim_tf.training.settings import TrainingSettings, parse_steps_schedule

# The backward pass costs about twice as much as the forward pass.
_TRAINING_COST = 3


class Training:
    """The stages of a model's training.

    Args:
      run: The run of train.py.
      name: Name of the weights.
      task: What the model is trained for, `recipes.Task`.
      stages: Of type `recipes.Stage`.
      initial_weights: What the first stage goes on with: a name or a path; None for a
        new network.
      deadline: When to have stopped, by `time.monotonic`; None for never.
      network: What of the task's network is not the recipe's, by the names of flags.

    Raises:
      UserError: If the images cannot be had, or flags do not fit each other.
      TrainingError: If settings are not possible.
      MachineError: If processes that train together are not of one mind.
    """

    def __init__(
        self,
        run: Run,
        name: str,
        task: Any,
        stages: Sequence[Any],
        initial_weights: str | None,
        deadline: float | None,
        network: Mapping[str, Any] | None = None,
    ):
        self.run, self.name, self.task, self.deadline = run, name, task, deadline
        self.initial_weights = initial_weights
        self.folder = run.output_dir / name
        self.network = dict(network or {})
        self.cell = _OwnCell(task.cell) if ":" in task.cell else None
        if self.cell:
            self.network["cell"] = self.cell.described
        self.data, *both = image_sets.load_training_images(
            *(run.flags[name] for name in ("dataset", "data_dir", "train_images")),
            max(stage.patch_size for stage in stages),
        )
        self.images, self.validation_images = both
        self.names = {
            "training_images": list(self.images),
            "validation_images": list(self.validation_images),
        }
        self.stages = [
            (stage, _settings(stage, run), self._patches(stage)) for stage in stages
        ]
        machines.check_same(self._decisive())
        # All before the first stage, so that none is in vain, and nothing is deleted.
        for stage, settings, patches in self.stages:
            loop.check(settings, len(patches))
            self._check_problem(stage)

    def _decisive(self) -> dict[str, Any]:
        """Returns what must be the same on all machines."""
        versions = provenance.versions()
        return {
            "name": self.name,
            "stages": [dataclasses.asdict(stage) for stage, *_ in self.stages],
            "batch_size": [settings.batch_size for _, settings, _ in self.stages],
            "network": self.network,
            "initial_weights": self.initial_weights,
            **{name: self.run.flags[name] for name in ("minutes", "seed")},
            "precision": self.run.dtype,
            "images": self.names,
            "patches": [len(patches) for *_, patches in self.stages],
            "versions": [versions.get(name) for name in ("commit", "keras", "jax")],
        }

    def train(self, facts: Mapping[str, Any]) -> Path:
        """Trains all stages, or goes on with them, and saves the weights.

        Args:
          facts: What the history of the weights tells beside the rest: JSON values.

        Returns:
          The file of the weights.

        Raises:
          UserError: If the initial weights do not fit.
          TrainingError: If an earlier training had other settings, or this one failed.
          TimeIsUpError: If the deadline came first.
        """
        model, history = self._begin()
        machines.check_same({"weights": _digest(model)})
        path = self.folder / f"{self.name}.weights.h5"
        is_first = machines.is_first()
        if is_first and self.run.flags["overwrite"] and self.folder.exists():
            shutil.rmtree(self.folder)
        for number, (stage, settings, patches) in enumerate(self.stages, start=1):
            if len(self.stages) > 1:
                print(f"\nStage {number} of {len(self.stages)}:")
            folder = self.folder / f"stage_{number}"
            origin = {"initial_weights": history} if history else {}
            described = self._train_stage(
                stage, settings, patches, model, folder, origin
            )
            history = {"name": self.name, **described, **origin}
        if is_first:
            with machines.alone():
                self._save(path, model, history, facts, folder)
        return path

    def _save(
        self,
        path: Path,
        model: RIM,
        history: Mapping[str, Any],
        facts: Mapping[str, Any],
        last_stage: Path,
    ) -> None:
        """Saves weights, their history, the user's cell and the log."""
        history = {**_without_images(history, self.names), **facts, **self.names}
        history["parameters"] = model.count_params()
        if self.cell:
            history["cell"] = self.cell.described
            copy = self.folder / self.cell.file.path.name
            with files.replacing(copy) as temporary:
                temporary.write_bytes(self.cell.content)
        pretrained.save_pretrained(model, path, history)
        log = path.with_name(f"{self.name}.log.csv")
        with files.replacing(log) as temporary:
            shutil.copyfile(last_stage / record.LOG_FILE, temporary)

    def _train_stage(
        self,
        stage: Any,
        settings: TrainingSettings,
        patches: PatchSet,
        model: RIM,
        folder: Path,
        origin: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Trains `model`, or goes on with it; returns what its history says of it."""
        problem = self._problem(stage)
        # The same for every seed, so that trainings can be compared.
        validation = self._sample(
            self.validation_images, stage, stage.num_validation_patches, seed=0
        ).to_numpy()
        described = {
            "data": self.data,
            "color": self.task.color,
            "patch_size": stage.patch_size,
            "patch_stride": stage.patch_stride,
            "num_patches": len(patches),
            "num_validation_patches": len(validation),
            "problem": repr(problem),
            "precision": self.run.dtype,
        }
        seconds = self._estimate_seconds(model, validation, settings, len(patches))
        print(
            f"Training on {count(len(patches), 'patch', 'patches')} of "
            f"{count(len(self.images), 'image')} of {self.data}, "
            f"{count(settings.epochs, 'time')}, batch size {settings.batch_size}; it "
            f"takes about {describe_seconds(seconds)}. {self.run.how_to_go_on}"
        )
        weights_before = _in_short(origin.get("initial_weights"))
        loop.train(
            model,
            problem,
            patches,
            validation,
            settings,
            folder,
            # What decides the result must be the same when the training goes on.
            {
                **described,
                **self.names,
                "initial_weights": weights_before,
                # None, as in trainings that are older than these flags.
                "network": self.network or None,
            },
            {
                **provenance.versions(),
                "devices": self.run.flags["devices"] * machines.num_processes(),
            },
            self.deadline,
        )
        settings = dataclasses.asdict(settings)
        summary = machines.from_first(lambda: record.summary(folder))
        return {**described, "settings": settings, **summary}

    def _begin(self) -> tuple[RIM, dict[str, Any] | None]:
        """Returns the model that the first stage starts from, and its history."""
        name = self.initial_weights
        if name is None:
            # The same for every model of a run.
            keras.utils.set_random_seed(self.run.seed)
            return self._new_model(), None
        source = Path(name).expanduser()
        # A missing file is reported where it is read.
        is_inside = source.resolve().is_relative_to(self.folder.resolve())
        if self.run.flags["overwrite"] and source.exists() and is_inside:
            raise UserError(
                f"--overwrite: it would delete {name}, which is to start from; choose "
                "another --output_dir."
            )
        # One of the user's is known by --cell.
        cell = getattr(cells, self.task.cell, RIMCell)
        color = self.task.color
        model, history = weights.load(name, self.run, color, cell, "initial_weights")
        wants_sigma = self.task.architecture.get("sees_sigma") and not self.cell
        if wants_sigma and not model.cell.sees_sigma:
            model = growing.with_sigma(model)
            print(
                f"The network of {name} gets an input for sigma, whose weights are 0 "
                f"at first: {model.count_params():,} parameters."
            )
        # Of what it learns from now on.
        model.fills_pixels = self.task.fills_pixels
        return model, {**history, "name": source.name}

    def _new_model(self) -> RIM:
        """Returns the task's network, not trained yet; of a user's cell it is tried."""
        task, dtype = self.task, self.run.dtype
        if self.cell:
            cell = cell_files.make(self.cell.file, task.architecture, dtype)
        else:
            cell = getattr(cells, task.cell)(**task.architecture, dtype=dtype)
        try:
            model = RIM(
                *(cell, task.link, task.gradient),
                normalize=task.normalize,
                fills_pixels=task.fills_pixels,
                dtype=dtype,
            )
        except ValueError as error:
            raise UserError(f"--link: {error}") from error
        if self.cell:
            channels = weights.channels_of(task.color)
            cell_files.build_and_check(self.cell.file, model, channels)
        else:
            model.build()
        if self.network:
            print(
                f"A network of {model.count_params():,} parameters, which is not the "
                f"recipe's: {_describe(self.network)}."
            )
        return model

    def _patches(self, stage: Any) -> PatchSet:
        seed = self.run.seed + stage.seed
        return self._sample(self.images, stage, stage.num_patches, seed)

    def _sample(
        self, loaded: Mapping[str, np.ndarray], stage: Any, number: int, seed: int
    ) -> PatchSet:
        convert = images.COLOR_CONVERSIONS[self.task.color]
        converted = [convert(image) for image in loaded.values()]
        try:
            return PatchSet(
                converted, stage.patch_size, stage.patch_stride, number, seed
            )
        except ValueError as error:
            raise UserError(f"--patch_size: {error}") from error

    def _problem(self, stage: Any) -> Problem:
        return getattr(problems, self.task.problem)(**stage.problem)

    def _check_problem(self, stage: Any) -> None:
        """Raises a `UserError` if patches do not have a size that the problem takes."""
        size, channels = stage.patch_size, weights.channels_of(self.task.color)
        patch = keras.ops.zeros((1, size, size, channels))
        try:
            self._problem(stage).draw(patch, keras.random.SeedGenerator(0))
        except ValueError as error:
            raise UserError(f"--patch_size: {error}") from error

    def _estimate_seconds(
        self,
        model: RIM,
        validation: np.ndarray,
        settings: TrainingSettings,
        num_patches: int,
    ) -> float:
        """Returns how long a stage takes; tries the model on validation patches."""
        num_devices = self.run.flags["devices"]
        # A GPU is the faster per patch, the more patches it has at once.
        share = settings.batch_size // (num_devices * machines.num_processes())
        batch = validation[: max(share, 1)]
        seconds = durations.seconds_per_pixel_step(model, batch)
        phases = schedules.plan_phases(
            settings.steps_schedule, settings.num_updates(num_patches)
        )
        steps = schedules.computation(phases) * settings.batch_size
        seconds *= _TRAINING_COST * np.prod(validation.shape[1:3]) * steps
        return float(seconds / devices.speed_up(num_devices))


def _digest(model: RIM) -> str:
    """Returns a hash of all weights."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()


class _OwnCell:
    """A user's cell, and what its file holds when the training begins."""

    def __init__(self, asked: str):
        self.file = cell_files.find(asked)
        self.content = self.file.path.read_bytes()
        self.described = self.file.to_json()


def _describe(network: Mapping[str, Any]) -> str:
    """Says in words what of a network is not the recipe's."""
    said = {**network}
    if "cell" in said:
        said["cell"] = f"{said['cell']['class']} of {said['cell']['file']}"
    return ", ".join(f"{name} {value}" for name, value in said.items())


def _settings(stage: Any, run: Run) -> TrainingSettings:
    """Returns the settings of a stage's training.

    Raises:
      UserError: If the schedule of T is wrong.
    """
    try:
        schedule = tuple(parse_steps_schedule(stage.steps_schedule))
    except ValueError as error:
        raise UserError(f"--steps_schedule: {error}") from error
    names = {field.name for field in dataclasses.fields(TrainingSettings)}
    same = {k: v for k, v in dataclasses.asdict(stage).items() if k in names}
    return TrainingSettings(
        **{
            **same,
            "steps_schedule": schedule,
            "batch_size": stage.batch_size or devices.default_batch_size(),
            "seed": run.seed + stage.seed,
            "checkpoint_minutes": run.flags["checkpoint_minutes"],
        }
    )


def _in_short(history: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Says which weights a stage starts from."""
    keys = ("name", "patches_seen", "validation_psnr")
    return None if history is None else {key: history.get(key) for key in keys}


def _without_images(
    history: Mapping[str, Any], named: Mapping[str, Any]
) -> dict[str, Any]:
    """Leaves out the names of images, in all stages, where they are `named` already."""
    kept = {key: value for key, value in history.items() if named.get(key) != value}
    if "initial_weights" in kept:
        kept["initial_weights"] = _without_images(kept["initial_weights"], named)
    return kept
