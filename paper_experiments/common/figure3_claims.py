"""The findings of section 3.1 (Figure 3), by means over patches, of `numbers/`.

Standard errors are in RESULTS.md; `figure3/findings.py` judges a run with them.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from paper_experiments.common.table import NUMBERS_FOLDER

# Trios of networks, by what their files' names end in: those of most patches, and those
# of the paper's recipe.
TRIOS = ("", "_paper")
# What counts as a fall, in dB, and how many panels count as hard.
_FALL, _NUM_HARD, _LAST_OF_TRAINING = 0.3, 3, 20
_UNSEEN_TASK = "inpainting"


def path_of(trio: str) -> Path:
    """Returns the file that says how a trio's curves were measured."""
    return NUMBERS_FOLDER / "measured" / f"figure3_three_task{trio}.json"


def read(trio: str) -> list[tuple[str, str, bool]]:
    """Returns findings, evidence, and whether they hold, of a trio."""
    return judge(_curves(NUMBERS_FOLDER / "measured" / f"figure3_curves{trio}.csv"))


def judge(curves: Mapping[tuple, Sequence[float]]) -> list[tuple[str, str, bool]]:
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


def _curves(path: Path) -> dict[tuple, list[float]]:
    curves: dict[tuple, list[float]] = {}
    with path.open() as file:
        for row in csv.DictReader(file):
            key = row["task"], float(row["p"]), row["model"]
            curves.setdefault(key, []).append(float(row["mean"]))
    return curves
