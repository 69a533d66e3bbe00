"""The paper's findings of section 3.1, and whether curves of PSNR show them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from paper_experiments import reporting
from paper_experiments.three_task import Curve, Panel
from rim_tf.rim import PAPER_NUM_STEPS

TRAINED_STEPS = PAPER_NUM_STEPS
# Models that fall slowly have not fallen yet at earlier steps.
_LEAST_LATER_STEP = 30
# What counts as a fall, in dB; the RIM must not fall farther.
_ALLOWED_FALL = 0.3
# A model that gains less than this share of what a better one gains, fails.
_LEAST_SHARE = 0.5
# How many of the nine panels are called hard, and how many easy.
_EXTREMES = 3
_UNSEEN_TASK = "inpainting"
# A margin of fewer standard errors is not certain.
_CERTAIN = 2

Curves = Mapping[Panel, Mapping[str, Curve]]


class _Margin(NamedTuple):
    """How far a model is above another one in a panel, in dB.

    Attributes:
      panel: The panel.
      above: Name of the model.
      below: Name of the other one.
      mean: Mean over patches.
      error: Standard error of the mean for other images; None for a single image.
    """

    panel: Panel
    above: str
    below: str
    mean: float
    error: float | None

    @property
    def errors_above_zero(self) -> float:
        """How many standard errors the mean is above zero."""
        return self.mean / max(self.error or 0.0, 1e-6)

    @property
    def verdict(self) -> str:
        """Says whether the margin is positive, if that is certain."""
        if self.error is None:
            return "not decided on a single image"
        if abs(self.errors_above_zero) < _CERTAIN:
            return f"not decided, within {_CERTAIN} standard errors"
        return reporting.verdict(self.mean > 0)

    def __str__(self) -> str:
        error = "" if self.error is None else f" ± {self.error:.2f}"
        return (
            f"{self.mean:+.2f}{error} dB ({self.above} over {self.below}, "
            f"{self.panel.title})"
        )


def last_step(curves: Curves) -> int:
    """Returns the last t."""
    return min(len(c.mean) for row in curves.values() for c in row.values()) - 1


def judge(curves: Curves, images: np.ndarray) -> list[str]:
    """Says of each finding whether it is reproduced, with its numbers.

    What happens after t = 20 is not tested where the curves end before t = 30.

    Args:
      curves: By panel, and by "RIM", "GDN" and "FFN".
      images: `(patches,)`, numbers of the images that the patches are of. Those of
        one image are alike, which standard errors take into account.
    """
    last = last_step(curves)
    trained = min(TRAINED_STEPS, last)
    seen = {p: c for p, c in curves.items() if p.task != _UNSEEN_TASK}
    unseen = {p: c for p, c in curves.items() if p.task == _UNSEEN_TASK}
    later = (
        _judge_later_steps(curves, seen)
        if last >= _LEAST_LATER_STEP
        else [
            f"* {finding} after t = {TRAINED_STEPS}: **not tested**, this needs "
            f"t = {_LEAST_LATER_STEP} or later, the last is t = {last}."
            for finding in (
                "(b) GDN falls",
                "(c) the RIM does not fall",
                "(d) the FFN degrades on harder tasks",
            )
        ]
    )
    return [
        *_judge_trained_steps(seen, trained, images),
        *later,
        _judge_unseen_task(unseen, trained, images),
        "* (f) RIM-3task denoises full images as reported: see what table2_denoise.py "
        "--rows=RIM-3task says below its table.",
    ]


def _judge_trained_steps(seen: Curves, t: int, images: np.ndarray) -> list[str]:
    rim = [
        _margin(seen, panel, ("RIM", other), t, images)
        for panel in seen
        for other in ("FFN", "GDN")
    ]
    gdn = [
        _margin(seen, panel, (other, "GDN"), t, images)
        for panel in seen
        for other in ("RIM", "FFN")
    ]
    return [
        _line(
            f"(a) RIM above FFN and GDN at t = {t} on every task that they were "
            f"trained on: {_describe(rim)}",
            _least_certain(rim).verdict,
        ),
        _line(
            f"(b) GDN the worst of the three at t = {t} on every such task: "
            f"{_describe(gdn)}",
            _least_certain(gdn).verdict,
        ),
    ]


def _judge_later_steps(curves: Curves, seen: Curves) -> list[str]:
    last = last_step(curves)
    rim = max(_fall(row["RIM"]) for row in curves.values())
    gdn = [_fall(row["GDN"]) for row in seen.values()]
    return [
        _line(
            f"(b) GDN falls after t = {TRAINED_STEPS}, by more than {_ALLOWED_FALL} dB "
            f"on every task that it was trained on: by {min(gdn):.2f} to "
            f"{max(gdn):.2f} dB up to t = {last}",
            reporting.verdict(min(gdn) > _ALLOWED_FALL),
        ),
        _line(
            f"(c) the RIM does not fall by more than {_ALLOWED_FALL} dB at any t up to "
            f"{last}: at most by {rim:.2f} dB",
            reporting.verdict(rim <= _ALLOWED_FALL),
        ),
        *_judge_feed_forward_network(seen),
    ]


def _judge_feed_forward_network(seen: Curves) -> list[str]:
    """Judges the fall of the FFN; the paper does not say which tasks are difficult."""
    psnr = {panel: row["RIM"].mean[TRAINED_STEPS] for panel, row in seen.items()}
    orders = {
        "of the lowest PSNR (of the RIM)": sorted(seen, key=psnr.get),
        "with the fewest measurements": sorted(seen, key=lambda panel: panel.fraction),
    }
    lines = []
    for meaning, panels in orders.items():
        (hard, worst), (easy, _) = (
            max((_fall(seen[panel]["FFN"]), panel) for panel in some)
            for some in (panels[:_EXTREMES], panels[-_EXTREMES:])
        )
        lines.append(
            _line(
                "(d) the FFN degrades over time on harder tasks: on the "
                f"{_EXTREMES} {meaning} it falls by up to {hard:.2f} dB "
                f"({worst.title}), on the other extreme by {easy:.2f} dB",
                reporting.verdict(hard > max(easy, _ALLOWED_FALL)),
            )
        )
    return lines


def _judge_unseen_task(unseen: Curves, t: int, images: np.ndarray) -> str:
    margins = [_margin(unseen, panel, ("RIM", "FFN"), t, images) for panel in unseen]
    gains = {
        panel.fraction: {name: _gain(curve, t) for name, curve in row.items()}
        for panel, row in unseen.items()
    }
    others_as_in_paper = all(
        gain["FFN"] > _LEAST_SHARE * gain["RIM"] > 0
        and gain["GDN"] < _LEAST_SHARE * gain["FFN"]
        for gain in gains.values()
    )
    numbers = "; ".join(
        f"p = {p:g}: "
        + ", ".join(f"{name} {gain[name]:+.2f} dB" for name in ("RIM", "FFN", "GDN"))
        for p, gain in gains.items()
    )
    return _line(
        "(e) on inpainting the RIM is best, the FFN carries over (it gains more than "
        f"{_LEAST_SHARE:.0%} of what the RIM gains), the GDN fails (less than "
        f"{_LEAST_SHARE:.0%} of what the FFN gains); gains up to t = {t} at {numbers}; "
        f"{_describe(margins)}",
        _least_certain(margins).verdict
        if others_as_in_paper
        else reporting.verdict(False),
    )


def _line(text: str, verdict: str) -> str:
    return f"* {text}: **{verdict}**."


def _margin(
    curves: Curves, panel: Panel, names: tuple[str, str], t: int, images: np.ndarray
) -> _Margin:
    above, below = (curves[panel][name].psnr[t] for name in names)
    error = reporting.standard_error(above - below, images)
    return _Margin(panel, *names, float(np.mean(above - below)), error)


def _least_certain(margins: Sequence[_Margin]) -> _Margin:
    """Returns the margin that is least certainly positive."""
    return min(margins, key=lambda margin: margin.errors_above_zero)


def _describe(margins: Sequence[_Margin]) -> str:
    means = [margin.mean for margin in margins]
    return (
        f"margins {min(means):+.2f} to {max(means):+.2f} dB, the one least certainly "
        f"positive {_least_certain(margins)}"
    )


def _fall(curve: Curve) -> float:
    """Returns how far the lowest value after the trained steps is below their end."""
    later = curve.mean[TRAINED_STEPS:]
    return float(later[0] - later.min())


def _gain(curve: Curve, t: int) -> float:
    return float(curve.mean[t] - curve.mean[0])
