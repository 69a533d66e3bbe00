"""The paper's findings of section 3.1, and whether curves of PSNR show them."""

from collections.abc import Mapping

import numpy as np

from paper_experiments import reporting
from paper_experiments.three_task import Curve, Panel
from rim_tf.rim import PAPER_NUM_STEPS

TRAINED_STEPS = PAPER_NUM_STEPS
# Models that fall slowly have not fallen yet at earlier steps.
_LEAST_LATER_STEP = 30
# What counts as a fall, in dB; the RIM must not fall farther.
_ALLOWED_FALL = 0.3
# A model that gains so much less than a better one, in dB, fails.
_FAILURE = 3.0
# How many of the nine panels are called hard, and how many easy.
_EXTREMES = 3
_UNSEEN_TASK = "inpainting"
# A margin of fewer standard errors is not certain.
_CERTAIN = 2
# PSNR is shown in steps of 0.01 dB; nothing is more certain than that, in dB.
_LEAST_ERROR = 0.005

Curves = Mapping[Panel, Mapping[str, Curve]]


def last_step(curves: Curves) -> int:
    """Returns the last t."""
    return min(len(c.mean) for row in curves.values() for c in row.values()) - 1


def judge(curves: Curves) -> list[str]:
    """Says of each finding whether it is reproduced, with its numbers.

    What happens after t = 20 is not tested where the curves end before t = 30.

    Args:
      curves: By panel, and by "RIM", "GDN" and "FFN".
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
        *_judge_trained_steps(seen, trained),
        *later,
        _judge_unseen_task(unseen, trained),
        "* (f) RIM-3task denoises full images as reported: see what table2_denoise.py "
        "--rows=RIM-3task says below its table.",
    ]


def _judge_trained_steps(seen: Curves, t: int) -> list[str]:
    closest = min(seen, key=lambda panel: _certainty(_margins(seen[panel], t)))
    margins = _margins(seen[closest], t)
    below = [_distance_below(row, t) for row in seen.values()]
    return [
        _line(
            f"(a) RIM above FFN and GDN at t = {t} on every task that they were "
            f"trained on: least certain margin {_with_error(margins)} dB "
            f"({closest.title})",
            _verdict_on(margins),
        ),
        _line(
            f"(b) GDN the worst of the three at t = {t} on every such task: below the "
            f"others by {min(below):+.2f} to {max(below):+.2f} dB",
            reporting.verdict(min(below) > 0),
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


def _judge_unseen_task(unseen: Curves, t: int) -> str:
    margins = min((_margins(row, t) for row in unseen.values()), key=_certainty)
    gains = {
        panel.fraction: {name: _gain(curve, t) for name, curve in row.items()}
        for panel, row in unseen.items()
    }
    others_as_in_paper = all(
        gain["FFN"] > max(0, gain["RIM"] - _FAILURE)
        and gain["GDN"] <= max(0, gain["FFN"] - _FAILURE)
        for gain in gains.values()
    )
    numbers = "; ".join(
        f"p = {p:g}: "
        + ", ".join(f"{name} {gain[name]:+.2f} dB" for name in ("RIM", "FFN", "GDN"))
        for p, gain in gains.items()
    )
    return _line(
        "(e) on inpainting RIM and FFN carry over (the FFN gains something, and less "
        f"than {_FAILURE:g} dB less than the RIM), RIM best, GDN fails (it gains "
        f"nothing, or {_FAILURE:g} dB less than the FFN): least certain margin of the "
        f"RIM {_with_error(margins)} dB; gains up to t = {t} at {numbers}",
        _verdict_on(margins) if others_as_in_paper else reporting.verdict(False),
    )


def _line(text: str, verdict: str) -> str:
    return f"* {text}: **{verdict}**."


def _verdict_on(margins: np.ndarray) -> str:
    """Says whether margins are positive, if that is certain."""
    if len(margins) > 1 and abs(_certainty(margins)) < _CERTAIN:
        return f"not decided, within {_CERTAIN} standard errors"
    return reporting.verdict(margins.mean() > 0)


def _certainty(margins: np.ndarray) -> float:
    """Returns how many standard errors a mean margin is above zero."""
    error = reporting.standard_error(margins) or 0.0
    return float(margins.mean() / max(error, _LEAST_ERROR))


def _margins(row: Mapping[str, Curve], t: int) -> np.ndarray:
    """Returns how far the RIM is above the better of the others on each patch."""
    better = max(row["GDN"], row["FFN"], key=lambda curve: curve.mean[t])
    return row["RIM"].psnr[t] - better.psnr[t]


def _with_error(values: np.ndarray) -> str:
    """Returns the mean of values with its standard error, where there is one."""
    error = reporting.standard_error(values)
    return f"{values.mean():+.2f}" + ("" if error is None else f" ± {error:.2f}")


def _distance_below(row: Mapping[str, Curve], t: int) -> float:
    """Returns how far the GDN is below the worse of the others."""
    return float(min(row["RIM"].mean[t], row["FFN"].mean[t]) - row["GDN"].mean[t])


def _fall(curve: Curve) -> float:
    """Returns how far the lowest value after the trained steps is below their end."""
    later = curve.mean[TRAINED_STEPS:]
    return float(later[0] - later.min())


def _gain(curve: Curve, t: int) -> float:
    return float(curve.mean[t] - curve.mean[0])
