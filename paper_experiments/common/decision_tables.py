"""What each decision is worth where the paper is silent, by short trainings.

`numbers/decisions/SCRIPT.json` has a list of trainings, the first of which all others
are compared with: `row`, what differs; `flags`, of `train.py`; `parameters`; and
`measured`, as in the script's `result.json`.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from paper_experiments.common import markdown
from paper_experiments.common.table import NUMBERS_FOLDER, standard_error


def differences(script: str) -> list[str]:
    """Returns a table: the first training's means, and how far others are from them.

    Differences are of the same images with the same noise, and have the standard error
    of their mean.

    Args:
      script: The name of the script that tested the weights.
    """
    path = NUMBERS_FOLDER / "decisions" / f"{script}.json"
    first, *others = json.loads(path.read_text())["trainings"]
    values = _psnr(first)
    number = len(next(iter(values.values())))
    rows = [[f"PSNR in dB, {number} images", "parameters", *values]]
    means = [f"{np.mean(list(each.values())):.2f}" for each in values.values()]
    rows.append([first["row"], f"{first['parameters']:,}", *means])
    for training in others:
        cells = [
            _difference(each, values[condition])
            for condition, each in _psnr(training).items()
        ]
        rows.append([training["row"], f"{training['parameters']:,}", *cells])
    return markdown.aligned(rows)


def _psnr(training: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Returns the PSNR of each image by the condition that it was restored under."""
    return {
        _condition(record["condition"]): record["per_image"]
        for record in training["measured"]
        if record["metric"] == "psnr"
    }


def _condition(condition: Mapping[str, Any]) -> str:
    if "factor" in condition:
        return f"x{condition['factor']}"
    return f"σ = {condition['sigma']}"  # noqa: RUF001


def _difference(values: Mapping[str, float], first: Mapping[str, float]) -> str:
    gained = [value - first[image] for image, value in values.items()]
    return f"{np.mean(gained):+.2f} ± {standard_error(gained):.2f}"
