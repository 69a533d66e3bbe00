"""Choices made together: steps of all of them in one protocol."""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

from paper_experiments.choices import groups
from paper_experiments.choices.measurement import Values
from paper_experiments.choices.methods import Baseline
from paper_experiments.choices.steps import (
    OURS,
    Choice,
    NotMeasurableError,
    Photograph,
    Steps,
)

# On more images a pattern is hardly clearer.
_MOST_IMAGES = 8


def fit(choices: Iterable[Choice], condition: str) -> bool:
    """Returns whether choices can be made together: no step twice."""
    steps = [step for c in choices for step in c.changed(condition) or {}]
    return len(set(steps)) == len(steps)


def can_be_made(choices: Iterable[Choice]) -> bool:
    """Returns whether the libraries are there."""
    return all(c.made_by is not None and c.is_importable for c in choices)


def steps_of(choices: Iterable[Choice], condition: str) -> Steps:
    """Returns the protocol with all choices made.

    Args:
      choices: Of which no two make the same step.
      condition: "sigma 25", "x2" and so on.
    """
    steps = OURS[condition]
    for choice in choices:
        steps = dataclasses.replace(steps, **(choice.changed(condition) or {}))
    return steps


def measure(
    steps: Steps, photographs: Mapping[str, Photograph], ids: Iterable[str], seed: int
) -> Values:
    """Returns the values of the baseline by id of the image.

    Args:
      steps: From an image to a number.
      photographs: Test images by id.
      ids: Which of them.
      seed: Seed of the noise.
    """
    found = {}
    for i in ids:
        estimate = steps.estimate(photographs[i], Baseline(), seed)
        found[i] = round(steps.value(photographs[i], estimate), 4)
    return found


@dataclasses.dataclass
class Maker:
    """Makes choices together, to see what they change then.

    Attributes:
      load: Returns test images by id; called when the first choices are made.
      condition: "sigma 25", "x2" and so on.
      seed: Seed of the noise.
      missing: Names of choices that could not be made here.
    """

    load: Callable[[], Mapping[str, Photograph]]
    condition: str
    seed: int = 0
    missing: list[str] = dataclasses.field(default_factory=list)
    _photographs: Mapping[str, Photograph] | None = None

    def __call__(
        self, names: Sequence[Sequence[str]], ids: Sequence[str]
    ) -> Values | None:
        """Returns the baseline's values with all choices made, of some of the images.

        Args:
          names: For each choice the names of those that make the same values.
          ids: Of images.

        Returns:
          By id; None if these choices cannot be made here.
        """
        if self._photographs is None:
            self._photographs = self.load()
        known = [i for i in ids if i in self._photographs][:_MOST_IMAGES]
        for pair in itertools.product(*names):
            choices = [groups.BY_NAME[name] for name in pair]
            if not fit(choices, self.condition):
                continue
            if not can_be_made(choices):
                self.missing += [c.name for c in choices if not can_be_made([c])]
                continue
            steps = steps_of(choices, self.condition)
            try:
                return measure(steps, self._photographs, known, self.seed)
            except NotMeasurableError:
                continue
        return None
