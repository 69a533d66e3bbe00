"""How the number of steps T and the learning rate change during a training."""

import itertools
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


def plan_rounds(phases: Sequence[Phase], num_rounds: int) -> list[Phase]:
    """Divides phases into about `num_rounds` rounds of equal computation.

    A validation follows each round.
    """
    total = computation(phases)
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


def computation(phases: Sequence[Phase], updates: int | None = None) -> int:
    """Returns the sum of T over the first `updates` updates; over all if None."""
    if updates is None:
        return sum(phase.num_steps * phase.num_updates for phase in phases)
    return sum(
        phase.num_steps * min(max(updates - phase.first_update, 0), phase.num_updates)
        for phase in phases
    )


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
        total = computation(self.phases)
        cosine = 0.5 * (1.0 + ops.cos(math.pi * done / total))
        warmup = ops.minimum((update + 1.0) / max(self.warmup_updates, 1), 1.0)
        return self.peak * warmup * cosine

    def get_config(self) -> dict[str, Any]:
        return {
            "peak": self.peak,
            "warmup_updates": self.warmup_updates,
            "phases": [list(phase) for phase in self.phases],
        }
