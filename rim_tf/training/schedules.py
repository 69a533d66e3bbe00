"""How the number of steps T and the learning rate change during a training."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops


class Phase(NamedTuple):
    """A part of a training with one number of steps.

    Attributes:
      num_steps: T.
      first_update: Number of the phase's first update of the parameters.
      num_updates: Its number of updates.
    """

    num_steps: int
    first_update: int
    num_updates: int


def parse_steps_schedule(text: str) -> list[tuple[int, float]]:
    """Reads a schedule of T such as "5:0.4,10:0.3,20:0.3", or "20" for one T.

    Returns:
      Pairs of T and the share of the computation spent with it.

    Raises:
      ValueError: If the text is no such list, or the shares do not add up to 1.
    """
    pairs = []
    for part in text.split(","):
        steps, _, share = part.partition(":")
        try:
            pairs.append((int(steps), float(share or 1.0)))
        except ValueError:
            raise ValueError(
                f"{text!r} is not a schedule of steps; write 20, or "
                "5:0.4,10:0.3,20:0.3 for T:share of the computation."
            ) from None
    if any(steps < 1 or share <= 0 for steps, share in pairs):
        raise ValueError(f"{text!r}: T must be at least 1 and shares above 0.")
    if not math.isclose(sum(share for _, share in pairs), 1.0, abs_tol=1e-6):
        raise ValueError(f"{text!r}: the shares must add up to 1.")
    return pairs


def plan_phases(schedule: Sequence[tuple[int, float]], num_updates: int) -> list[Phase]:
    """Divides a training's updates into phases.

    An update with T steps costs T times as much as one with a single step. So
    a share f of the computation with T steps is f / T of the updates, up to a
    common factor.

    Args:
      schedule: Pairs of T and its share of the computation.
      num_updates: Number of updates of the whole training.

    Returns:
      Consecutive phases that together have `num_updates` updates.
    """
    weights = np.array([share / steps for steps, share in schedule])
    ends = np.rint(np.cumsum(weights) / weights.sum() * num_updates).astype(int)
    starts = [0, *ends[:-1]]
    return [
        Phase(steps, int(start), int(end - start))
        for (steps, _), start, end in zip(schedule, starts, ends, strict=True)
        if end > start
    ]


@keras.saving.register_keras_serializable(package="rim_tf")
class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """A linear warm-up, then a half cosine down to zero.

    The cosine runs over the share of the computation that is done. With one T
    that is the share of the updates; in a growing schedule the learning rate is
    still high when the long phases begin.

    Args:
      peak: The highest learning rate.
      warmup_updates: Length of the warm-up.
      phases: The phases of the training, see `plan_phases`.
    """

    def __init__(self, peak: float, warmup_updates: int, phases: Sequence[Sequence]):
        self.peak = peak
        self.warmup_updates = warmup_updates
        self.phases = [Phase(*phase) for phase in phases]

    def __call__(self, update):
        """Returns the learning rate of an update, counted from 0."""
        update = ops.cast(update, "float32")
        done = sum(
            phase.num_steps
            * ops.clip(update - phase.first_update, 0, phase.num_updates)
            for phase in self.phases
        )
        total = sum(phase.num_steps * phase.num_updates for phase in self.phases)
        cosine = 0.5 * (1.0 + ops.cos(math.pi * done / total))
        warmup = ops.minimum((update + 1.0) / max(self.warmup_updates, 1), 1.0)
        return self.peak * warmup * cosine

    def get_config(self) -> dict[str, Any]:
        return {
            "peak": self.peak,
            "warmup_updates": self.warmup_updates,
            "phases": [list(phase) for phase in self.phases],
        }
