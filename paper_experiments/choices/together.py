"""Choices made together: steps of all of them in one protocol."""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from paper_experiments.choices import groups, unknown
from paper_experiments.choices.measurement import Values
from paper_experiments.choices.methods import Baseline
from paper_experiments.choices.steps import (
    DENOISING,
    OURS,
    Choice,
    NotMeasurableError,
    Photograph,
    Steps,
)

CHOICES: Mapping[str, Choice] = {
    choice.name: choice
    for choice in itertools.chain(*groups.ALL.values(), unknown.CHOICES)
}
# On more images a pattern is hardly clearer.
_MOST_IMAGES = 8


def fit(names: Sequence[str], condition: str) -> bool:
    """Returns whether choices can be made together: no step twice."""
    steps = [step for name in names for step in changed(name, condition)]
    return len(set(steps)) == len(steps)


def can_be_made(names: Iterable[str]) -> bool:
    """Returns whether the libraries are there."""
    return all(CHOICES[name].made_by is not None for name in names)


def steps_of(names: Iterable[str], condition: str) -> Steps:
    """Returns the protocol with all choices made.

    Args:
      names: Of choices.
      condition: "sigma 25", "x2" and so on.
    """
    steps = OURS[condition]
    for name in names:
        steps = dataclasses.replace(steps, **changed(name, condition))
    return steps


def changed(name: str, condition: str) -> Mapping[str, Any]:
    """Returns the steps that a choice makes differently; none if it is not about it."""
    choice = CHOICES[name]
    is_denoising = condition == DENOISING
    return (choice.denoising if is_denoising else choice.super_resolution) or {}


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


class Maker(NamedTuple):
    """Makes choices together, to see what they change then.

    Attributes:
      photographs: Test images by id.
      condition: "sigma 25", "x2" and so on.
      seed: Seed of the noise.
    """

    photographs: Mapping[str, Photograph]
    condition: str
    seed: int = 0

    def __call__(
        self, choices: Sequence[Sequence[str]], ids: Sequence[str]
    ) -> Values | None:
        """Returns the baseline's values with all choices made, of some of the images.

        Args:
          choices: For each choice names of those that make the same values.
          ids: Of images.

        Returns:
          By id; None if these choices cannot be made together here.
        """
        known = [i for i in ids if i in self.photographs][:_MOST_IMAGES]
        for names in itertools.product(*choices):
            if not (can_be_made(names) and fit(names, self.condition)):
                continue
            steps = steps_of(names, self.condition)
            try:
                return measure(steps, self.photographs, known, self.seed)
            # A library may be there that does not fit this machine.
            except (NotMeasurableError, ImportError):
                continue
        return None
