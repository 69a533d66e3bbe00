"""Tables of `unseen_operators.py`: one network for forward models that it never saw.

They are made from `numbers/measured/unseen_operators.json`, a `result.json`, and from
`auto_stop.json`: what `restore(..., num_steps="auto")` made of the same observations,
and of the 68 images with noise; and `little_noise.json`: those with less noise.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from paper_experiments.common import markdown
from paper_experiments.common.table import NUMBERS_FOLDER

_FILE, _AUTO_FILE = "unseen_operators.json", "auto_stop.json"
_LITTLE_NOISE_FILE = "little_noise.json"
_TABLE2_FILE, _DENOISER = "table2_denoise_rim_denoise.json", "RIM-denoise"
_ANY, _NOISY = "RIM-any", "noisy observation"
_OBSERVATION, _PLUG_AND_PLAY = "observation", "PnP"
_CLASSICS = ("Wiener", "biharmonic", "TV")
# What the README shows, by what it is called there.
_IN_SHORT = {
    "motion, 25 pixels": "blur of a shaken camera, 25 x 25",
    "a fifth of the pixels": "four of five pixels missing",
    "defocus, a disc of 4": "defocus, never seen in training",
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


def in_short() -> list[str]:
    """Returns the README's table: some forward models, one estimate each."""
    models, column = _read(), f"{_ANY}, t = 20"
    rows = [["forward model", "observation", "best classic", "`rim_any`"]]
    for title, name in _IN_SHORT.items():
        means = models[title][1]
        cells = [means[_OBSERVATION], max(_of_classics(means)), means[column]]
        rows.append([name, *(f"{cell:.1f}" for cell in cells)])
    return markdown.narrow(rows)


def stops() -> list[str]:
    """Returns where "auto" stops, and what it gains or loses, beside T = 20."""
    rows = [["PSNR in dB", "t = 20", '"auto"', "difference", "mean t", "t = 50"]]
    means = _means(_AUTO_FILE)
    denoised = {
        record["condition"]["sigma"]: _mean(record)
        for record in _records(_TABLE2_FILE)
        if (record["model"], record["test_set"]) == (_DENOISER, "68")
    }
    for sigma, whole in denoised.items():
        stopped = means[f"{_DENOISER}, auto", sigma]
        steps = means[f"{_DENOISER}, steps", sigma]
        name = f"{_DENOISER}, the 68 images, σ = {sigma:g}"  # noqa: RUF001
        rows.append([name, *_stopped(whole, stopped, steps), ""])
    for title, (_, of_model) in _read().items():
        whole, last = (of_model[f"{_ANY}, t = {t}"] for t in (20, 50))
        stopped, steps = (means[f"{_ANY}, {what}", title] for what in ("auto", "steps"))
        cells = _stopped(whole, stopped, steps)
        rows.append([f"{_ANY}, {title}", *cells, _shown(last)])
    return markdown.aligned(rows)


def little_noise() -> list[str]:
    """Returns what is gained where an observation is nearly the truth."""
    rows = [["PSNR in dB, 68 images", "observation", _ANY, "gain", "least gain"]]
    values = {
        (record["condition"]["sigma"], record["model"]): record["per_image"]
        for record in _records(_LITTLE_NOISE_FILE)
    }
    for sigma in dict.fromkeys(sigma for sigma, _ in values):
        noisy, restored = (
            values[sigma, model] for model in (_NOISY, f"{_ANY}, T = 20")
        )
        gains = [value - noisy[image] for image, value in restored.items()]
        means = (np.mean([*each.values()]) for each in (noisy, restored))
        gained = (f"{gain:+.2f}" for gain in (np.mean(gains), min(gains)))
        rows.append([f"σ = {sigma}", *map(_shown, means), *gained])  # noqa: RUF001
    return markdown.aligned(rows)


def _stopped(whole: float, stopped: float, steps: float) -> list[str]:
    values = _shown(whole), _shown(stopped), f"{stopped - whole:+.3f}", f"{steps:.1f}"
    return [*values]


def _means(file: str) -> dict[tuple[str, Any], float]:
    """Returns means by method, and by forward model or noise level."""
    return {
        (record["model"], next(iter(record["condition"].values()))): _mean(record)
        for record in _records(file)
    }


def _read() -> dict[str, tuple[Mapping, Means]]:
    """Returns condition and mean PSNR by method, by forward model."""
    found: dict[str, tuple[Mapping, dict[str, float]]] = {}
    for record in _records(_FILE):
        condition = record["condition"]
        _, means = found.setdefault(condition["forward_model"], (condition, {}))
        means[record["model"]] = _mean(record)
    return found


def _records(file: str) -> list[dict[str, Any]]:
    return json.loads((NUMBERS_FOLDER / "measured" / file).read_text())["measured"]


def _mean(record: Mapping[str, Any]) -> float:
    return float(np.mean(list(record["per_image"].values())))


def _of_classics(means: Means) -> Sequence[float]:
    return [means[name] for name in _CLASSICS if name in means]


def _best_classic(means: Means) -> str:
    best = max((name for name in _CLASSICS if name in means), key=means.__getitem__)
    return f"{_shown(means[best])}, {best}"


def _shown(psnr: float) -> str:
    return f"{psnr:.2f}"
