"""Tables of `unseen_operators.py`: one network for forward models that it never saw.

They are made from `numbers/measured/unseen_operators.json`, a `result.json`.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from paper_experiments.common import markdown
from paper_experiments.common.table import NUMBERS_FOLDER

_FILE = "unseen_operators.json"
_OBSERVATION, _PLUG_AND_PLAY = "observation", "PnP"
_CLASSICS = ("Wiener", "biharmonic", "TV")
# What the README shows, by what it is called there.
_IN_SHORT = {
    "motion, 25 pixels": "blur of a shaken camera, 25 x 25",
    "a fifth of the pixels": "four of five pixels missing",
    "defocus, a disc of 4": "defocus, never seen in training",
    "double exposure": "double exposure, never seen",
}

Means = Mapping[str, float]


def in_full() -> list[str]:
    """Returns the table of all forward models, with every estimate of the RIMs."""
    models = _read()
    rims = dict.fromkeys(
        name for _, means in models.values() for name in means if ", t = " in name
    )
    heading = ["PSNR in dB", _OBSERVATION, "best classic", _PLUG_AND_PLAY, *rims]
    rows = [
        [
            f"{title}: {condition['origin']}, σ = {condition['sigma']:g}",  # noqa: RUF001
            _shown(means[_OBSERVATION]),
            _best_classic(means),
            _shown(means[_PLUG_AND_PLAY]),
            *(_shown(means[name]) for name in rims),
        ]
        for title, (condition, means) in models.items()
    ]
    return markdown.aligned([heading, *rows])


def in_short(column: str = "RIM-any, t = 20") -> list[str]:
    """Returns the README's table: some forward models, one estimate each.

    Args:
      column: What the estimate is called in the results.
    """
    models = _read()
    rows = [["forward model", "observation", "best classic", "`rim_any`"]]
    for title, name in _IN_SHORT.items():
        means = models[title][1]
        cells = [means[_OBSERVATION], max(_of_classics(means)), means[column]]
        rows.append([name, *(f"{cell:.1f}" for cell in cells)])
    return markdown.narrow(rows)


def _read() -> dict[str, tuple[Mapping, Means]]:
    """Returns condition and mean PSNR by method, by forward model."""
    path = NUMBERS_FOLDER / "measured" / _FILE
    found: dict[str, tuple[Mapping, dict[str, float]]] = {}
    for record in json.loads(path.read_text())["measured"]:
        condition = record["condition"]
        _, means = found.setdefault(condition["forward_model"], (condition, {}))
        means[record["model"]] = float(np.mean(list(record["per_image"].values())))
    return found


def _of_classics(means: Means) -> Sequence[float]:
    return [means[name] for name in _CLASSICS if name in means]


def _best_classic(means: Means) -> str:
    best = max((name for name in _CLASSICS if name in means), key=means.__getitem__)
    return f"{_shown(means[best])}, {best}"


def _shown(psnr: float) -> str:
    return f"{psnr:.2f}"
