"""Training a RIM with Keras `fit`, resumable at any moment (section 3)."""

import csv
import dataclasses
import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from rim_tf import files
from rim_tf.problems import Measurement, Problem
from rim_tf.rim import LOSSES, PAPER_NUM_STEPS, RIM
from rim_tf.speed import precision
from rim_tf.training import callbacks, devices, muon
from rim_tf.training.patches import PatchSet
from rim_tf.training.schedules import Phase, WarmupCosine, plan_phases

CHECKPOINT_FILE = "last.weights.h5"
BEST_FILE = "best.weights.h5"
LOG_FILE = "log.csv"
SETTINGS_FILE = "settings.json"
RUNS_FILE = "runs.json"
OPTIMIZERS = ("adam", muon.NAME)
# Under TensorFlow on a CPU a larger batch that is a multiple of this is divided into
# parts of this size, made one after the other: it takes the memory of one part, and is
# as fast as batches of that size.
_PART_SIZE = 16
# What may change when a training goes on, since its result does not depend on it.
_FREE_SETTINGS = {"checkpoint_minutes"}


class TrainingError(Exception):
    """A training cannot be begun or gone on with; the message says why."""


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """Settings of a training; the defaults are the reproduction's.

    Attributes:
      epochs: How often each patch is visited.
      batch_size: Patches in a batch.
      steps_schedule: Pairs of the number of steps T and the share of the
        computation spent with it, see `rim_tf.training.schedules.plan_phases`.
      loss: One of `rim_tf.rim.LOSSES`: "mse" as in the paper, or "log_mse".
      optimizer: One of `OPTIMIZERS`: "adam" as in the reproduction, or "muon", see
        `rim_tf.training.muon`.
      learning_rate: Peak learning rate.
      warmup_updates: Updates over which the learning rate rises to its peak.
      clip_norm: Bound on the global norm of the gradient; 0 for none.
      seed: Seed of the order of patches, and of what the problem draws for them.
      num_validations: How often the validation patches are restored.
      checkpoint_minutes: Time between checkpoints.
    """

    epochs: int = 2
    batch_size: int = 64
    steps_schedule: tuple[tuple[int, float], ...] = ((PAPER_NUM_STEPS, 1.0),)
    loss: str = "mse"
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    warmup_updates: int = 100
    clip_norm: float = 1.0
    seed: int = 0
    num_validations: int = 20
    checkpoint_minutes: float = 5.0


class UnrolledRIM(keras.Model):
    """A RIM with the problem that it is trained on: clean images in, estimates out.

    Args:
      rim: The model to train.
      problem: What is drawn for every batch.
      seed: Seed of what is drawn.
      loss: One of `rim_tf.rim.LOSSES`.
    """

    def __init__(self, rim: RIM, problem: Problem, seed: int, loss: str = "mse"):
        super().__init__(dtype="float32")
        self.rim = rim
        self.problem = problem
        self.noise_seed = keras.random.SeedGenerator(seed)
        self.num_steps = rim.num_steps
        self.loss_over_steps = LOSSES[loss]
        self.seconds = 0.0
        if not rim.built:
            rim.build()
        self.built = True

    def call(self, clean):
        """Measures clean images and returns the RIM's estimates of them."""
        return self._restore(self._measure(clean))

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Returns the mean of the loss over the steps, equation 8.

        On several devices that is this one's part of it: Keras adds them up.
        """
        return ops.mean(self.loss_over_steps(y_pred, x)) / devices.num_replicas()

    def train_step(self, *args: Any):
        """Makes an update; on a CPU a large batch goes through the RIM in parts."""
        clean = keras.utils.unpack_x_y_sample_weight(args[-1])[0]
        if not _is_made_in_parts(clean):
            return super().train_step(*args)
        loss, gradients = self._loss_and_gradients(clean)
        self.optimizer.apply_gradients(
            zip(gradients, self.trainable_variables, strict=True)
        )
        (mean_loss,) = self.metrics
        mean_loss.update_state(loss * devices.num_replicas())
        return {mean_loss.name: mean_loss.result()}

    def _measure(self, clean) -> Measurement:
        return devices.draw_share(self.problem, clean, self.noise_seed)

    def _restore(self, measurement: Measurement):
        return self.rim(
            measurement.observation,
            sigma=measurement.sigma,
            forward_model=measurement.forward_model,
            num_steps=self.num_steps,
        )

    def _loss_and_gradients(self, clean):
        """Returns a batch's loss and gradients, in the memory that one part takes."""
        import tensorflow as tf

        measurement = self._measure(clean)
        variables = self.trainable_variables
        # An operator for each image cannot be divided from outside.
        one_for_all = measurement.forward_model.num_images is None
        part_size = _PART_SIZE if one_for_all else clean.shape[0]
        num_parts = clean.shape[0] // part_size

        def add_part(totals, part):
            clean, observation, sigma = part
            with tf.GradientTape() as tape:
                estimates = self._restore(
                    measurement._replace(observation=observation, sigma=sigma)
                )
                loss = self.compute_loss(x=clean, y_pred=estimates) / num_parts
            gradients = tape.gradient(
                loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            values = [loss, *gradients]
            return [total + value for total, value in zip(totals, values, strict=True)]

        loss, *gradients = tf.foldl(
            add_part,
            [
                ops.reshape(batch, (num_parts, part_size, *batch.shape[1:]))
                for batch in (clean, measurement.observation, measurement.sigma)
            ],
            [tf.zeros(()), *(tf.zeros(variable.shape) for variable in variables)],
            parallel_iterations=1,
        )
        return loss, gradients

    # A checkpoint knows the position in the sequence of random numbers, and for how
    # long the training ran.

    def save_own_variables(self, store) -> None:
        super().save_own_variables(store)
        store["noise_seed"] = ops.convert_to_numpy(self.noise_seed.state)
        store["seconds"] = np.float64(self.seconds)

    def load_own_variables(self, store) -> None:
        self.noise_seed.state.assign(np.asarray(store["noise_seed"]))
        self.seconds = float(np.asarray(store["seconds"]))


def train(
    rim: RIM,
    problem: Problem,
    patches: PatchSet,
    validation_patches: np.ndarray,
    settings: TrainingSettings,
    output_dir: str | Path,
    description: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> RIM:
    """Trains a RIM, or goes on with an interrupted training in `output_dir`.

    Writes into `output_dir`: `log.csv` with a row per validation, the last state
    with the optimizer's (`last.weights.h5`), the weights with the best validation
    PSNR (`best.weights.h5`), `settings.json`, and `runs.json`.

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

    Returns:
      `rim` with the weights of the best validation.

    Raises:
      TrainingError: If the patches do not fill one batch, `output_dir` has a
        training with other settings, the optimizer is unknown or cannot use several
        devices, the loss is unknown, or it became infinite or undefined.
      DeviceError: If the devices in use cannot share a batch.
    """
    check(settings, len(patches))
    num_updates = settings.epochs * len(patches) // settings.batch_size
    output_dir = Path(output_dir)
    output_dir.mkdir(parents=True, exist_ok=True)
    _remember_settings(
        output_dir / SETTINGS_FILE,
        {**dataclasses.asdict(settings), **(description or {})},
    )

    phases = plan_phases(settings.steps_schedule, num_updates)
    model = compiled_model(rim, problem, settings, phases)
    if (output_dir / CHECKPOINT_FILE).exists():
        model.load_weights(output_dir / CHECKPOINT_FILE)
    num_updates_done = callbacks.updates_done(model)
    history = _rewind_log(output_dir / LOG_FILE, num_updates_done)
    if num_updates_done < num_updates:
        _remember_run(output_dir / RUNS_FILE, num_updates_done, provenance or {})

    validation = callbacks.Validation(problem, validation_patches)
    progress_bar = callbacks.ProgressBar(
        total_computation(settings, len(patches)),
        computation(phases, num_updates_done) * settings.batch_size,
        settings.batch_size,
    )
    # Their order matters: what one adds to the logs the next ones use, and the
    # checkpoint says that all before it is done.
    callback_list = [
        progress_bar,
        keras.callbacks.TerminateOnNaN(),
        callbacks.Position(settings.batch_size, model.seconds),
        validation,
        callbacks.KeepBest(
            output_dir / BEST_FILE,
            max((float(row["val_psnr"]) for row in history), default=-np.inf),
        ),
        *callbacks.tensorboard_callbacks(output_dir / "tensorboard", validation),
        keras.callbacks.CSVLogger(str(output_dir / LOG_FILE), append=True),
        callbacks.Checkpoint(output_dir / CHECKPOINT_FILE, settings.checkpoint_minutes),
    ]
    order = patches.order(settings.epochs, settings.seed)
    rounds = plan_rounds(phases, settings.num_validations)
    for number, (num_steps, first_update, num_updates) in enumerate(rounds):
        start = callbacks.updates_done(model)
        end = first_update + num_updates
        if start < end:
            part = order[start * settings.batch_size : end * settings.batch_size]
            data = _batches(patches, part, settings.batch_size)
            _fit_round(model, num_steps, data, end - start, number, callback_list)
    progress_bar.close()
    rim.load_weights(output_dir / BEST_FILE)
    return rim


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
    _check_known("optimizer", settings.optimizer, OPTIMIZERS)
    _check_known("loss", settings.loss, LOSSES)
    _check_devices(settings.optimizer)
    if settings.epochs * num_patches < settings.batch_size:
        raise TrainingError(
            f"{settings.epochs} x {num_patches} patches do not fill a batch of "
            f"{settings.batch_size}."
        )


def computation(phases: Sequence[Phase], updates: int) -> int:
    """Returns the sum of T over the first `updates` updates."""
    return sum(
        phase.num_steps * min(max(updates - phase.first_update, 0), phase.num_updates)
        for phase in phases
    )


def total_computation(settings: TrainingSettings, num_patches: int) -> int:
    """Returns the computation of a whole training, in steps of single patches."""
    num_updates = settings.epochs * num_patches // settings.batch_size
    phases = plan_phases(settings.steps_schedule, num_updates)
    return computation(phases, num_updates) * settings.batch_size


def summary(output_dir: str | Path) -> dict[str, Any]:
    """Returns the end and the best validation of a training, and the runs it took."""
    output_dir = Path(output_dir)
    with (output_dir / LOG_FILE).open(newline="") as file:
        rows = list(csv.DictReader(file))
    best = max(rows, key=lambda row: float(row["val_psnr"]))
    return {
        "updates": int(rows[-1]["updates"]),
        "patches_seen": int(rows[-1]["patches"]),
        "seconds": float(rows[-1]["seconds"]),
        "best_after_updates": int(best["updates"]),
        "validation_psnr": round(float(best["val_psnr"]), 3),
        "runs": json.loads((output_dir / RUNS_FILE).read_text()),
    }


def plan_rounds(phases: Sequence[Phase], num_rounds: int) -> list[Phase]:
    """Divides phases into about `num_rounds` rounds of equal computation.

    A validation follows each round.
    """
    total = sum(phase.num_steps * phase.num_updates for phase in phases)
    rounds = []
    for steps, first, updates in phases:
        number = max(1, round(num_rounds * steps * updates / total))
        bounds = np.linspace(first, first + updates, min(number, updates) + 1)
        bounds = np.rint(bounds).astype(int).tolist()
        rounds += [
            Phase(steps, start, end - start)
            for start, end in itertools.pairwise(bounds)
        ]
    return rounds


def compiled_model(
    rim: RIM, problem: Problem, settings: TrainingSettings, phases: Sequence[Phase]
) -> UnrolledRIM:
    """Returns a RIM that is ready for training, with optimizer and compiled step."""
    model = UnrolledRIM(rim, problem, settings.seed, settings.loss)
    schedule = WarmupCosine(settings.learning_rate, settings.warmup_updates, phases)
    several = devices.num_replicas() > 1
    if settings.optimizer == muon.NAME:
        optimizer = muon.ConvolutionMuon(schedule, settings.clip_norm)
    elif several:
        optimizer = devices.ClippedAdam(schedule, settings.clip_norm)
    else:
        optimizer = keras.optimizers.Adam(schedule, global_clipnorm=settings.clip_norm)
    optimizer.build(model.trainable_variables)
    # XLA is slower than the plain graph on a CPU, and the right choice on a GPU; it
    # does not compile what TensorFlow's devices exchange.
    model.compile(
        optimizer,
        jit_compile=keras.backend.backend() == "jax"
        or (precision.has_gpu() and not several),
    )
    return model


def _check_known(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise TrainingError(
            f"There is no {what} {name!r}; there are {', '.join(known)}."
        )


def _check_devices(optimizer: str) -> None:
    # Under TensorFlow each device would clip the gradient of its own share.
    if optimizer == muon.NAME and devices.num_replicas() > 1:
        raise TrainingError(
            f"The optimizer {optimizer} trains on one device only; take one, or adam."
        )


def _is_made_in_parts(clean) -> bool:
    """Says whether to divide a batch into parts, made one after the other."""
    return (
        keras.backend.backend() == "tensorflow"
        and not precision.has_gpu()
        and clean.shape[0] is not None
        and clean.shape[0] > _PART_SIZE
        and clean.shape[0] % _PART_SIZE == 0
    )


def _batches(patches: PatchSet, order: np.ndarray, batch_size: int):
    if keras.backend.backend() == "tensorflow":
        return patches.dataset(order, batch_size)
    # Keras wants tuples from a generator.
    return ((batch,) for batch in patches.batches(order, batch_size))


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


def _remember_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Writes the settings, or compares them with those of an earlier run."""
    text = json.dumps(settings, indent=2)
    if path.exists():
        # Settings that it did not have yet were what is the default now.
        defaults = dataclasses.asdict(TrainingSettings())
        earlier = {**defaults, **json.loads(path.read_text())}
        changed = [
            name
            for name, value in json.loads(text).items()
            if name not in _FREE_SETTINGS and earlier.get(name) != value
        ]
        if changed:
            raise TrainingError(
                f"{path.parent} has a training with other settings "
                f"({', '.join(changed)}); choose another folder, or delete it to "
                "begin anew."
            )
        return
    with files.replacing(path) as temporary:
        temporary.write_text(text)


def _remember_run(path: Path, updates_done: int, provenance: Mapping[str, Any]) -> None:
    """Adds a run to the list of those that a training took."""
    runs = json.loads(path.read_text()) if path.exists() else []
    runs.append({"from_update": updates_done, **provenance})
    with files.replacing(path) as temporary:
        temporary.write_text(json.dumps(runs, indent=2))


def _rewind_log(path: Path, updates_done: int) -> list[dict[str, str]]:
    """Removes rows later than the checkpoint and returns the others."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        rows = [
            row for row in csv.DictReader(file) if int(row["updates"]) <= updates_done
        ]
    if not rows:
        path.unlink()
        return []
    with files.replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return rows
