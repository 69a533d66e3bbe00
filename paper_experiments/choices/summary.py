"""From values of images to what a choice costs, and to the tables that say so."""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from paper_experiments.choices import groups, noise
from paper_experiments.choices.measurement import (
    NOT_INSTALLED,
    Results,
    Row,
    Values,
)
from paper_experiments.choices.methods import BASELINE, NETWORK
from paper_experiments.choices.steps import DENOISING, OURS, Choice
from paper_experiments.common.table import NUMBERS_FOLDER, standard_error
from rim_tf import files

FOLDER = NUMBERS_FOLDER / "protocol"
# What a column is called, by condition and method.
COLUMNS = {
    (condition, method): title
    for condition in OURS
    for method, title in {
        BASELINE: "TV" if condition == DENOISING else f"bicubic {condition}",
        NETWORK: "RIM" if condition == DENOISING else f"RIM {condition}",
    }.items()
}


class Effect(NamedTuple):
    """What a choice changes.

    Attributes:
      change: Of the mean over images: made this way less ours.
      error: Standard error over images; None where there is none.
      num_images: Number of images.
    """

    change: float
    error: float | None
    num_images: int


class Line(NamedTuple):
    """A line of a table.

    Attributes:
      what: The choice, as a table has it.
      made_by: Library and version, or why there is none.
      effects: By condition and method.
      metric: "psnr" or "ssim".
    """

    what: str
    made_by: str
    effects: Mapping[tuple[str, str], Effect]
    metric: str = "psnr"

    @property
    def largest(self) -> float:
        """The largest change, whatever its sign; 0 if there is none."""
        return max((abs(effect.change) for effect in self.effects.values()), default=0)


class Numbers(NamedTuple):
    """What was measured, as `numbers/protocol/` keeps it.

    Attributes:
      results: Values of images by row.
      made_by: Library and version by name of the choice, or that it is not installed,
        or not importable.
      sets: Ids of images by the name of their set.
      about: Versions and settings.
    """

    results: Results
    made_by: Mapping[str, str]
    sets: Mapping[str, Sequence[str]]
    about: Mapping[str, Any]

    def lines(self, group: str) -> list[Line]:
        """Returns the lines of a group's table, in the order of the choices."""
        seeds = {choice.name for choice in noise.SEEDS}
        found = [
            self._line(choice)
            for choice in groups.ALL[group]
            if choice.name not in seeds and choice.name != groups.reference(choice)
        ]
        more = {
            "images": self._all_images,
            "noise": self._seeds,
            "measure": self._pooled,
        }
        return found + ([more[group]()] if group in more else [])

    def reference(self, key: tuple[str, str]) -> Values:
        """Returns our values under a condition, by a method."""
        return self.results.get(Row(groups.OURS.name, *key), {})

    def _line(self, choice: Choice) -> Line:
        effects = {}
        for key in COLUMNS:
            values = self.results.get(Row(choice.name, *key), {})
            ours = self.results.get(Row(groups.reference(choice), *key), {})
            differences = [values[i] - ours[i] for i in values if i in ours]
            if differences:
                change, error = float(np.mean(differences)), standard_error(differences)
                effects[key] = Effect(change, error, len(differences))
        # Not what is installed here and now: who reads a file may have other libraries.
        unknown = NOT_INSTALLED if choice.packages else ""
        made_by = self.made_by.get(choice.name, unknown)
        return Line(choice.what, made_by, effects, choice.metric)

    def _all_images(self) -> Line:
        number = len(self.sets.get("100", ()))
        effects = {
            key: Effect(_mean(values) - _mean(self._usual(values)), None, number)
            for key, values in self._references()
            if len(values) == number
        }
        return Line("the 100 images for the 68", "", effects)

    def _pooled(self) -> Line:
        effects = {}
        for key, values in self._references():
            usual = self._usual(values)
            errors = 10 ** (-np.array(list(usual.values())) / 10)
            change = -10 * np.log10(errors.mean()) - _mean(usual)
            effects[key] = Effect(float(change), None, len(usual))
        return Line("PSNR of the mean error, for the mean of PSNRs", "", effects)

    def _references(self) -> list[tuple[tuple[str, str], Values]]:
        return [(k, self.reference(k)) for k in COLUMNS if self.reference(k)]

    def _usual(self, values: Values) -> Values:
        usual = self.sets.get("68", values)
        return {i: value for i, value in values.items() if i in usual}

    def _seeds(self) -> Line:
        """Returns the standard deviation of a table's mean over seeds."""
        effects = {}
        for method in (BASELINE, NETWORK):
            key = (DENOISING, method)
            ours = self._usual(self.reference(key))
            others = [self.results.get(Row(c.name, *key), {}) for c in noise.SEEDS]
            if ours and all(set(ours) <= set(other) for other in others):
                means = [_mean({i: o[i] for i in ours}) for o in (ours, *others)]
                effects[key] = Effect(float(np.std(means, ddof=1)), None, len(ours))
        number = len(noise.SEEDS) + 1
        what = f"standard deviation of the mean over {number} seeds of the noise"
        return Line(what, "", effects)


def _mean(values: Values) -> float:
    return float(np.mean(list(values.values())))


def save(numbers: Numbers, name: str, folder: Path = FOLDER) -> list[str]:
    """Writes numbers as a table of values, a row for each line, and as JSON.

    Lines end with their last value.

    Returns:
      The names of the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts = Counter(i for values in numbers.results.values() for i in values)
    # The network restores few images: first those that all rows have.
    ids = sorted(counts, key=lambda i: (-counts[i], i))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*Row._fields, *ids])
    for row, values in numbers.results.items():
        last = max((k for k, i in enumerate(ids) if i in values), default=-1)
        shown = (_shortened(values.get(i), row) for i in ids[: last + 1])
        writer.writerow([*row, *shown])
    files.write_text(folder / f"{name}.csv", text.getvalue())
    about = {**numbers.about, "made_by": numbers.made_by, "sets": numbers.sets}
    files.write_json(folder / f"{name}.json", about, indent=1)
    return [f"{name}.csv", f"{name}.json"]


def _shortened(value: float | None, row: Row) -> str:
    digits = 5 if "ssim" in row.choice else 3
    return "" if value is None else f"{value:.{digits}f}"


def load(name: str, folder: Path = FOLDER) -> Numbers:
    """Reads what `save` wrote.

    Raises:
      FileNotFoundError: If nothing was kept yet.
    """
    about = files.read_json(folder / f"{name}.json", "get it again")
    with (folder / f"{name}.csv").open(newline="") as file:
        (_, first), *lines = [(line[:3], line[3:]) for line in csv.reader(file)]
    results = {
        Row(*row): {
            i: float(value)
            for i, value in zip(first[: len(values)], values, strict=True)
            if value
        }
        for row, values in lines
    }
    return Numbers(results, about.pop("made_by"), about.pop("sets"), about)


def table(lines: Sequence[Line]) -> list[str]:
    """Returns a Markdown table of lines of one metric, without empty columns."""
    keys = [key for key in COLUMNS if any(key in line.effects for line in lines)]
    rows = [["choice", *(COLUMNS[key] for key in keys), "images", "made by"]]
    for line in lines:
        cells = [cell(line.effects.get(key), line.metric) for key in keys]
        rows.append([line.what, *cells, _numbers_of_images(line), line.made_by])
    marks = ["---", *["---:"] * len(keys), "---:", "---"]
    return ["| " + " | ".join(row) + " |" for row in (rows[0], marks, *rows[1:])]


def cell(effect: Effect | None, metric: str) -> str:
    """Returns a change with its standard error, as tables show it."""
    if effect is None:
        return ""
    digits = 2 if metric == "psnr" else 4
    # Small ones are shown as they are, not as 0.00.
    digits += 0 < abs(effect.change) < 0.5 * 10**-digits
    shown = f"{effect.change:+.{digits}f}"
    return shown if effect.error is None else f"{shown} ± {effect.error:.{digits}f}"


def _numbers_of_images(line: Line) -> str:
    """Says on how many images the baseline was measured, and the network."""
    found = {
        method: {e.num_images for (_, m), e in line.effects.items() if m == method}
        for method in (BASELINE, NETWORK)
    }
    return " / ".join(
        " to ".join(map(str, sorted(numbers))) for numbers in found.values() if numbers
    )
