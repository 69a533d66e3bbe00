"""The paper's findings of section 3.1, and whether curves of PSNR show them."""

from collections.abc import Mapping

from paper_experiments.three_task import Curve, Panel

TRAINED_STEPS = 20
# What counts as a fall, in dB; the RIM must not fall farther.
_ALLOWED_FALL = 0.3
_UNSEEN_TASK = "inpainting"

Curves = Mapping[Panel, Mapping[str, Curve]]


def last_step(curves: Curves) -> int:
    """Returns the last t."""
    return min(len(c.mean) for row in curves.values() for c in row.values()) - 1


def judge(curves: Curves) -> list[str]:
    """Says of each finding whether it is reproduced, with its numbers.

    Args:
      curves: By panel, and by "RIM", "GDN" and "FFN".
    """
    last = last_step(curves)
    trained = min(TRAINED_STEPS, last)
    seen = {p: c for p, c in curves.items() if p.task != _UNSEEN_TASK}
    unseen = {p: c for p, c in curves.items() if p.task == _UNSEEN_TASK}
    margin = min(_margin(row, trained) for row in seen.values())
    gdn = [_fall(row["GDN"], trained, last) for row in seen.values()]
    rim = max(_fall(row["RIM"], trained, last) for row in curves.values())
    easy, hard = (
        max(
            (_fall(row["FFN"], trained, last), panel)
            for panel, row in seen.items()
            if panel.fraction == fraction
        )
        for fraction in (max(p.fraction for p in seen), min(p.fraction for p in seen))
    )
    carried = [_margin(row, trained) for row in unseen.values()]
    gained = [_gain(row["GDN"], trained) for row in unseen.values()]
    ffn_gained = [_gain(row["FFN"], trained) for row in unseen.values()]
    return [
        _line(
            f"(a) RIM above FFN and GDN at t = {trained} on every task that they were "
            f"trained on: smallest margin {margin:+.2f} dB",
            margin > 0,
        ),
        _line(
            f"(b) GDN falls after t = {trained}: by {min(gdn):.2f} to {max(gdn):.2f} "
            f"dB at t = {last}",
            min(gdn) > 0,
        ),
        _line(
            f"(c) the RIM does not fall by more than {_ALLOWED_FALL} dB up to t = "
            f"{last}: at most by {rim:.2f} dB",
            rim <= _ALLOWED_FALL,
        ),
        _line(
            "(d) the FFN degrades over time on harder tasks: it falls by "
            f"{hard[0]:.2f} dB ({hard[1].task}, p = {hard[1].fraction:g}), and by at "
            f"most {easy[0]:.2f} dB at p = {easy[1].fraction:g}",
            hard[0] > max(easy[0], 0),
        ),
        _line(
            "(e) on inpainting RIM and FFN carry over, RIM best, GDN fails: smallest "
            f"margin of the RIM {min(carried):+.2f} dB; up to t = {trained} the FFN "
            f"gained {min(ffn_gained):+.2f} dB or more, the GDN {max(gained):+.2f} dB "
            "or less",
            min(carried) > 0 and min(ffn_gained) > 0 and max(gained) < min(ffn_gained),
        ),
        "* (f) full images: the row RIM-3task of table2_denoise.py.",
    ]


def _line(text: str, reproduced: bool) -> str:
    return f"* {text}: **{'reproduced' if reproduced else 'NOT REPRODUCED'}**."


def _margin(row: Mapping[str, Curve], t: int) -> float:
    """Returns how far the RIM is above the better of the others."""
    return float(row["RIM"].mean[t] - max(row["GDN"].mean[t], row["FFN"].mean[t]))


def _fall(curve: Curve, begin: int, end: int) -> float:
    return float(curve.mean[begin] - curve.mean[end])


def _gain(curve: Curve, t: int) -> float:
    return float(curve.mean[t] - curve.mean[0])
