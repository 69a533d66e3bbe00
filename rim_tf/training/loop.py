"""The loop of a training: Keras `fit`, round by round, resumable at any moment."""

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from rim_tf.problems import Problem
from rim_tf.rim import RIM
from rim_tf.speed import backend
from rim_tf.training import (
    callbacks,
    devices,
    machines,
    optimizers,
    record,
    schedules,
)
from rim_tf.training.patches import PatchSet
from rim_tf.training.schedules import Phase
from rim_tf.training.settings import LOSSES, TrainingError, TrainingSettings
from rim_tf.training.unrolled import UnrolledRIM


def train(
    rim: RIM,
    problem: Problem,
    patches: PatchSet,
    validation_patches: np.ndarray,
    settings: TrainingSettings,
    output_dir: str | Path,
    description: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
    deadline: float | None = None,
) -> RIM:
    """Trains a RIM, or goes on with an interrupted training in `output_dir`.

    Writes into `output_dir`: `log.csv` with a row per validation, the last state
    with the optimizer's (`last.weights.h5`), the weights with the best validation
    PSNR (`best.weights.h5`), `settings.json`, and `runs.json`. Of several processes,
    see `machines`, the first does.

    Args:
      rim: The model.
      problem: What is drawn for every batch.
      patches: The training patches.
      validation_patches: `(number, height, width, channels)` float32 in [0, 1].
      settings: See `TrainingSettings`.
      output_dir: A folder, made if need be.
      description: What is not among the settings but must be the same when the
        training goes on, for instance the name of the data; JSON values.
      provenance: What is to be remembered of every run that trains, for instance
        versions of the software; goes to `runs.json`.
      deadline: When to have stopped, by `time.monotonic`; None for never.

    Returns:
      `rim` with the weights of the best validation.

    Raises:
      TrainingError: If the patches do not fill one batch, `output_dir` has a
        training with other settings, the optimizer is unknown or cannot use several
        devices, the loss is unknown, or it became infinite or undefined, or a file of
        the training is damaged.
      DeviceError: If the devices in use cannot share a batch.
      callbacks.TimeIsUpError: If the deadline came first; the same call goes on.
    """
    check(settings, len(patches))
    phases = schedules.plan_phases(
        settings.steps_schedule, settings.num_updates(len(patches))
    )
    folder = Path(output_dir)
    everything = {**dataclasses.asdict(settings), **(description or {})}
    if machines.is_first():
        folder.mkdir(parents=True, exist_ok=True)
        record.remember_settings(folder, everything)
    model = compiled_model(rim, problem, settings, phases)
    if machines.from_first((folder / record.CHECKPOINT_FILE).exists):
        _load(model, folder / record.CHECKPOINT_FILE)
    validation = callbacks.Validation(problem, validation_patches)
    done = callbacks.updates_done(model)
    if not 0 <= done <= settings.num_updates(len(patches)):
        raise _damaged(folder / record.CHECKPOINT_FILE, f"it counts {done} updates")
    best = -np.inf
    if machines.is_first():
        if done < settings.num_updates(len(patches)):
            record.remember_run(folder, done, provenance or {})
        best = record.rewind_log(folder, done)
    bar = callbacks.ProgressBar(phases, done, settings.batch_size)
    others = _callbacks(model, validation, settings, folder, best, deadline)
    with contextlib.closing(bar):
        _fit(model, patches, settings, phases, [bar, *others])
    _load(rim, folder / record.BEST_FILE)
    return rim


def _load(model: keras.Model, path: Path) -> None:
    with machines.file_of_first(path) as file:
        try:
            model.load_weights(file)
            # The best weights are read without an optimizer.
            optimizer = getattr(model, "optimizer", None)
            variables = [*model.variables, *(optimizer.variables if optimizer else ())]
            loaded = map(keras.ops.convert_to_numpy, variables)
            if not all(np.isfinite(values).all() for values in loaded):
                raise ValueError("numbers in it are not finite")
        # What is damaged makes HDF5 raise whatever it stumbles over.
        except Exception as error:
            raise _damaged(path, error) from error


def _damaged(path: Path, reason: object) -> TrainingError:
    return TrainingError(
        f"{path} is damaged ({' '.join(str(reason).split())}); delete {path.parent} to "
        "begin this training anew."
    )


def check(settings: TrainingSettings, num_patches: int) -> None:
    """Makes sure before a training that its settings are possible.

    Args:
      settings: Of the training.
      num_patches: Number of training patches.

    Raises:
      TrainingError: If the patches do not fill one batch, the optimizer is unknown or
        cannot use several devices, or the loss is unknown.
      DeviceError: If the devices in use cannot share a batch.
    """
    devices.check_batch_size(settings.batch_size)
    optimizers.check(settings.optimizer)
    if settings.loss not in LOSSES:
        raise TrainingError(
            f"There is no loss {settings.loss!r}; there are {', '.join(LOSSES)}."
        )
    settings.num_updates(num_patches)


def compiled_model(
    rim: RIM, problem: Problem, settings: TrainingSettings, phases: Sequence[Phase]
) -> UnrolledRIM:
    """Returns a RIM that is ready for training, with optimizer and compiled step."""
    model = UnrolledRIM(rim, problem, settings.seed, settings.loss)
    schedule = schedules.WarmupCosine(
        settings.learning_rate, settings.warmup_updates, phases
    )
    optimizer = optimizers.make(settings.optimizer, schedule)
    optimizer.build(model.trainable_variables)
    by_xla = backend.compiles_training_by_xla(devices.num_replicas())
    model.compile(optimizer, jit_compile=by_xla)
    return model


def _callbacks(
    model: UnrolledRIM,
    validation: callbacks.Validation,
    settings: TrainingSettings,
    folder: Path,
    best: float,
    deadline: float | None,
) -> list[keras.callbacks.Callback]:
    """Returns what a training does beside updates; of several processes one writes.

    Their order matters: what one adds to the logs the next ones use, and the
    checkpoint says that all before it is done.
    """
    checkpoint = callbacks.Checkpoint(
        folder / record.CHECKPOINT_FILE, settings.checkpoint_minutes
    )
    timers = []
    if deadline is not None:
        timers.append(callbacks.Deadline(deadline, checkpoint, validation))
    writers = []
    if machines.is_first():
        writers = [
            callbacks.KeepBest(folder / record.BEST_FILE, best),
            *callbacks.tensorboard_callbacks(folder / "tensorboard", validation),
            callbacks.Log(folder / record.LOG_FILE),
            checkpoint,
        ]
    return [
        keras.callbacks.TerminateOnNaN(),
        callbacks.Position(settings.batch_size, model.seconds),
        validation,
        *writers,
        *timers,
    ]


def _fit(
    model: UnrolledRIM,
    patches: PatchSet,
    settings: TrainingSettings,
    phases: Sequence[Phase],
    callback_list: list[keras.callbacks.Callback],
) -> None:
    """Trains from the model's last update to the last of all."""
    order = patches.order(settings.epochs, settings.seed)
    rounds = schedules.plan_rounds(phases, settings.num_validations)
    for number, (num_steps, first_update, num_updates) in enumerate(rounds):
        start = callbacks.updates_done(model)
        end = first_update + num_updates
        if start < end:
            part = order[start * settings.batch_size : end * settings.batch_size]
            data = patches.feed(
                machines.share_of(part, settings.batch_size),
                settings.batch_size // machines.num_processes(),
            )
            _fit_round(model, num_steps, data, end - start, number, callback_list)


def _fit_round(
    model: UnrolledRIM,
    num_steps: int,
    data,
    num_updates: int,
    number: int,
    callback_list: list[keras.callbacks.Callback],
) -> None:
    """Trains one round, which is an epoch for Keras."""
    if model.num_steps != num_steps:
        model.num_steps = num_steps
        model.make_train_function(force=True)
    logs = model.fit(
        data,
        steps_per_epoch=num_updates,
        initial_epoch=number,
        epochs=number + 1,
        callbacks=callback_list,
        shuffle=False,
        verbose=0,
    )
    if not np.isfinite(logs.history["loss"][-1]):
        raise TrainingError(
            f"The loss is not finite after {callbacks.updates_done(model)} updates; "
            "try a lower learning rate."
        )
