"""How two results differ: image by image, and in how their networks were trained."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from paper_experiments.common.errors import UserError
from paper_experiments.common.table import standard_error
from paper_experiments.comparison.side import Condition, Side, Training

# Of a history: what says nothing of how the training was, or is told elsewhere.
_LEFT_OUT = {
    *("name", "command", "overrides", "runs", "seconds", "recipe", "num_steps"),
    *("best_after_updates", "validation_psnr", "updates", "measured_before"),
    *("checkpoint_minutes", "not_the_papers"),
}
# Before the names of what these parts hold.
_PREFIXES = {"cell": "cell ", "initial_weights": "earlier stage: "}


class Difference(NamedTuple):
    """The values of two rows on the images that both have.

    Attributes:
      condition: What was measured.
      images: Ids of the images that count; a value that is infinite does not.
      means: Of A and of B, over these images.
      mean: Of B less A.
      error: Its standard error for other images; None for a single one.
      per_image: B less A by id.
    """

    condition: Condition
    images: list[str]
    means: tuple[float, float]
    mean: float
    error: float | None
    per_image: dict[str, float]


def rows_to_compare(a: Side, b: Side) -> list[tuple[str, str]]:
    """Returns pairs of rows: of the same name, or the only one of each side.

    Raises:
      UserError: If there is no pair.
    """
    first, second = list(a.values), list(b.values)
    common = [(row, row) for row in first if row in second]
    if common or (len(first), len(second)) == (1, 1):
        return common or [(first[0], second[0])]
    raise UserError(
        f"no row of {a.path} ({', '.join(first) or 'none'}) is one of {b.path} "
        f"({', '.join(second) or 'none'}); measure one row each, with --rows."
    )


def of_rows(
    a: Mapping[Condition, Mapping[str, float]],
    b: Mapping[Condition, Mapping[str, float]],
) -> list[Difference]:
    """Returns the differences under all conditions that both have."""
    found = []
    for condition in a:
        first, second = a[condition], b.get(condition, {})
        images = [
            i for i in first if i in second and np.isfinite([first[i], second[i]]).all()
        ]
        if images:
            per_image = {i: second[i] - first[i] for i in images}
            values = list(per_image.values())
            means = tuple(
                float(np.mean([s[i] for i in images])) for s in (a[condition], second)
            )
            found.append(
                Difference(
                    *(condition, images, means, float(np.mean(values))),
                    *(standard_error(values), per_image),
                )
            )
    return found


def of_tests(a: Side, b: Side) -> dict[str, tuple[Any, Any]]:
    """Returns by which settings the observations of two tests are not the same."""
    return {
        key: (a.settings[key], b.settings[key])
        for key in a.settings
        if a.settings[key] != b.settings[key]
    }


def of_trainings(a: Training, b: Training) -> dict[str, tuple[Any, Any]]:
    """Returns what of network and training is not the same, by its name."""
    first, second = (_flat(training.history) for training in (a, b))
    names = dict.fromkeys([*first, *second])
    return {
        name: (first.get(name), second.get(name))
        for name in names
        if first.get(name) != second.get(name)
    }


def _flat(history: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns a history with its parts beside each other."""
    found = {}
    for key, value in history.items():
        if key in _LEFT_OUT:
            continue
        if isinstance(value, Mapping):
            found.update(_flat(value, prefix + _PREFIXES.get(key, "")))
        else:
            found[f"{prefix}{key}"] = value
    return found
