"""What the paper claims in numbers, what was measured of it, and is measured now."""

import csv
import functools
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from paper_experiments.common import document_tables, table
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
_FIGURE3, _CURVES = "figure3_three_task", _MEASURED / "figure3_curves.csv"
# Of PSNR in dB, of an image that is restored again.
_TOLERANCES = {"float32": 0.01}
_TOLERANCE_OF_BFLOAT16 = 0.03
# Of Figure 3: what counts as a fall, in dB, and how many panels count as hard.
_FALL, _NUM_HARD, _LAST_OF_TRAINING = 0.3, 3, 20
_UNSEEN_TASK = "inpainting"


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
        *_of_figure_3(),
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
    stages = [history]
    while "initial_weights" in stages[0]:
        stages.insert(0, stages[0]["initial_weights"])
    seen = sum(stage.get("patches_seen", 0) for stage in stages)
    name = history.get("name", "")
    kind = "the paper's recipe" if name.endswith("_paper") else "shipped weights"
    return f"{kind}, {seen:,} patches"


@functools.cache
def _file_of(script: str, row: str) -> tuple[Path, Mapping[str, Any]]:
    """Returns the file that a row's values are in: the one that measured them."""
    for path in sorted(_MEASURED.glob(f"{script}*.json")):
        result = json.loads(path.read_text())
        history = result["weights"].get(row, {}) if result["script"] == script else {}
        if history and "measured_before" not in history:
            return path, result
    raise LookupError(f"{script}: {row}")


def _of_figure_3() -> list[Claim]:
    """Returns the findings of section 3.1, by means over patches.

    Standard errors are in RESULTS.md; `figure3/findings.py` judges a run with them.
    """
    path = _MEASURED / f"{_FIGURE3}.json"
    result = json.loads(path.read_text())
    recipe = _recipe(result["weights"]["RIM"])
    return [
        Claim(
            *(f"Figure 3: {what}", "found", measured, recipe, holds, path),
            str(result["versions"]["commit"]),
        )
        for what, measured, holds in _findings(_curves())
    ]


def _findings(curves: Mapping[tuple, Sequence[float]]) -> list[tuple[str, str, bool]]:
    """Returns findings, evidence, and whether they hold.

    Args:
      curves: PSNR of all t by task, p and model.
    """
    t = _LAST_OF_TRAINING
    panels = list(dict.fromkeys(key[:2] for key in curves))
    trained = [panel for panel in panels if panel[0] != _UNSEEN_TASK]
    unseen = [panel for panel in panels if panel[0] == _UNSEEN_TASK]
    hard = sorted(trained, key=lambda p: curves[*p, "RIM"][t])[:_NUM_HARD]

    def least(where, first: str, second: str) -> float:
        return min(curves[*p, first][t] - curves[*p, second][t] for p in where)

    def falls(where, model: str) -> list[float]:
        return [curves[*p, model][t] - min(curves[*p, model][t:]) for p in where]

    def gain(panel, model: str) -> float:
        return curves[*panel, model][t] - curves[*panel, model][0]

    over_ffn, over_gdn = least(trained, "RIM", "FFN"), least(trained, "RIM", "GDN")
    ffn_over = least(trained, "FFN", "GDN")
    of_gdn, of_rim = min(falls(trained, "GDN")), max(falls(panels, "RIM"))
    of_ffn, best = max(falls(hard, "FFN")), least(unseen, "RIM", "FFN")
    carries = all(gain(p, "FFN") > gain(p, "RIM") / 2 for p in unseen)
    fails = all(gain(p, "GDN") < gain(p, "FFN") / 2 for p in unseen)
    return [
        (
            "RIM above FFN and GDN, trained tasks",
            f"by {over_ffn:.1f} and {over_gdn:.1f} dB at least",
            min(over_ffn, over_gdn) > 0,
        ),
        (
            "GDN the worst, and falls after t = 20, trained tasks",
            f"{ffn_over:.1f} dB below the FFN at least; falls by {of_gdn:.1f} dB",
            ffn_over > 0 and of_gdn > _FALL,
        ),
        ("RIM converges", f"falls by {of_rim:.1f} dB at most", of_rim <= _FALL),
        (
            "FFN falls on hard tasks",
            f"falls by {of_ffn:.1f} dB at most on the hardest three panels",
            of_ffn > _FALL,
        ),
        (
            "inpainting: RIM best, FFN carries over, GDN fails",
            f"RIM above the FFN by {best:.1f} dB at least",
            best > 0 and carries and fails,
        ),
    ]


def _curves() -> dict[tuple, list[float]]:
    curves: dict[tuple, list[float]] = {}
    with _CURVES.open() as file:
        for row in csv.DictReader(file):
            key = row["task"], float(row["p"]), row["model"]
            curves.setdefault(key, []).append(float(row["mean"]))
    return curves


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
