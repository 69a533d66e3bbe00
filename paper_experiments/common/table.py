"""Measured beside reported: records, a Markdown table of them, and a verdict."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from paper_experiments.common import wording

if TYPE_CHECKING:
    from paper_experiments.common.image_sets import TestImages

NUMBERS_FOLDER = Path(__file__).parents[1] / "numbers"
# Of a mean, in dB; what is farther below the reported number does not reproduce it.
_CLOSE = 0.15
# As `rim_tf.rim` has it, which takes seconds to import.
PAPER_NUM_STEPS = 20


@dataclasses.dataclass(frozen=True)
class Score:
    """The quality of a model on a test set under one condition.

    Attributes:
      model: Name of the row, for instance "RIM-denoise".
      test_set: Name of the test set, for instance "68".
      condition: For instance `{"sigma": 25, "quantized": False}`.
      metric: "psnr", in dB, or "ssim".
      mean: Mean over images, without those that were restored without error.
      num_images: Number of images.
      per_image: The value of each image by id.
    """

    model: str
    test_set: str
    condition: Mapping[str, Any]
    metric: str
    mean: float
    num_images: int
    per_image: Mapping[str, float]

    @property
    def standard_error(self) -> float | None:
        """Standard error of the mean; None for a single image."""
        return standard_error([v for v in self.per_image.values() if np.isfinite(v)])

    @property
    def num_exact(self) -> int:
        """Number of images that were restored without error."""
        return sum(np.isinf(value) for value in self.per_image.values())


def measured_on(
    sets: Mapping[str, Sequence[str]],
    values: Mapping[str, float],
    model: str,
    condition: Mapping[str, Any],
    metric: str = "psnr",
) -> list[Score]:
    """Returns the means over each test set, of those images that have a value.

    Args:
      sets: Ids of images by the name of their set.
      values: By id.
      model: See `Score`, as the others.
      condition: What distinguishes columns.
      metric: What the values are.
    """
    from rim_tf import metrics

    digits = 4 if metric == "psnr" else 5
    known = {name: [i for i in ids if i in values] for name, ids in sets.items()}
    return [
        Score(
            model=model,
            test_set=name,
            condition=condition,
            metric=metric,
            mean=float(metrics.mean([values[i] for i in ids])),
            num_images=len(ids),
            per_image={i: round(float(values[i]), digits) for i in ids},
        )
        for name, ids in known.items()
        if ids
    ]


def whole_sets(records: list[Score], sets: Mapping[str, Sequence[str]]) -> list[Score]:
    """Returns the results on whole test sets; all of them where no set is whole.

    A baseline measured on the 68 images only is not shown as one of the 100.
    """
    return [r for r in records if _is_whole(r, sets)] or records


def row_name(
    name: str,
    records: list[Score],
    test: "TestImages",
    num_steps: int = PAPER_NUM_STEPS,
    when: str = "MEASURED",
) -> str:
    """Returns what stands in front of a row, with what makes it a quick look."""
    remarks = []
    if not (test.is_whole and all(_is_whole(r, test.sets) for r in records)):
        numbers = sorted({r.num_images for r in records})
        images = wording.count(numbers[-1], "image")
        remarks = [f"{numbers[0]} to {images}" if len(numbers) > 1 else images]
    exact = max((r.num_exact for r in records), default=0)
    if exact:
        number = max(r.num_images for r in records)
        remarks.append(f"{number - exact} of {number}; {exact} restored without error")
    if num_steps != PAPER_NUM_STEPS:
        remarks.append(f"t = {num_steps}")
    what = f" ({', '.join(remarks)})" if remarks else ""
    return f"{name}, {when}{what}"


def _is_whole(record: Score, sets: Mapping[str, Sequence[str]]) -> bool:
    return record.num_images == len(sets[record.test_set])


def read_reported(name: str) -> dict[str, Any]:
    """Returns the paper's numbers of a table, with their provenance.

    Args:
      name: For instance "table2_denoise".
    """
    return json.loads((NUMBERS_FOLDER / "reported" / f"{name}.json").read_text())


# What was published after the paper, as `read_reported` knows it.
AFTER_THE_PAPER = "after_the_paper"


def published_since(script: str) -> tuple[dict[str, Any], str]:
    """Returns rows that were published after the paper, as the reported ones are.

    Args:
      script: Name of the table's script.

    Returns:
      The rows, none if there is nothing comparable, and a line below the table.
    """
    since = read_reported(AFTER_THE_PAPER)
    if script != since["of_table"]:
        return {}, f"After the paper: {since['not_comparable'][script]}; not shown."
    networks = "; ".join(f"{name}: {what}" for name, what in since["networks"].items())
    return since["rows"], (
        f"After the paper: {since['source']}; {since['provenance']}. {networks}."
    )


def verdict(reproduced: bool) -> str:
    """Says whether something of the paper is reproduced."""
    return "reproduced" if reproduced else "NOT REPRODUCED"


def is_reached(difference: float) -> bool:
    """Says whether a mean reaches the paper's: measured less reported, in dB."""
    return difference >= -_CLOSE


def compare(
    measured: Iterable[Score],
    reported: Callable[[Score], float | None],
    dataset: str,
    num_steps: int,
) -> list[str]:
    """Says of each model of the paper whether its PSNR was reached.

    Only of what was measured on all images of one of the paper's test sets, with as
    many steps as the paper at least.

    Args:
      measured: All that was measured.
      reported: What the paper reports for a model, test set and condition, in dB.
      dataset: Name of the data set that was measured.
      num_steps: T.
    """
    if num_steps < PAPER_NUM_STEPS:
        steps = f"t = {num_steps}, the paper's is {PAPER_NUM_STEPS}"
        return [f"* Too few steps to judge the paper's numbers: {steps}."]
    differences: dict[str, dict[str, list[float]]] = {}
    for record in measured:
        is_whole = dataset == "bsds300" and str(record.num_images) == record.test_set
        is_of_paper = record.model.startswith("RIM") and record.metric == "psnr"
        value = reported(record) if is_whole and is_of_paper else None
        if value is not None:
            row = differences.setdefault(record.model, {})
            row.setdefault(record.test_set, []).append(record.mean - value)
    return [_describe_differences(*item) for item in differences.items()]


def _describe_differences(name: str, differences: Mapping[str, list[float]]) -> str:
    numbers = ", ".join(
        f"{' / '.join(f'{value:+.2f}' for value in values)} dB on the {test_set} images"
        for test_set, values in differences.items()
    )
    least = min(min(values) for values in differences.values())
    return (
        f"* {name}, measured less reported: {numbers}: "
        f"**{verdict(is_reached(least))}** (at most {_CLOSE:g} dB below)."
    )


def short(row: str) -> str:
    """Returns the name of a row as --rows has it, without what is in brackets."""
    return row.split(" (")[0]


def standard_error(
    values: Sequence[float], clusters: Sequence[int] | None = None
) -> float | None:
    """Returns the standard error of the mean of values, which may come in clusters.

    Patches of the same image are alike: many of them say less than as many patches of
    other images.

    Args:
      values: `(number,)`.
      clusters: `(number,)`, to which cluster each belongs; each is one if None.

    Returns:
      The standard error for other clusters of the same kind; None if there is one only.
    """
    clusters = np.arange(len(values)) if clusters is None else clusters
    names, members = np.unique(clusters, return_inverse=True)
    number = len(names)
    if number < 2:
        return None
    deviations = np.bincount(members, weights=values - np.mean(values))
    variance = number / (number - 1) * np.square(deviations).sum() / len(values) ** 2
    return float(np.sqrt(variance))


class Table:
    """A Markdown table whose rows are printed one by one, as they are ready.

    Attributes:
      lines: What was printed.

    Args:
      columns: Headings, the first of which is that of the row's name.
      first_width: Width of the first column in characters.
      width: Least width of the others.
    """

    def __init__(self, columns: Sequence[str], first_width: int, width: int = 5):
        self._widths = [first_width, *(max(len(c), width) for c in columns[1:])]
        self.lines: list[str] = []
        for line in (
            self._line(columns),
            "|"
            + "|".join(
                ("-" * (width + 2)) if i == 0 else ("-" * (width + 1)) + ":"
                for i, width in enumerate(self._widths)
            )
            + "|",
        ):
            self._show(line)

    def add(self, name: str, values: Iterable[float | str | None]) -> None:
        """Adds and prints a row; a value that is None leaves its field empty.

        Numbers are shown with two decimals, text as it is.
        """
        fields = [
            f"{value:.2f}" if isinstance(value, float) else value or ""
            for value in values
        ]
        self._show(self._line([name, *fields]))

    def _show(self, line: str) -> None:
        self.lines.append(line)
        print(line, flush=True)

    def _line(self, fields: Sequence[str]) -> str:
        first, *others = fields
        cells = [first.ljust(self._widths[0])]
        cells += [
            field.rjust(width)
            for field, width in zip(others, self._widths[1:], strict=True)
        ]
        return "| " + " | ".join(cells) + " |"
