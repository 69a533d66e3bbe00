"""Tables of forward models that no model saw, of when to stop, and of little noise.

They are made from the `result.json` of `unseen_operators.py` and of `when_to_stop.py`,
which are kept in `numbers/measured/`, and from what a rival made in an environment of
its own, in `numbers/baselines/`.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from paper_experiments.common import forward_model_names as names
from paper_experiments.common import markdown
from paper_experiments.common.table import NUMBERS_FOLDER

_UNSEEN_FILE = "measured/unseen_operators.json"
_STOPS_FILE = "measured/when_to_stop.json"
_RIVAL_FILE = "baselines/unseen_operators.json"
_SETTLED, _LAST = 20, 50
# What the README shows, by what it is called there.
_IN_SHORT = {
    "motion, 25 pixels": "blur of a shaken camera, 25 x 25",
    "a fifth of the pixels": "four of five pixels missing",
    "defocus, a disc of 4": "defocus, never seen in training",
}


class _Measured(NamedTuple):
    """What was measured on some observations.

    Attributes:
      condition: Forward model and noise.
      values: Those of each image, by column.
    """

    condition: Mapping[str, Any]
    values: dict[str, dict[str, float]]

    def mean(self, column: str) -> float:
        """Returns the mean over images of what a column has."""
        return float(np.mean([*self.values[column].values()]))


def in_full() -> list[str]:
    """Returns the table of all forward models, with every estimate of the RIMs."""
    models = _read(_UNSEEN_FILE)
    others = {names.OBSERVATION, names.PLUG_AND_PLAY, *names.CLASSICS}
    rims = dict.fromkeys(
        column
        for measured in models.values()
        for column in measured.values
        if column not in others
    )
    heading = ["PSNR in dB", names.OBSERVATION, "best classic", names.PLUG_AND_PLAY]
    rows = [[*heading, *rims]]
    for title, measured in models.items():
        condition, best = measured.condition, _best_classic(measured)
        rows.append(
            [
                f"{title}: {condition['origin']}, {_sigma(condition)}",
                f"{measured.mean(names.OBSERVATION):.2f}",
                f"{measured.mean(best):.2f}, {best}",
                *(f"{measured.mean(c):.2f}" for c in (names.PLUG_AND_PLAY, *rims)),
            ]
        )
    return markdown.aligned(rows)


def in_short() -> list[str]:
    """Returns the README's table: some forward models, one estimate each."""
    models, column = _read(_UNSEEN_FILE), names.column(names.ANY, _SETTLED)
    rows = [["forward model", "observation", "best classic", "`rim_any`"]]
    for title, name in _IN_SHORT.items():
        columns = names.OBSERVATION, _best_classic(models[title]), column
        rows.append([name, *(f"{models[title].mean(c):.1f}" for c in columns)])
    return markdown.narrow(rows)


def rival() -> list[str]:
    """Returns what a rival makes of the forward models that it is for."""
    others = _read(_RIVAL_FILE)
    (name,) = {column for measured in others.values() for column in measured.values}
    columns = names.PLUG_AND_PLAY, names.column(names.ANY, _SETTLED)
    rows = [["PSNR in dB", "best classic", names.PLUG_AND_PLAY, name, columns[-1]]]
    unseen = _read(_UNSEEN_FILE)
    for title, measured in others.items():
        best, *means = map(unseen[title].mean, (_best_classic(unseen[title]), *columns))
        cells = best, means[0], measured.mean(name), means[1]
        rows.append([title, *(f"{mean:.2f}" for mean in cells)])
    return markdown.aligned(rows)


def stops() -> list[str]:
    """Returns where "auto" stops, and what it gains or loses, beside t = 20."""
    rows = [["PSNR in dB", "t = 20", '"auto"', "difference", "mean t", "t = 50"]]
    unseen = _read(_UNSEEN_FILE)
    for title, measured in _read(_STOPS_FILE).items():
        for row in (names.ANY, names.DENOISER):
            if names.auto(row) not in measured.values:
                continue
            whole = measured.mean(names.column(row, _SETTLED))
            stopped = measured.mean(names.auto(row))
            steps = measured.mean(names.auto_steps(row))
            cells = [f"{whole:.2f}", f"{stopped:.2f}", f"{stopped - whole:+.3f}"]
            last = ""
            if title in unseen:
                last = f"{unseen[title].mean(names.column(row, _LAST)):.2f}"
            rows.append([f"{row}, {title}", *cells, f"{steps:.1f}", last])
    return markdown.aligned(rows)


def little_noise() -> list[str]:
    """Returns what is gained where an observation is nearly the truth."""
    rims = {row: names.column(row, _SETTLED) for row in (names.ANY, names.DENOISER)}
    heading = ["PSNR in dB", names.OBSERVATION]
    for row in rims:
        heading += [row, "gain", "least gain"]
    rows = [heading]
    for title, measured in _read(_STOPS_FILE).items():
        if not {names.OBSERVATION, *rims.values()} <= {*measured.values}:
            continue
        observed = measured.values[names.OBSERVATION]
        rows.append([title, f"{measured.mean(names.OBSERVATION):.2f}"])
        for column in rims.values():
            gains = [v - observed[i] for i, v in measured.values[column].items()]
            gained = (f"{gain:+.2f}" for gain in (np.mean(gains), min(gains)))
            rows[-1] += [f"{measured.mean(column):.2f}", *gained]
    return markdown.aligned(rows)


def _read(file: str) -> dict[str, _Measured]:
    """Returns what a file has, by forward model, or set of images and noise level."""
    path = NUMBERS_FOLDER / file
    found: dict[str, _Measured] = {}
    for record in json.loads(path.read_text())["measured"]:
        condition = record["condition"]
        noisy = f"the {record['test_set']} images, {_sigma(condition)}"
        title = condition.get("forward_model", noisy)
        measured = found.setdefault(title, _Measured(condition, {}))
        measured.values[record["model"]] = record["per_image"]
    return found


def _sigma(condition: Mapping[str, Any]) -> str:
    return f"σ = {condition['sigma']:g}"  # noqa: RUF001


def _best_classic(measured: _Measured) -> str:
    """Returns the name of the classic with the highest mean."""
    classics = [name for name in names.CLASSICS if name in measured.values]
    return max(classics, key=measured.mean)
