"""Keras callbacks of a training: progress, validation, checkpoints, TensorBoard."""

import contextlib
import csv
import io
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from rim_tf import files, metrics, restoration
from rim_tf.problems import Problem
from rim_tf.training import machines
from rim_tf.training.schedules import Phase, computation

# The same whatever the seed of the training, and another stream than that of any.
_VALIDATION_SEED = 170604008
# Patches that are restored at once. Few, since a problem may draw the kind of forward
# model for all of them together: of many kinds each should have its turn.
_VALIDATION_BATCH_SIZE = 16


def updates_done(model: keras.Model) -> int:
    """Returns how many updates the optimizer has made, on any number of devices."""
    return int(ops.convert_to_numpy(model.optimizer.iterations))


class ProgressBar(keras.callbacks.Callback):
    """One progress bar for the whole training, with patches/s and the time left.

    The bar measures computation, not updates: with a growing number of steps T
    the time that is left is right from the start.

    Args:
      phases: The phases of the training.
      done: Updates that an earlier, interrupted run has made.
      batch_size: Patches in a batch.
    """

    def __init__(self, phases: Sequence[Phase], done: int, batch_size: int):
        super().__init__()
        self.batch_size = batch_size
        self._bar = tqdm(
            total=computation(phases) * batch_size,
            initial=computation(phases, done) * batch_size,
            desc="training",
            bar_format="{l_bar}{bar}| {elapsed}, {remaining} left{postfix}",
            mininterval=1.0,
            smoothing=0.05,
            disable=not machines.is_first(),
        )
        self._last_time = None
        self._rate = None

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self._last_time = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None) -> None:
        # Reading the loss waits for the accelerator, so it comes before the clock.
        loss = float(logs["loss"])
        now = time.perf_counter()
        rate = self.batch_size / (now - self._last_time)
        self._last_time = now
        # The first batches compile.
        self._rate = rate if batch < 2 else 0.95 * self._rate + 0.05 * rate
        self._bar.set_postfix_str(
            f"{self._rate:.1f} patches/s, T = {self._model.num_steps}, loss {loss:.5f}",
            refresh=False,
        )
        self._bar.update(self.batch_size * self._model.num_steps)

    def close(self) -> None:
        """Ends the line of the bar."""
        self._bar.close()


class Checkpoint(keras.callbacks.Callback):
    """Saves the whole state of the training, optimizer included, every few minutes.

    Everything else about a training's position follows from the optimizer's count
    of updates. The file is complete at any moment.

    Args:
      path: The file, ending in `.weights.h5`.
      minutes: Least time between two checkpoints.
    """

    def __init__(self, path: Path, minutes: float):
        super().__init__()
        self.path = path
        self.seconds = 60.0 * minutes
        self._last_time = time.monotonic()

    def on_train_batch_end(self, batch, logs=None) -> None:
        # After the last batch of a round the validation comes first: a checkpoint
        # in between would say that it is done.
        is_last = batch + 1 >= self.params["steps"]
        if not is_last and time.monotonic() - self._last_time >= self.seconds:
            self.save(logs)

    def on_epoch_end(self, epoch, logs=None) -> None:
        self.save(logs)

    def save(self, logs) -> None:
        """Saves the state, unless it is not finite, or another process does it."""
        if not machines.is_first():
            return
        # A state that is lost already must not take the place of a good one.
        weights = self.model.rim.get_weights()
        if not np.isfinite(logs["loss"]) or not all(
            np.isfinite(weight).all() for weight in weights
        ):
            return
        with machines.alone():
            files.save_weights(self.model, self.path)
        self._last_time = time.monotonic()


class TimeIsUpError(Exception):
    """The training stopped, at a checkpoint, before the time given was over."""


class Deadline(keras.callbacks.Callback):
    """Stops the training at a checkpoint before a deadline.

    Args:
      deadline: When to have stopped, by `time.monotonic`.
      checkpoint: What saves the state.
      validation: What follows the last batch of a round, and takes its time.
    """

    def __init__(
        self, deadline: float, checkpoint: Checkpoint, validation: "Validation"
    ):
        super().__init__()
        self.deadline = deadline
        self.checkpoint = checkpoint
        self.validation = validation
        self._longest_batch = 0.0
        self._last_time = None

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self._last_time = time.monotonic()
        # What came before is saved.
        if self._is_over(next_is_last=self.params["steps"] == 1):
            raise TimeIsUpError

    def on_train_batch_end(self, batch, logs=None) -> None:
        now = time.monotonic()
        # The first batch of a round compiles, perhaps.
        if batch > 0:
            self._longest_batch = max(self._longest_batch, now - self._last_time)
        self._last_time = now
        left = self.params["steps"] - 1 - batch
        if left > 0 and self._is_over(next_is_last=left == 1):
            self.checkpoint.save(logs)
            raise TimeIsUpError

    def _is_over(self, next_is_last: bool) -> bool:
        """Says whether the deadline could come before the next batch is saved."""
        # A checkpoint takes about as long as a batch.
        needed = 3 * self._longest_batch
        if next_is_last:
            needed += self.validation.seconds or (
                self.validation.num_batches * self._longest_batch
            )
        # Processes that train together stop together.
        return machines.from_first(lambda: time.monotonic() + needed > self.deadline)


class Validation(keras.callbacks.Callback):
    """Restores the validation patches and adds `val_psnr` to the logs.

    The same measurements are drawn every time, whatever the seed of the training, so
    that trainings can be compared.

    Args:
      problem: What is drawn for the patches.
      patches: `(number, height, width, channels)` float32 in [0, 1].
      batch_size: Patches restored at once.

    Attributes:
      psnr: After a validation: `(num_steps,)` float64, mean PSNR of each step.
      strip: The estimates of the first patch side by side, `(height, (num_steps +
        1) * width, channels)`, the clean patch last.
      seconds: How long the last validation took; 0 before the first.
    """

    def __init__(
        self,
        problem: Problem,
        patches: np.ndarray,
        batch_size: int = _VALIDATION_BATCH_SIZE,
    ):
        super().__init__()
        self.problem = problem
        self.patches = patches
        self.batch_size = batch_size
        self.psnr = None
        self.strip = None
        self.seconds = 0.0

    @property
    def num_batches(self) -> int:
        """Number of batches that are restored."""
        return math.ceil(len(self.patches) / self.batch_size)

    def on_epoch_end(self, epoch, logs) -> None:
        rim = self.model.rim
        begun = time.monotonic()
        seed = keras.random.SeedGenerator(_VALIDATION_SEED)
        values = []
        for start in range(0, len(self.patches), self.batch_size):
            clean = self.patches[start : start + self.batch_size]
            measurement = self.problem.draw(ops.convert_to_tensor(clean), seed)
            estimates = [
                ops.convert_to_numpy(estimate)
                for estimate in restoration.iterate(
                    rim,
                    measurement.observation,
                    measurement.forward_model,
                    measurement.sigma,
                    # As in the training step.
                    normalize=False,
                )
            ]
            values.append([metrics.psnr(e, clean) for e in estimates])
            if start == 0:
                self.strip = np.concatenate([*(e[0] for e in estimates), clean[0]], 1)
        self.psnr = metrics.mean(np.concatenate(values, axis=1), axis=1)
        logs["val_psnr"] = float(self.psnr[-1])
        self.seconds = time.monotonic() - begun


class KeepBest(keras.callbacks.Callback):
    """Saves the RIM's weights whenever `val_psnr` is the highest so far.

    Args:
      path: The file, ending in `.weights.h5`.
      best: The highest value of an earlier, interrupted run.
    """

    def __init__(self, path: Path, best: float = -np.inf):
        super().__init__()
        self.path = path
        self.best = best

    def on_epoch_end(self, epoch, logs) -> None:
        if logs["val_psnr"] > self.best:
            self.best = logs["val_psnr"]
            with machines.alone():
                files.save_weights(self.model.rim, self.path)


class Position(keras.callbacks.Callback):
    """Adds to the logs where the training stands: updates, patches, T, seconds.

    Args:
      batch_size: Patches in a batch.
      seconds: What an earlier, interrupted run took.
    """

    def __init__(self, batch_size: int, seconds: float = 0.0):
        super().__init__()
        self.batch_size = batch_size
        self._start = time.monotonic() - seconds

    def on_train_batch_end(self, batch, logs=None) -> None:
        # Not `self.model`, which waits for the accelerator.
        self._model.seconds = time.monotonic() - self._start

    def on_epoch_end(self, epoch, logs) -> None:
        updates = updates_done(self.model)
        logs["updates"] = updates
        logs["patches"] = updates * self.batch_size
        logs["num_steps"] = self.model.num_steps
        logs["learning_rate"] = float(
            ops.convert_to_numpy(self.model.optimizer.learning_rate)
        )
        logs["seconds"] = round(time.monotonic() - self._start, 1)


class Log(keras.callbacks.Callback):
    """Adds all logs as a row to a CSV file, which is whole at any moment.

    Args:
      path: The file.
    """

    def __init__(self, path: Path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs) -> None:
        row = {"epoch": epoch, **dict(sorted(logs.items()))}
        text = io.StringIO()
        writer = csv.DictWriter(text, row, lineterminator="\n")
        if self.path.exists():
            text.write(self.path.read_text())
        else:
            writer.writeheader()
        writer.writerow(row)
        files.write_text(self.path, text.getvalue())


def tensorboard_callbacks(folder: Path, validation: Validation) -> list[Any]:
    """Returns the TensorBoard callback, or nothing where it is not installed."""
    try:
        import tensorboard  # noqa: F401
        import tensorflow as tf
    except ImportError:
        return []

    @contextlib.contextmanager
    def saying_what_failed() -> Iterator[None]:
        try:
            yield
        except tf.errors.OpError as error:
            raise files.NotWrittenError(
                f"{folder} cannot be written: {error.message}; mend that, and start "
                "again."
            ) from error

    class TensorBoard(keras.callbacks.Callback):
        """Writes the loss, PSNR per step, and a strip of estimates over t."""

        def __init__(self):
            super().__init__()
            with saying_what_failed():
                self.writer = tf.summary.create_file_writer(str(folder))

        def on_epoch_end(self, epoch, logs) -> None:
            step = logs["updates"]
            with saying_what_failed(), self.writer.as_default():
                tf.summary.scalar("loss", logs["loss"], step)
                tf.summary.scalar("validation/psnr", logs["val_psnr"], step)
                for t, value in enumerate(validation.psnr, start=1):
                    tf.summary.scalar(f"validation_psnr_per_t/{t:02d}", value, step)
                tf.summary.image("estimates_over_t", validation.strip[None], step)
                self.writer.flush()

    return [TensorBoard()]
