"""Rows that were measured before on BSDS-300, image by image: shown without waiting."""

import json
import math
from collections.abc import Mapping
from typing import Any

from paper_experiments.common.image_sets import TestImages
from paper_experiments.common.run import Run
from paper_experiments.common.table import NUMBERS_FOLDER, Score, measured_on
from rim_tf import files

# By these a history is known to be that of the same weights.
_OF_WEIGHTS = ("name", "patches_seen", "seconds", "validation_psnr")


def find(
    run: Run, test: TestImages, row: str, history: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Returns the `result.json` of an earlier run with the same settings.

    Args:
      run: The run; script, seed and T must be the same.
      test: The test images; only what was measured on BSDS-300 is kept.
      row: Name of the row.
      history: Of the weights that the row is of; those of then must be the same.
    """
    if test.dataset != "bsds300":
        return None
    for path in sorted((NUMBERS_FOLDER / "measured").glob(f"{run.script}*.json")):
        result = files.read_json(path, "get it again")
        of_then = result["weights"].get(row)
        is_same = (result["seed"], result["settings"]["num_steps"]) == (
            run.seed,
            run.num_steps,
        )
        if not (is_same and of_then and _weights(of_then) == _weights(history)):
            continue
        if scores(result, row, test):
            return result
    return None


def scores(result: Mapping[str, Any], row: str, test: TestImages) -> list[Score]:
    """Returns what an earlier run measured in a row, of the images asked for."""
    values: dict[str, dict[str, float]] = {}
    for record in result["measured"]:
        if record["model"] == row:
            condition = json.dumps(record["condition"])
            values.setdefault(condition, {}).update(
                # An image that was restored without error.
                {
                    i: math.inf if v is None else v
                    for i, v in record["per_image"].items()
                }
            )
    asked = {
        name: [i for i in ids if i in test.images] for name, ids in test.sets.items()
    }
    return [
        score
        for condition, by_image in values.items()
        for score in measured_on(asked, by_image, row, json.loads(condition))
    ]


def describe(result: Mapping[str, Any]) -> str:
    """Says by which version and on what machine an earlier run measured."""
    versions = result["versions"]
    processor = versions.get("processor") or versions["machine"]
    machine = versions["gpu"] or f"a CPU ({processor})"
    return f"measured before, at commit {versions['commit']} on {machine}"


def _weights(history: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(history.get(key) for key in _OF_WEIGHTS)
