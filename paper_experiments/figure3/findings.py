"""The paper's findings of section 3.1, and whether curves of PSNR show them.

Each finding says that margins are above their bounds. One rule judges all of them: the
weakest margin decides, the one that is the fewest standard errors above its bound.
"""

import itertools
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from paper_experiments.common import table
from paper_experiments.figure3.measurement import Curve, Panel
from rim_tf.rim import PAPER_NUM_STEPS

TRAINED_STEPS = PAPER_NUM_STEPS
# Models that fall slowly have not fallen yet at earlier steps.
_LEAST_LATER_STEP = 30
# What counts as a fall, in dB; the RIM must not fall farther.
_ALLOWED_FALL = 0.3
# How many of the nine panels are called hard, and how many easy.
_EXTREMES = 3
_UNSEEN_TASK = "inpainting"
# What is fewer standard errors from its bound is not certain.
_CERTAIN = 2
_MODELS = ("RIM", "FFN", "GDN")
# What is to be above a bound: the weights of the PSNR of `_MODELS`; from which t on its
# change counts, None for PSNR itself; the bound in dB.
_QUANTITIES = {
    "RIM over FFN": ((1, -1, 0), None, 0),
    "RIM over GDN": ((1, 0, -1), None, 0),
    "FFN over GDN": ((0, 1, -1), None, 0),
    "change of RIM": ((1, 0, 0), TRAINED_STEPS, -_ALLOWED_FALL),
    "fall of FFN": ((0, -1, 0), TRAINED_STEPS, _ALLOWED_FALL),
    "fall of GDN": ((0, 0, -1), TRAINED_STEPS, _ALLOWED_FALL),
    "gain of RIM": ((1, 0, 0), 0, 0),
    # A model that gains less than half of what a better one gains, fails.
    "gain of FFN less half of RIM's": ((-0.5, 1, 0), 0, 0),
    "half of FFN's gain less GDN's": ((0, 0.5, -1), 0, 0),
}
_GAINS = [what for what, (_, since, _) in _QUANTITIES.items() if since == 0]
_HEADINGS = ("finding", "weakest evidence, in dB", "to be above", "range", "verdict")


class Finding(NamedTuple):
    """A finding of the paper, in words: its weakest evidence, and the verdict."""

    finding: str
    evidence: str
    bound: str
    span: str
    verdict: str


Curves = Mapping[Panel, Mapping[str, Curve]]
_certainty = attrgetter("certainty")


class _Margin(NamedTuple):
    """Values of patches in dB, whose mean a finding says to be above a bound."""

    what: str
    panel: Panel
    t: int
    values: np.ndarray
    images: np.ndarray
    bound: float

    @property
    def mean(self) -> float:
        return float(np.mean(self.values))

    @property
    def error(self) -> float | None:
        """Standard error of the mean for other images; None for a single image."""
        return table.standard_error(self.values, self.images)

    @property
    def certainty(self) -> float:
        """How many standard errors the mean is above its bound; negative: below."""
        return (self.mean - self.bound) / max(self.error or 0.0, 1e-6)

    @property
    def verdict(self) -> str:
        if self.error is None or abs(self.certainty) < _CERTAIN:
            return "not decided"
        return table.verdict(self.certainty > 0)

    def __str__(self) -> str:
        error = "" if self.error is None else f" ± {self.error:.2f}"
        where = f"{self.panel.title}, t = {self.t}"
        return f"{self.mean:z.2f}{error} ({self.what}, {where})"


def last_step(curves: Curves) -> int:
    """Returns the last t."""
    return min(len(c.mean) for row in curves.values() for c in row.values()) - 1


def judge(curves: Curves, images: np.ndarray) -> list[Finding]:
    """Returns of each finding whether it is reproduced.

    What happens after t = 20 is not tested where the curves end before t = 30.

    Args:
      curves: By panel, and by "RIM", "GDN" and "FFN".
      images: `(patches,)`, numbers of the images that the patches are of. Those of
        one image are alike, which standard errors take into account.
    """
    t = min(TRAINED_STEPS, last_step(curves))
    trained = {p: row for p, row in curves.items() if p.task != _UNSEEN_TASK}
    unseen = {p: row for p, row in curves.items() if p.task == _UNSEEN_TASK}
    rim_over = _margins(trained, images, ["RIM over FFN", "RIM over GDN"], [t])
    over_gdn = _margins(trained, images, ["RIM over GDN", "FFN over GDN"], [t])
    unknown = _margins(unseen, images, ["RIM over FFN", *_GAINS], [t])
    return [
        _row(f"(a) RIM above FFN and GDN at t = {t}, trained tasks", rim_over),
        _row(f"(b) GDN the worst at t = {t}, trained tasks", over_gdn),
        *_judge_later_steps(curves, trained, images),
        _row("(e) on inpainting the RIM is best, FFN carries over, GDN fails", unknown),
    ]


def describe(found: Sequence[Finding], curves: Curves) -> list[str]:
    """Returns Markdown: a table with a row for each finding, then how to read it."""
    t = min(TRAINED_STEPS, last_step(curves))
    unseen = {p: row for p, row in curves.items() if p.task == _UNSEEN_TASK}
    return [*_to_markdown([_HEADINGS, *found]), "", *_notes(unseen, t)]


def _judge_later_steps(
    curves: Curves, trained: Curves, images: np.ndarray
) -> list[Finding]:
    findings = (
        f"(b) GDN falls after t = {TRAINED_STEPS}, trained tasks",
        f"(c) RIM does not fall after t = {TRAINED_STEPS}, all tasks",
        "(d) FFN falls, and farther, where PSNR is lowest",
        "(d) FFN falls, and farther, with fewest measurements",
    )
    last = last_step(curves)
    if last < _LEAST_LATER_STEP:
        needed = f"needs t = {_LEAST_LATER_STEP} or later"
        return [Finding(name, needed, "", "", "not tested") for name in findings]
    later = range(TRAINED_STEPS + 1, last + 1)
    gdn = _margins(trained, images, ["fall of GDN"], later)
    ffn = _margins(trained, images, ["fall of FFN"], later)
    # The paper does not say which tasks are difficult.
    by_psnr = sorted(trained, key=lambda p: trained[p]["RIM"].mean[TRAINED_STEPS])
    by_fraction = sorted(trained, key=lambda p: p.fraction)
    evidence = (
        [_most_certain(gdn, [panel]) for panel in trained],
        _margins(curves, images, ["change of RIM"], later),
        _degradation(ffn, by_psnr),
        _degradation(ffn, by_fraction),
    )
    return list(map(_row, findings, evidence))


def _degradation(falls: Sequence[_Margin], panels: Sequence[Panel]) -> list[_Margin]:
    """Returns a fall on a hard task, and how much farther it is than on easy ones.

    One hard task on which it certainly falls, at one t, is enough.

    Args:
      falls: Of all panels and t.
      panels: The hardest first.
    """
    fall = _most_certain(falls, panels[:_EXTREMES])
    what = f"fall of {fall.mean:z.2f} on {fall.panel.title}, less that on"
    farther = [
        other._replace(what=what, values=fall.values - other.values, bound=0)
        for other in falls
        if other.panel in panels[-_EXTREMES:] and other.t == fall.t
    ]
    return [fall, *farther]


def _most_certain(falls: Sequence[_Margin], panels: Sequence[Panel]) -> _Margin:
    """Returns what speaks most for a fall, where one of the panels and t is enough.

    It is chosen by the patches that it is judged by, so its certainty is a little
    overestimated.
    """
    return max((fall for fall in falls if fall.panel in panels), key=_certainty)


def _margins(
    curves: Curves, images: np.ndarray, names: Sequence[str], steps: Sequence[int]
) -> list[_Margin]:
    """Returns the margins of `_QUANTITIES` on each panel, at each of the steps."""
    margins = []
    for name, (panel, row) in itertools.product(names, curves.items()):
        weights, since, bound = _QUANTITIES[name]
        psnr = np.tensordot(weights, [row[model].psnr for model in _MODELS], 1)
        values = psnr if since is None else psnr - psnr[since]
        margins += [_Margin(name, panel, t, values[t], images, bound) for t in steps]
    return margins


def _row(finding: str, margins: Sequence[_Margin]) -> Finding:
    """Returns a finding: the weakest of the margins decides."""
    weakest = min(margins, key=_certainty)
    means = [margin.mean for margin in margins if margin.what == weakest.what]
    span = f"{min(means):z.2f} to {max(means):z.2f}" if len(means) > 1 else ""
    bound = f"{weakest.bound:g}"
    return Finding(finding, str(weakest), bound, span, weakest.verdict)


def _to_markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return lines


def _notes(unseen: Curves, t: int) -> list[str]:
    gains = "; ".join(
        f"p = {panel.fraction:g}: "
        + ", ".join(f"{m} {row[m].mean[t] - row[m].mean[0]:+.2f}" for m in _MODELS)
        for panel, row in unseen.items()
    )
    return [
        "* The weakest evidence decides: the margin that is the fewest standard errors "
        f"(±) above what it is to be above. Within {_CERTAIN} of them, or on a single "
        "image, it is not decided. The range is that over panels and t. Trained tasks "
        f"are all but {_UNSEEN_TASK}.",
        f"* (b), (d): the most certain fall from t = {TRAINED_STEPS} to any later t; "
        f"in (d) on any of the {_EXTREMES} hardest panels, and farther than on each of "
        f"the {_EXTREMES} easiest at the same t. PSNR is that of the RIM.",
        "* (e): the FFN is to gain more than half of what the RIM gains, the GDN less "
        f"than half of what the FFN gains. Gains in dB up to t = {t}: {gains}.",
        "* (f) RIM-3task denoises full images as reported: see what table2_denoise.py "
        "--rows=RIM-3task says below its table.",
    ]
