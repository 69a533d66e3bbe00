"""What the paper claims in numbers, what was measured of it, and is measured now."""

import functools
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from paper_experiments.common import (
    document_tables,
    figure3_claims,
    provenance,
    table,
)
from paper_experiments.common.document_tables import Key
from paper_experiments.common.table import NUMBERS_FOLDER

# Titles of the tables by their scripts.
TABLES = {
    "table1_rgb_denoise": "Table 1",
    "table2_denoise": "Table 2",
    "table2_quantized_denoise": "Table 2, 8 bits",
    "table3_super_resolution": "Table 3",
}
_MEASURED = NUMBERS_FOLDER / "measured"
# The first image of each table among the embedded ones, as result.json has it.
_EMBEDDED = _MEASURED / "quick_embedded.json"
# Of PSNR in dB, of an image that is restored again.
_TOLERANCES = {"float32": 0.01}
_TOLERANCE_OF_BFLOAT16 = 0.03


class Claim(NamedTuple):
    """A claim of the paper, and what was measured of it before.

    Attributes:
      what: What it is about.
      reported: The paper's numbers or words.
      measured: Ours.
      recipe: How the weights were trained.
      holds: Whether it is reproduced.
      path: The file with the values.
      commit: That of the program that measured them.
    """

    what: str
    reported: str
    measured: str
    recipe: str
    holds: bool
    path: Path
    commit: str


class Again(NamedTuple):
    """PSNR of an image in dB: measured before, and now, and how far it may differ."""

    what: str
    before: float
    now: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        return abs(self.now - self.before) <= self.tolerance


def read() -> list[Claim]:
    """Returns all claims of which something was measured."""
    return [
        *itertools.chain.from_iterable(map(_of_table, TABLES)),
        *itertools.chain.from_iterable(map(_of_figure_3, figure3_claims.TRIOS)),
    ]


def measured_again(result: Mapping[str, Any]) -> list[Again]:
    """Compares what was measured now with what was before, image by image.

    Args:
      result: `result.json` of a table's script.
    """
    before = {k: v for r in _results_before(result) for k, v in _values(r).items()}
    found = []
    for key, (value, arithmetic) in _values(result).items():
        if key not in before:
            continue
        earlier, other = before[key]
        same = arithmetic if arithmetic == other else ""
        tolerance = _TOLERANCES.get(same, _TOLERANCE_OF_BFLOAT16)
        row, image_id, condition = key
        title = f"{TABLES[result['script']]}, {row}, {condition}, image {image_id}"
        found.append(Again(title, earlier, value, tolerance))
    return found


def _of_table(script: str) -> Iterator[Claim]:
    """Yields whether a row's means reach the paper's, for each test set."""
    values = document_tables.measured(script)
    rows = dict.fromkeys(key[:2] for key in values)
    for row, test_set in rows:
        keys = [k for k in values if k[:2] == (row, test_set) and k.metric == "psnr"]
        paper = [document_tables.reported(script, key) for key in keys]
        if not row.startswith("RIM") or None in paper:
            continue
        means = [float(np.mean(values[key])) for key in keys]
        numbers = [value[0] for value in paper]
        path, result = _file_of(script, row)
        unverified = row in table.read_reported(script).get("unverified_rows", ())
        yield Claim(
            f"{TABLES[script]}, {row.removesuffix('-paper')}, {test_set} images, "
            f"{_conditions(keys)}{' (UNVERIFIED)' * unverified}",
            _joined(numbers),
            _joined(means),
            _recipe(result["weights"][row]),
            all(map(table.is_reached, np.subtract(means, numbers))),
            path,
            str(result["versions"]["commit"]),
        )


def _conditions(keys: Sequence[Key]) -> str:
    shown = " / ".join(str(key.condition) for key in keys)
    return f"x{shown}" if keys[0].condition < 5 else f"sigma {shown}"


def _joined(numbers: Sequence[float]) -> str:
    return " / ".join(f"{number:.2f}" for number in numbers) + " dB"


def _recipe(history: Mapping[str, Any]) -> str:
    name = history.get("name", "")
    kind = "the paper's recipe" if name.endswith("_paper") else "shipped weights"
    return f"{kind}, {provenance.patches_seen(history):,} patches"


@functools.cache
def _file_of(script: str, row: str) -> tuple[Path, Mapping[str, Any]]:
    """Returns the file that a row's values are in: the one that measured them."""
    for path in sorted(_MEASURED.glob(f"{script}*.json")):
        result = json.loads(path.read_text())
        history = result["weights"].get(row, {}) if result["script"] == script else {}
        if history and "measured_before" not in history:
            return path, result
    raise LookupError(f"{script}: {row}")


def _of_figure_3(trio: str) -> list[Claim]:
    path = figure3_claims.path_of(trio)
    if not path.exists():
        return []
    result = json.loads(path.read_text())
    recipe = _recipe(result["weights"]["RIM"])
    return [
        Claim(
            *(f"Figure 3: {what}", "found", measured, recipe, holds, path),
            str(result["versions"]["commit"]),
        )
        for what, measured, holds in figure3_claims.read(trio)
    ]


def _results_before(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Returns what was measured before with the same script, data and seed."""
    script = result["script"]
    if result["dataset"] == "embedded":
        found = [json.loads(_EMBEDDED.read_text())[script]]
    else:
        paths = sorted(_MEASURED.glob(f"{script}*.json"))
        found = [json.loads(path.read_text()) for path in paths]
    same = ("script", "dataset", "seed")
    return [r for r in found if all(r[what] == result[what] for what in same)]


def _values(result: Mapping[str, Any]) -> dict[tuple, tuple[float, str]]:
    """Returns PSNR and arithmetic by row, image and condition, of what it measured."""
    rows = {
        row
        for row, history in result["weights"].items()
        if "measured_before" not in history
    }
    arithmetic = result["settings"]["precision_used"]
    return {
        (record["model"], image_id, _describe(record["condition"])): (value, arithmetic)
        for record in result["measured"]
        if record["model"] in rows and record["metric"] == "psnr"
        for image_id, value in record["per_image"].items()
        # A null is what was restored without error.
        if value is not None
    }


def _describe(condition: Mapping[str, Any]) -> str:
    if "factor" in condition:
        return f"x{condition['factor']}"
    return f"sigma {condition['sigma']:g}"
