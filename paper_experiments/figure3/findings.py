"""The paper's findings of section 3.1, and whether curves of PSNR show them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from paper_experiments.common import table as reporting
from paper_experiments.figure3.measurement import Curve, Panel
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
# What is fewer standard errors from its bound is not certain.
_CERTAIN = 2

Curves = Mapping[Panel, Mapping[str, Curve]]


class _Evidence(NamedTuple):
    """What speaks for a statement, or against it.

    Attributes:
      what: What is measured, and where.
      value: Mean over patches, in dB.
      error: Standard error of the mean for other images; None for a single image.
      excess: How far the value is on the side of its bound that is claimed, in dB.
    """

    what: str
    value: float
    error: float | None
    excess: float

    @property
    def certainty(self) -> float:
        """How many standard errors speak for the statement; negative: against it."""
        return self.excess / max(self.error or 0.0, 1e-6)

    @property
    def verdict(self) -> str:
        """Says whether the statement holds, if that is certain."""
        if self.error is None:
            return "not decided on a single image"
        if abs(self.certainty) < _CERTAIN:
            return f"not decided, within {_CERTAIN} standard errors"
        return reporting.verdict(self.excess > 0)

    @property
    def against(self) -> "_Evidence":
        """The same as evidence for the opposite."""
        return self._replace(excess=-self.excess)

    def __str__(self) -> str:
        error = "" if self.error is None else f" ± {self.error:.2f}"
        return f"{self.value:z.2f}{error} dB ({self.what})"


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
        _judge_later_steps(curves, seen, images)
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
            f"trained on: margins of {_describe(rim)}",
            rim,
        ),
        _line(
            f"(b) GDN the worst of the three at t = {t} on every such task: "
            f"margins of {_describe(gdn)}",
            gdn,
        ),
    ]


def _judge_later_steps(curves: Curves, seen: Curves, images: np.ndarray) -> list[str]:
    last = last_step(curves)
    gdn = [_strongest(_falls(seen, panel, "GDN", images).values()) for panel in seen]
    rim = [
        fall.against
        for panel in curves
        for fall in _falls(curves, panel, "RIM", images).values()
    ]
    return [
        _line(
            f"(b) GDN falls after t = {TRAINED_STEPS}, by more than {_ALLOWED_FALL} dB "
            f"on every task that it was trained on: the most certain fall on each, "
            f"up to t = {last}: {_describe(gdn)}",
            gdn,
        ),
        _line(
            f"(c) the RIM does not fall by more than {_ALLOWED_FALL} dB at any t up to "
            f"{last}: falls of {_describe(rim)}",
            rim,
        ),
        *_judge_feed_forward_network(seen, images),
    ]


def _judge_feed_forward_network(seen: Curves, images: np.ndarray) -> list[str]:
    """Judges the fall of the FFN; the paper does not say which tasks are difficult."""
    psnr = {panel: row["RIM"].mean[TRAINED_STEPS] for panel, row in seen.items()}
    orders = {
        "of the lowest PSNR (of the RIM)": sorted(seen, key=psnr.get),
        "with the fewest measurements": sorted(seen, key=lambda panel: panel.fraction),
    }
    lines = []
    for meaning, panels in orders.items():
        hard, easy = panels[:_EXTREMES], panels[-_EXTREMES:]
        # One hard task on which it certainly falls, at one t, is enough.
        falls = {
            (panel, t): fall
            for panel in hard
            for t, fall in _falls(seen, panel, "FFN", images).items()
        }
        (hardest, t), fall = max(falls.items(), key=lambda item: item[1].certainty)
        farther = [
            _evidence(
                f"{hardest.title}, over {panel.title}",
                _fall(seen[hardest]["FFN"], t) - _fall(seen[panel]["FFN"], t),
                images,
            )
            for panel in easy
        ]
        lines.append(
            _line(
                f"(d) the FFN degrades over time on harder tasks, by more than "
                f"{_ALLOWED_FALL} dB and farther than on others: of the {_EXTREMES} "
                f"{meaning}, the most certain fall is {fall}, farther than "
                f"on the other extreme by {_weakest(farther)}",
                [fall, *farther],
            )
        )
    return lines


def _judge_unseen_task(unseen: Curves, t: int, images: np.ndarray) -> str:
    margins = [_margin(unseen, panel, ("RIM", "FFN"), t, images) for panel in unseen]
    gains = {
        panel: {name: curve.psnr[t] - curve.psnr[0] for name, curve in row.items()}
        for panel, row in unseen.items()
    }
    share = f"{_LEAST_SHARE:.0%}"
    shares = [
        _evidence(f"{what}, {panel.title}", values, images)
        for panel, gain in gains.items()
        for what, values in {
            "gain of the RIM": gain["RIM"],
            f"gain of the FFN less {share} of the RIM's": gain["FFN"]
            - _LEAST_SHARE * gain["RIM"],
            f"{share} of the FFN's gain less the GDN's": _LEAST_SHARE * gain["FFN"]
            - gain["GDN"],
        }.items()
    ]
    numbers = "; ".join(
        f"p = {panel.fraction:g}: "
        + ", ".join(
            f"{name} {np.mean(gain[name]):+.2f} dB" for name in ("RIM", "FFN", "GDN")
        )
        for panel, gain in gains.items()
    )
    return _line(
        "(e) on inpainting the RIM is best, the FFN carries over (it gains more than "
        f"{share} of what the RIM gains), the GDN fails (less than "
        f"{share} of what the FFN gains); gains up to t = {t} at {numbers}; "
        f"RIM over FFN by {_describe(margins)}; of the gains the weakest evidence is "
        f"{_weakest(shares)}",
        [*margins, *shares],
    )


def _line(text: str, evidence: Sequence[_Evidence]) -> str:
    return f"* {text}: **{_weakest(evidence).verdict}**."


def _margin(
    curves: Curves, panel: Panel, names: tuple[str, str], t: int, images: np.ndarray
) -> _Evidence:
    """Returns how far a model is above another one."""
    above, below = (curves[panel][name].psnr[t] for name in names)
    what = f"{names[0]} over {names[1]}, {panel.title}"
    return _evidence(what, above - below, images)


def _falls(
    curves: Curves, panel: Panel, name: str, images: np.ndarray
) -> dict[int, _Evidence]:
    """Returns by t after 20 how far a model has fallen, as evidence that it falls."""
    curve = curves[panel][name]
    return {
        t: _evidence(
            f"{name}, {panel.title}, t = {t}",
            _fall(curve, t),
            images,
            bound=_ALLOWED_FALL,
        )
        for t in range(TRAINED_STEPS + 1, last_step(curves) + 1)
    }


def _fall(curve: Curve, t: int) -> np.ndarray:
    """Returns how far each patch falls from t = 20 to a later t."""
    return curve.psnr[TRAINED_STEPS] - curve.psnr[t]


def _evidence(
    what: str, values: np.ndarray, images: np.ndarray, bound: float = 0.0
) -> _Evidence:
    """Returns what values of patches say for a mean above a bound."""
    mean = float(np.mean(values))
    return _Evidence(what, mean, reporting.standard_error(values, images), mean - bound)


def _weakest(evidence: Sequence[_Evidence]) -> _Evidence:
    """Returns what speaks least for the statement."""
    return min(evidence, key=lambda one: one.certainty)


def _strongest(evidence: Iterable[_Evidence]) -> _Evidence:
    """Returns what speaks most for the statement: where one case is enough.

    It is chosen by the patches that it is judged by, so its certainty is a little
    overestimated.
    """
    return max(evidence, key=lambda one: one.certainty)


def _describe(evidence: Sequence[_Evidence]) -> str:
    values = [one.value for one in evidence]
    return (
        f"{min(values):z.2f} to {max(values):z.2f} dB, the weakest evidence "
        f"{_weakest(evidence)}"
    )
