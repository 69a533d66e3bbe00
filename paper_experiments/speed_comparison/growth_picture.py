"""The log-log picture of how cost grows."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib import ticker
from matplotlib.figure import Figure

from paper_experiments.common import figures
from paper_experiments.speed_comparison.growth import Curve

_SIZE = (9.0, 6.4)
_UNITS = {"s": "seconds", "MB": "memory in MB"}


def save(curves: Sequence[Curve], path: Path) -> None:
    """Draws curves over what they grow with, those that share it in one panel.

    Args:
      curves: What was measured.
      path: The PNG file.
    """
    figure = Figure(_SIZE, layout="constrained")
    kinds = list(dict.fromkeys((curve.of, curve.unit) for curve in curves))
    panels = figure.subplots(2, 2).flat
    for (of, unit), axis in zip(kinds, panels, strict=True):
        for curve in curves:
            if (curve.of, curve.unit) == (of, unit) and curve.points:
                exponent = curve.exponent
                power = "" if exponent is None else f": power {exponent:.2f}"
                label = f"{curve.what}{power}"
                axis.plot(*zip(*curve.points, strict=True), ".-", label=label)
        axis.set(xscale="log", yscale="log", xlabel=of, ylabel=_UNITS[unit])
        found = (curve.points for curve in curves if curve.of == of)
        sizes = sorted({size for points in found for size, _ in points})
        axis.set_xticks(sizes, [f"{size:.2g}" for size in sizes])
        axis.tick_params("x", which="minor", bottom=False, labelbottom=False)
        # Plain numbers, a few of them also where there is less than a power of ten.
        axis.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:,g}")
        axis.yaxis.set_minor_formatter(ticker.NullFormatter())
        axis.grid(alpha=0.3)
        axis.margins(y=0.12)
        axis.spines[["top", "right"]].set_visible(False)
        if axis.lines:
            # The curves rise.
            axis.legend(loc="upper left", fontsize="small")
    figures.save(figure, path)
