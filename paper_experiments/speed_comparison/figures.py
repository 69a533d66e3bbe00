"""What is compared: the figures, their goals, and what measures them.

A goal is a ratio to the old build. Those here are of a comparison with version 0.1.
"""

import dataclasses
from collections.abc import Sequence

from paper_experiments.common.errors import UserError

# Keys of what a peer prints.
PEER_RESTORE, PEER_TRAIN = "restore_320x480_s", "train_patches_per_s"


@dataclasses.dataclass(frozen=True)
class Measurement:
    """A function of `measure.py`.

    Attributes:
      name: Its name.
      seconds: About what it takes on two cores of a Zen 4, once.
      rounds: How often it is run for each build: five times for what takes less than
        two minutes, three times for less than ten.
    """

    name: str
    seconds: float
    rounds: int = 5


@dataclasses.dataclass(frozen=True)
class Figure:
    """Something that a user waits for, or memory.

    Attributes:
      key: Its name, in `--figures` and in what is measured.
      measurement: Name of what measures it.
      what: Its row's name.
      unit: "s", "MB" or "patches/s".
      goal: The ratio to the old build that is to be reached; None for none.
      instead: Key of what is compared with where the old build does not have this.
      peer: Key of what the peer prints of it.
      peer_goal: How many times as fast as the peer the new build is to be.
    """

    key: str
    measurement: str
    what: str
    unit: str = "s"
    goal: float | None = None
    instead: str | None = None
    peer: str | None = None
    peer_goal: float | None = None

    @property
    def is_rate(self) -> bool:
        """Whether more is better."""
        return self.unit.endswith("/s")

    def is_reached(self, ratio: float) -> bool:
        """Says whether a ratio to the old build is as good as the goal."""
        return ratio >= self.goal if self.is_rate else ratio <= self.goal


# Those of restoring and training first: a peer has its turn among them.
MEASUREMENTS = (
    Measurement("restore", 60),
    Measurement("train", 35),
    Measurement("train_lean", 35),
    Measurement("restore_large", 120, rounds=3),
    Measurement("first_result", 20),
    Measurement("help", 35),
    Measurement("table2_embedded", 300, rounds=3),
    Measurement("table2", 400, rounds=3),
    Measurement("tests", 700, rounds=1),
)
PEER = Measurement("peer", 100)

FIGURES = (
    Figure(
        "restore_auto_s",
        "restore",
        'restoring 320 x 480, `num_steps="auto"`',
        goal=0.5,
        instead="restore_s",
        peer=PEER_RESTORE,
        peer_goal=3,
    ),
    Figure(
        "restore_s",
        "restore",
        "restoring 320 x 480, T = 20",
        goal=0.9,
        peer=PEER_RESTORE,
        peer_goal=1.7,
    ),
    Figure(
        "large_peak_mb",
        "restore_large",
        "memory for 1920 x 1080, T = 20",
        unit="MB",
        goal=0.5,
    ),
    Figure(
        "large_s",
        "restore_large",
        "restoring 1920 x 1080, T = 20, the first time",
        goal=1.05,
    ),
    Figure("import_s", "first_result", "start to the end of `import rim_tf`"),
    Figure("load_s", "first_result", "start to the end of `load_pretrained`"),
    Figure(
        "first_result_s",
        "first_result",
        "start to the first restored 128 x 128",
        goal=0.5,
    ),
    Figure(
        "startup_s", "train", "start to the end of the first training step", goal=0.5
    ),
    Figure(
        "train_patches_per_s",
        "train",
        "training, T = 20",
        unit="patches/s",
        goal=1.2,
        peer=PEER_TRAIN,
        peer_goal=2,
    ),
    Figure("train_peak_mb", "train", "memory in training", unit="MB"),
    Figure(
        "lean_peak_mb",
        "train_lean",
        "memory in training, with the option that saves it",
        unit="MB",
        goal=0.6,
        instead="train_peak_mb",
    ),
    Figure(
        "lean_patches_per_s",
        "train_lean",
        "training with that option",
        unit="patches/s",
        # At most 1.1 times as long.
        goal=0.91,
        instead="train_patches_per_s",
    ),
    Figure(
        "table2_s",
        "table2",
        "`table2_denoise.py`, all of BSDS-300, defaults, scaled from a few images",
        goal=0.45,
    ),
    Figure(
        "table2_embedded_s",
        "table2_embedded",
        "`table2_denoise.py --dataset=embedded`, no compilations of before",
        goal=0.5,
    ),
    Figure("tests_s", "tests", "the tests, as the README runs them", goal=0.8),
    Figure("help_s", "help", "`--help`, mean over the scripts", goal=0.25),
)


def choose(keys: Sequence[str]) -> list[Figure]:
    """Returns the figures of these keys, in the order of the table.

    Raises:
      UserError: If there is no such figure.
    """
    known = [figure.key for figure in FIGURES]
    unknown = [key for key in keys if key not in known]
    if unknown or not keys:
        raise UserError(
            f"--figures: there is no figure {', '.join(unknown) or 'without a name'}; "
            f"there are {', '.join(known)}, or all."
        )
    return [figure for figure in FIGURES if figure.key in keys]


def measurements_of(figures: Sequence[Figure]) -> list[Measurement]:
    """Returns what measures these figures, and what they are compared with."""
    keys = {key for figure in figures for key in (figure.key, figure.instead)}
    names = {figure.measurement for figure in FIGURES if figure.key in keys}
    return [m for m in MEASUREMENTS if m.name in names]
