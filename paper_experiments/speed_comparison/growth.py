"""How time and memory grow with the image, the steps, and the training batch."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from paper_experiments.common import quiet
from paper_experiments.common.errors import UserError
from paper_experiments.common.wording import describe_seconds
from paper_experiments.speed_comparison import measure, processes, table
from paper_experiments.speed_comparison.builds import Build

FILES = ("growth.json", "growth.md", "growth.png")
# 0.15, 0.6, 2.5 and 9.8 megapixels.
_SIZES = ((320, 480), (640, 960), (1280, 1920), (2560, 3840))
_BATCHES = (4, 8, 16, 32, 64)
_QUICK_SIZES, _QUICK_BATCHES = ((16, 24), (32, 48)), (1, 2)
# What is above this is to be explained or mended.
LARGEST_EXPONENT = 1.05
# Of a megapixel and step, and of a patch in training, on two cores of a Zen 4; and of
# the start of a process.
_STEP_SECONDS, _PATCH_SECONDS, _START_SECONDS = 1.9, 0.12, 15


class Curve(NamedTuple):
    """How something grows.

    Attributes:
      what: Its name.
      of: What it grows with, "megapixels" or "patches in a batch".
      unit: "s" or "MB".
      points: Pairs of size and value.
    """

    what: str
    of: str
    unit: str
    points: Sequence[tuple[float, float]]

    @property
    def exponent(self) -> float | None:
        """Slope of the straight line through the points of a log-log picture."""
        logs = [(math.log(size), math.log(value)) for size, value in self.points]
        if len(logs) < 2:
            return None
        means = [sum(values) / len(logs) for values in zip(*logs, strict=True)]
        centered = [(x - means[0], y - means[1]) for x, y in logs]
        return sum(x * y for x, y in centered) / sum(x * x for x, _ in centered)

    @property
    def last_exponent(self) -> float | None:
        """The same of the last two points, where fixed costs matter least."""
        return self._replace(points=self.points[-2:]).exponent


def run(
    root: Path,
    settings: processes.Settings,
    folder: Path,
    say: Callable[[str], None] = print,
) -> bool:
    """Measures, prints a table, and writes it with a picture and all values.

    Args:
      root: Root of the checkout.
      settings: How to measure.
      folder: Where results go.
      say: Takes lines.

    Returns:
      Whether all could be measured.

    Raises:
      UserError: If nothing could be measured.
    """
    sizes = _QUICK_SIZES if settings.quick else _SIZES
    batches = _QUICK_BATCHES if settings.quick else _BATCHES
    build = Build("new", root, "")
    say(f"{_estimate(sizes, batches)}\n")
    failures: list[str] = []

    def measured(name: str, what: str, **more: int) -> Mapping[str, float]:
        try:
            values = processes.measure_build(build, name, settings, **more)["values"]
        except processes.FailedError as error:
            # -9 is how Linux ends what takes more memory than there is.
            failures.append(f"{what}: {error}")
            say(f"{what}: FAILED: {error}")
            return {}
        shown = ", ".join(f"{key} {value:.4g}" for key, value in values.items())
        say(f"{what}: {shown}")
        return values

    images = {
        height * width / 1e6: measured(
            "restore_size", f"restoring {height} x {width}", height=height, width=width
        )
        for height, width in sizes
    }
    trainings = {
        size: measured("train_size", f"training, batch {size}", batch_size=size)
        for size in batches
    }
    curves = _curves(images, trainings)
    if not any(curve.points for curve in curves):
        raise UserError(f"nothing could be measured: {failures[0]}")
    _write(folder, curves, failures, settings, say)
    return not failures


def _estimate(sizes: Sequence[tuple[int, int]], batches: Sequence[int]) -> str:
    megapixels = sum(height * width for height, width in sizes) / 1e6
    seconds = megapixels * _STEP_SECONDS * (2 + measure.GROWTH_STEPS[-1])
    seconds += 4 * sum(batches) * _PATCH_SECONDS
    seconds += _START_SECONDS * (len(sizes) + len(batches))
    return f"This takes about {describe_seconds(seconds)} on two cores of 2022."


def _curves(
    images: Mapping[float, Mapping[str, float]],
    trainings: Mapping[int, Mapping[str, float]],
) -> list[Curve]:
    """Returns what was measured as curves; of what failed there are no points."""
    curves = [
        Curve(f"restoring, T = {steps}", "megapixels", unit, _points(images, key))
        for unit, short in (("s", "s"), ("MB", "mb"))
        for steps in measure.GROWTH_STEPS
        for key in [f"{short}_{steps}"]
    ]
    curves += [
        Curve("a training step, T = 20", "patches in a batch", unit, points)
        for unit, key in (("s", "s"), ("MB", "mb"))
        for points in [_points(trainings, key)]
    ]
    return curves


def _points(
    values: Mapping[float, Mapping[str, float]], key: str
) -> list[tuple[float, float]]:
    return [(size, found[key]) for size, found in values.items() if key in found]


def lines(curves: Sequence[Curve]) -> list[str]:
    """Returns a Markdown table of the exponents."""
    rows = [
        "| what | smallest | largest | exponent | of the last two |",
        "|---|---:|---:|---:|---:|",
    ]
    for curve in curves:
        ends = [curve.points[0], curve.points[-1]] if curve.points else []
        shown = [f"{table.number(value)} at {size:.3g}" for size, value in ends] or [
            "failed"
        ] * 2
        exponents = [_shown(e) for e in (curve.exponent, curve.last_exponent)]
        what = f"{curve.what}, {curve.unit} by {curve.of}"
        rows.append(f"| {' | '.join([what, *(shown or ['failed'] * 2), *exponents])} |")
    return rows


def _shown(exponent: float | None) -> str:
    if exponent is None:
        return ""
    return f"**{exponent:.2f}**" if exponent > LARGEST_EXPONENT else f"{exponent:.2f}"


def _write(
    folder: Path,
    curves: Sequence[Curve],
    failures: Sequence[str],
    settings: processes.Settings,
    say: Callable[[str], None],
) -> None:
    # Keras is imported here, where its threads and memory are in nobody's way.
    quiet.import_backend()
    from paper_experiments.common import provenance
    from paper_experiments.speed_comparison import growth_picture
    from rim_tf import files

    shrunken = "*** --quick: everything is shrunken, and the numbers mean nothing."
    text = "\n".join(
        [
            *([shrunken, ""] if settings.quick else []),
            *lines(curves),
            "",
            f"Exponents above {LARGEST_EXPONENT:g} are bold.",
            *(f"* **failed**: {failure}" for failure in failures),
        ]
    )
    whole: dict[str, Any] = {
        "versions": provenance.versions(),
        "settings": dataclasses.asdict(settings),
        "curves": [
            {**c._asdict(), "exponent": c.exponent, "last": c.last_exponent}
            for c in curves
        ],
        "failures": list(failures),
    }
    as_json, as_text, picture = (folder / name for name in FILES)
    files.write_json(as_json, whole, indent=1)
    files.write_text(as_text, text + "\n")
    growth_picture.save(curves, picture)
    say(f"\n{text}\n\nWrote {', '.join(FILES)} to {folder}.")
