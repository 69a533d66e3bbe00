"""The document whose tables are made from what was measured, and a bar chart."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_experiments.choices import groups, planted, summary
from paper_experiments.choices.methods import BASELINE, NETWORK
from paper_experiments.choices.steps import DENOISING
from paper_experiments.choices.summary import Line, Numbers
from paper_experiments.common import figures
from paper_experiments.common.errors import UserError

PATH = Path(__file__).parents[1] / "WHY_ANOTHER_NUMBER.md"
_PLANTED = "<!-- protocol: planted -->"
_MOST_BARS = 24
_INCHES_PER_BAR, _MARGINS = 0.2, 0.7
_COLORS = {BASELINE: "0.6", NETWORK: "tab:blue"}
_LABELS = {BASELINE: "baseline", NETWORK: "network"}


def fill(text: str, numbers: Numbers) -> str:
    """Returns a document with the tables of all groups between their marker lines.

    Args:
      text: The document. A group's table stands between `<!-- protocol: GROUP -->`
        and `<!-- end -->`; that of planted causes, too, if it is there.
      numbers: What was measured.

    Raises:
      UserError: If the marker lines of a group are not there.
    """
    for group in groups.ALL:
        pattern = rf"(<!-- protocol: {group} -->\n).*?(<!-- end -->)"
        block = "\n".join(["", *tables(numbers.lines(group)), "", ""])
        text, number = re.subn(
            pattern, lambda m, block=block: m[1] + block + m[2], text, flags=re.S
        )
        if number != 1:
            raise UserError(
                f"{PATH.name}: it must have one line <!-- protocol: {group} --> and, "
                "after it, <!-- end -->."
            )
    if _PLANTED in text:
        rows = planted.table(planted.load(), numbers)
        block = "\n".join([_PLANTED, "", *rows, "", "<!-- end -->"])
        text = re.sub(rf"{_PLANTED}.*?<!-- end -->", lambda _: block, text, flags=re.S)
    return text


def tables(lines: Sequence[Line]) -> list[str]:
    """Returns a Markdown table for each metric."""
    of_psnr, of_ssim = (
        [line for line in lines if line.metric == m] for m in ("psnr", "ssim")
    )
    shown = summary.table(of_psnr)
    return [*shown, "", *summary.table(of_ssim)] if of_ssim else shown


def save_chart(lines: Mapping[str, Sequence[Line]], path: Path) -> None:
    """Draws what choices cost in dB, the largest first, of both protocols.

    Args:
      lines: By group.
      path: The PNG file.
    """
    every = [line for group in lines.values() for line in group]
    every = [line for line in every if line.metric == "psnr"]
    sides = {
        "denoising": _only(every, lambda condition: condition == DENOISING),
        "super-resolution": _only(every, lambda condition: condition != DENOISING),
    }
    heights = [max(len(side), 1) for side in sides.values()]
    inches = _INCHES_PER_BAR * sum(heights) + 2 * _MARGINS
    figure = Figure(figsize=(9, inches), layout="constrained")
    axes = figure.subplots(2, 1, height_ratios=heights, squeeze=False)[:, 0]
    for axis, (title, side) in zip(axes, sides.items(), strict=True):
        _draw(axis, title, side)
    figures.save(figure, path)


def _only(lines: Sequence[Line], is_wanted: Callable[[str], bool]) -> list[Line]:
    """Returns what is about some conditions, the largest change first."""
    found = [
        line._replace(
            effects={k: e for k, e in line.effects.items() if is_wanted(k[0])}
        )
        for line in lines
    ]
    found = [line for line in found if line.effects]
    return sorted(found, key=lambda line: -line.largest)[:_MOST_BARS]


def _draw(axis: Axes, title: str, lines: Sequence[Line]) -> None:
    places = np.arange(len(lines))
    for offset, method in ((-0.2, BASELINE), (0.2, NETWORK)):
        changes = [_extreme(line, method) for line in lines]
        found = [(p, c) for p, c in enumerate(changes) if c is not None]
        if found:
            at, changes = zip(*found, strict=True)
            axis.barh(
                np.add(at, offset),
                changes,
                0.4,
                color=_COLORS[method],
                label=_LABELS[method],
            )
    axis.set_yticks(places, [line.what.replace("`", "") for line in lines], fontsize=7)
    axis.invert_yaxis()
    axis.axvline(0, color="black", linewidth=0.5)
    axis.set_xscale("symlog", linthresh=0.1)
    axis.set_title(f"{title}: what the choice changes, in dB", fontsize=9)
    axis.tick_params(axis="x", labelsize=7)
    if lines:
        axis.legend(fontsize=7)


def _extreme(line: Line, method: str) -> float | None:
    """Returns the largest change of a method, over all factors."""
    changes = [e.change for (_, m), e in line.effects.items() if m == method]
    return max(changes, key=abs) if changes else None
