"""The settings of a training."""

import dataclasses
import math

from rim_tf.rim import PAPER_NUM_STEPS

# By the names of `rim_tf.losses.get`.
LOSSES = ("mse", "log_mse")
# Bound on the global norm of the gradient.
CLIP_NORM = 1.0


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
      loss: One of `LOSSES`: "mse" as in the paper, or "log_mse".
      optimizer: "adam" as in the reproduction, "muon", see `rim_tf.training.muon`, or
        the name of another one of Keras, see `rim_tf.training.optimizers`.
      learning_rate: Peak learning rate.
      warmup_updates: Updates over which the learning rate rises to its peak.
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
    seed: int = 0
    num_validations: int = 20
    checkpoint_minutes: float = 5.0

    def num_updates(self, num_patches: int) -> int:
        """Returns the number of updates of a training on that many patches.

        Raises:
          TrainingError: If the patches do not fill one batch.
        """
        if self.epochs * num_patches < self.batch_size:
            raise TrainingError(
                f"{self.epochs} x {num_patches} patches do not fill a batch of "
                f"{self.batch_size}."
            )
        return self.epochs * num_patches // self.batch_size


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
