"""How two results differ: image by image, and in how their networks were trained."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from paper_experiments.common import provenance
from paper_experiments.common.errors import UserError
from paper_experiments.common.table import standard_error
from paper_experiments.common.wording import count
from paper_experiments.comparison.side import Condition, Side, Training

# Of a history: what says nothing of how the training was, or is told elsewhere.
_LEFT_OUT = {
    *("name", "command", "overrides", "runs", "seconds", "recipe", "num_steps"),
    *("best_after_updates", "validation_psnr", "updates", "measured_before"),
    *("checkpoint_minutes", "not_the_papers", "initial_weights"),
}
# Before the names of what this part holds.
_PREFIXES = {"cell": "cell "}
# What a validation depends on beside the network.
_OF_VALIDATION = (
    *("data", "color", "patch_size", "patch_stride", "problem"),
    *("validation_images", "num_validation_patches"),
)


class Difference(NamedTuple):
    """The values of two rows on the images that both have.

    Attributes:
      condition: What was measured.
      first: Of A, by the id of the image; what is infinite is left out.
      second: Of B, of the same images.
    """

    condition: Condition
    first: Mapping[str, float]
    second: Mapping[str, float]

    @property
    def images(self) -> list[str]:
        """Ids of the images."""
        return list(self.first)

    @property
    def means(self) -> tuple[float, float]:
        """Means of A and of B."""
        a, b = (np.mean(list(values.values())) for values in (self.first, self.second))
        return float(a), float(b)

    @property
    def per_image(self) -> dict[str, float]:
        """B less A by id."""
        return {i: self.second[i] - self.first[i] for i in self.first}

    @property
    def mean(self) -> float:
        """Mean of B less A."""
        return float(np.mean(list(self.per_image.values())))

    @property
    def error(self) -> float | None:
        """Its standard error for other images; None for a single one."""
        return standard_error(list(self.per_image.values()))


def pairs_of_rows(a: Side, b: Side) -> list[tuple[str, str]]:
    """Returns which rows to compare: of the same name, or the only one of each side.

    Of two trainings these are their names.

    Raises:
      UserError: If there is no pair.
    """
    if bool(a.values) != bool(b.values):
        raise UserError(
            "compare two tests or two trainings; here is one of each. A table script "
            "tests what train.py trained."
        )
    first, second = (list(side.values or side.trainings) for side in (a, b))
    if (len(first), len(second)) == (1, 1):
        return [(first[0], second[0])]
    common = [(row, row) for row in first if row in second]
    if not common:
        raise UserError(
            f"no row of {a.path} ({', '.join(first)}) is one of {b.path} "
            f"({', '.join(second)}); measure one row each, with --rows."
        )
    return common


def of_rows(
    a: Mapping[Condition, Mapping[str, float]],
    b: Mapping[Condition, Mapping[str, float]],
) -> list[Difference]:
    """Returns the differences under all conditions of which both have an image."""
    found = [
        _difference(condition, a[condition], b[condition])
        for condition in a
        if condition in b
    ]
    return [difference for difference in found if difference.images]


def _difference(
    condition: Condition, a: Mapping[str, float], b: Mapping[str, float]
) -> Difference:
    common = [i for i in a if i in b and np.isfinite([a[i], b[i]]).all()]
    return Difference(condition, *({i: side[i] for i in common} for side in (a, b)))


def of_tests(a: Side, b: Side) -> dict[str, tuple[Any, Any]]:
    """Returns by which settings the observations of two tests are not the same."""
    return {
        key: (a.settings[key], b.settings[key])
        for key in a.settings
        if a.settings[key] != b.settings[key]
    }


def of_trainings(a: Training, b: Training) -> dict[str, tuple[Any, Any]]:
    """Returns what of network and training is not the same, by its name.

    Of trainings in as many stages also what the earlier ones differ in.
    """
    both = [
        [_flat(stage) for stage in reversed(provenance.stages_of(training.history))]
        for training in (a, b)
    ]
    numbers = tuple(map(len, both))
    found = {} if numbers[0] == numbers[1] else {"number of stages": numbers}
    # The last stage first: the others are told only where each has its like.
    pairs = list(zip(*both, strict=False))[: None if not found else 1]
    for before, (first, second) in enumerate(pairs):
        where = f"{count(before, 'stage')} before the last: " if before else ""
        for name in dict.fromkeys([*first, *second]):
            values = first.get(name), second.get(name)
            if values[0] != values[1]:
                found[where + name] = values
    return found


def have_same_validation(a: Training, b: Training) -> bool:
    """Says whether the PSNR of two trainings' validations can be compared."""
    return all(a.history.get(key) == b.history.get(key) for key in _OF_VALIDATION)


def _flat(history: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns a stage's history with its parts beside each other."""
    found = {}
    for key, value in history.items():
        if key in _LEFT_OUT:
            continue
        if isinstance(value, Mapping):
            found.update(_flat(value, prefix + _PREFIXES.get(key, "")))
        else:
            found[f"{prefix}{key}"] = value
    return found
