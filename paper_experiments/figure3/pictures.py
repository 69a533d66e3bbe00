"""Figures 3 and 4: PSNR over the steps, and estimates over the steps."""

import csv
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paper_experiments.common import figures, table
from paper_experiments.common.observations import psnr_of
from paper_experiments.common.run import Run
from paper_experiments.figure3 import measurement
from rim_tf import files
from rim_tf.forward_models import Blur, ForwardModel, FourierProjection, Inpainting
from rim_tf.rim import PAPER_NUM_STEPS, RIM

_IMAGE_SIZE = 128
_BLUR_SIGMA = 1.6
_SHOWN_STEPS = (1, 3, 10, 20, 50)
# Differences are shown of the other models to this one.
_REFERENCE = "RIM"
# Its difference is to be read; others may leave the axis.
_CLOSEST = "FFN"
# The first t whose differences count for the axis: before, all curves rise steeply.
_SETTLED = 5
_STYLES = ("-", "--", ":")


class MeanCurve(NamedTuple):
    """What is kept of a `measurement.Curve`: PSNR in dB over t = 0 ... T.

    Attributes:
      mean: Mean over patches, `(T + 1,)`.
      deviation: Standard deviation over patches, `(T + 1,)`.
    """

    mean: np.ndarray
    deviation: np.ndarray


def save(
    curves: Mapping,
    image_numbers: np.ndarray,
    models: Mapping[str, RIM],
    image: np.ndarray,
    run: Run,
) -> list[str]:
    """Draws both figures, and writes what Figure 3 shows as numbers.

    Args:
      curves: `measurement.Curve` by `measurement.Panel` and name of the model.
      image_numbers: `(patches,)`, of which images the patches are.
      models: By name.
      image: `(height, width, 1)` uint8, whose middle Figure 4 shows.
      run: The run.

    Returns:
      The names of the files.
    """
    names = ["curves.csv", "figure3.png", "figure4.png"]
    numbers, figure3, figure4 = (run.output_dir / name for name in names)
    write_curves(curves, numbers)
    save_curves(curves, figure3, image_numbers)
    save_figure4(models, image, run.seed, run.num_steps, figure4)
    return names


def save_curves(
    curves: Mapping[Any, Mapping[str, Any]],
    path: Path,
    image_numbers: np.ndarray | None = None,
) -> None:
    """Draws PSNR over the steps as Figure 3 does: a row for p, a column for a task.

    Shaded is one standard deviation over patches; a dashed line stands at t = 20. In
    a last row are the differences to the RIM, with their standard errors where the
    values of each patch are known. `readme_pictures.py` draws it from the shipped
    `figure3_curves.csv`.

    Args:
      curves: `measurement.Curve` or `MeanCurve` by `measurement.Panel` and name of the
        model.
      path: The PNG file.
      image_numbers: `(patches,)`, of which images the patches are.
    """
    tasks = list(dict.fromkeys(panel.task for panel in curves))
    fractions = list(dict.fromkeys(panel.fraction for panel in curves))
    size = 2.7 * len(tasks), 2.1 * (len(fractions) + 1)
    figure = Figure(size, layout="constrained")
    axes = figure.subplots(
        len(fractions) + 1, len(tasks), sharex=True, sharey="row", squeeze=False
    )
    for axis in axes[1:-1, 0]:
        # The PSNR of all rows, but not the differences.
        axis.sharey(axes[0, 0])
    for panel, by_model in curves.items():
        axis = axes[fractions.index(panel.fraction), tasks.index(panel.task)]
        for name, curve in by_model.items():
            _draw_line(axis, curve.mean, curve.deviation, label=name)
        axis.set_title(panel.title, fontsize=10)
    for task, axis in zip(tasks, axes[-1], strict=True):
        of_task = {p: by_model for p, by_model in curves.items() if p.task == task}
        _draw_differences(axis, of_task, image_numbers)
        axis.set_title(f"{task}: difference to the {_REFERENCE}", fontsize=10)
    last = axes[0, 0].lines[0].get_xdata()[-1]
    _set_limits(axes[-1, 0], curves, min(_SETTLED, last))
    _label(figure, axes, last, image_numbers is not None)
    figures.save(figure, path)


def _draw_line(
    axis: Axes, mean: np.ndarray, spread: np.ndarray | None, **how: Any
) -> None:
    """Draws a mean over t, shaded as far as it spreads."""
    steps = np.arange(len(mean))
    (line,) = axis.plot(steps, mean, **how)
    if spread is not None:
        shade = {"color": line.get_color(), "alpha": 0.15, "linewidth": 0}
        axis.fill_between(steps, mean - spread, mean + spread, **shade)


def _draw_differences(
    axis: Axes, by_panel: Mapping, image_numbers: np.ndarray | None
) -> None:
    """Draws how far the other models are above the reference, for each p of a task."""
    for style, by_model in zip(_STYLES, by_panel.values(), strict=True):
        reference = by_model[_REFERENCE]
        for number, (name, curve) in enumerate(by_model.items()):
            if name == _REFERENCE:
                continue
            mean, error = curve.mean - reference.mean, None
            if image_numbers is not None:
                errors = [
                    table.standard_error(values, image_numbers) or 0.0
                    for values in curve.psnr - reference.psnr
                ]
                error = np.array(errors)
            how = {"color": f"C{number}", "linestyle": style}
            _draw_line(axis, mean, error, label=name, **how)
    axis.axhline(0, color="black", linewidth=0.8)


def _set_limits(axis: Axes, curves: Mapping, first: int) -> None:
    """Limits an axis so that the differences of the closest model can be read."""
    lowest = min(
        (by_model[_CLOSEST].mean - by_model[_REFERENCE].mean)[first:].min()
        for by_model in curves.values()
    )
    axis.set_ylim(1.5 * min(lowest, -0.5), 0.5)


def _label(figure: Figure, axes: np.ndarray, last: int, has_errors: bool) -> None:
    trained_steps_shown = last >= PAPER_NUM_STEPS
    if trained_steps_shown:
        for axis in axes.flat:
            axis.axvline(PAPER_NUM_STEPS, color="black", linestyle="--", linewidth=0.8)
    for axis in axes[:-1, 0]:
        axis.set_ylabel("PSNR in dB")
    axes[-1, 0].set_ylabel("difference in dB")
    for axis in axes[-1]:
        _tell_hidden(axis)
    dashed = f"dashed: t = {PAPER_NUM_STEPS}, the last of the paper's training; "
    figure.supxlabel(
        f"step t ({dashed if trained_steps_shown else ''}"
        "shaded: one standard deviation over patches"
        f"{', in the last row the standard error for other images' * has_errors})",
        fontsize=10,
    )
    handles, names = axes[0, 0].get_legend_handles_labels()
    for style, p in zip(_STYLES, measurement.FRACTIONS, strict=True):
        handles.append(Line2D([], [], color="black", linestyle=style))
        names.append(f"last row: p = {p:g}")
    figure.legend(handles, names, loc="outside upper center", ncols=len(names))


def _tell_hidden(axis: Axes) -> None:
    """Says how far down curves are that end below an axis."""
    ends: dict[str, list[float]] = {}
    for line in axis.lines:
        end = line.get_ydata()[-1]
        if end < axis.get_ylim()[0]:
            ends.setdefault(line.get_label(), []).append(end)
    text = "\n".join(
        f"{name} ends at {' / '.join(f'{end:.1f}' for end in of_name)} dB"
        for name, of_name in ends.items()
    )
    axis.text(0.97, 0.03, text, ha="right", fontsize=7, transform=axis.transAxes)


def write_curves(curves: Mapping, path: Path) -> None:
    """Writes what Figure 3 shows, of every t."""
    with files.replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["task", "p", "model", "t", "mean", "standard_deviation"])
        for panel, by_model in curves.items():
            for row, curve in by_model.items():
                values = zip(curve.mean, curve.deviation, strict=True)
                for t, (mean, deviation) in enumerate(values):
                    numbers = [f"{mean:.3f}", f"{deviation:.3f}"]
                    writer.writerow([panel.task, panel.fraction, row, t, *numbers])


def read_curves(path: Path) -> dict[measurement.Panel, dict[str, MeanCurve]]:
    """Reads what `write_curves` wrote."""
    values: dict = {}
    with path.open(newline="") as file:
        for line in csv.DictReader(file):
            panel = measurement.Panel(line["task"], float(line["p"]))
            numbers = float(line["mean"]), float(line["standard_deviation"])
            of_panel = values.setdefault(panel, {})
            of_panel.setdefault(line["model"], []).append(numbers)
    return {
        panel: {name: MeanCurve(*np.transpose(rows)) for name, rows in of_panel.items()}
        for panel, of_panel in values.items()
    }


def save_figure4(
    models: Mapping[str, RIM],
    image: np.ndarray,
    seed: int,
    num_steps: int,
    path: Path,
) -> None:
    """Draws the estimates over time of the middle of an image.

    `readme_pictures.py` draws the one of README.md.

    Args:
      models: By name.
      image: `(height, width, 1)` uint8.
      seed: Seed of operators and noise.
      num_steps: T.
      path: The PNG or JPEG file.
    """
    clean = _middle(image) / np.float32(255)
    rows, first = [], {}
    for task, forward_model in _figure4_tasks(clean.shape[:2], seed).items():
        observation = measurement.observe(clean[None], forward_model, seed, 0)
        for name, model in models.items():
            over_time = measurement.estimates(
                model, observation, forward_model, num_steps
            )
            shown = {t: over_time[t][0] for t in _SHOWN_STEPS if t <= num_steps}
            rows.append(figures.Restored(f"{task}\n{name}", clean, None, shown))
        # It is the same of all models.
        start = over_time[0][0]
        psnr = psnr_of(start, clean)
        first[f"{task}\nt = 0: $A^T y$, clipped\n{psnr:.2f} dB, $\\sigma$ = 1/32"] = (
            start
        )
    figures.save_estimates(rows, path, first, downwards=True)


def _figure4_tasks(shape: tuple[int, int], seed: int) -> dict[str, ForwardModel]:
    """Returns the forward models of Figure 4 by name."""
    inpainting = Inpainting.random(shape, 0.4, measurement.operator_seed(seed, 0))
    return {
        "Fourier, p = 0.4": _fourier_projection_with_mean(shape, 0.4, seed),
        "inpainting, p = 0.4": inpainting,
        f"blur of {_BLUR_SIGMA} pixels": Blur(_gaussian_kernel()),
    }


def _fourier_projection_with_mean(
    shape: tuple[int, int], p: float, seed: int
) -> FourierProjection:
    """Returns a projection that keeps the first coefficient, the mean of the image.

    Without it an estimate can be of any brightness, and looks like a failure.
    """
    projections = (
        FourierProjection.random(shape, p, measurement.operator_seed(seed, number))
        for number in itertools.count()
    )
    return next(
        projection
        for projection in projections
        if np.asarray(projection.mask).ravel()[0]
    )


def _middle(image: np.ndarray) -> np.ndarray:
    """Returns the middle of an image: a square of at most 128 x 128 pixels."""
    height, width = image.shape[:2]
    size = min(_IMAGE_SIZE, height, width) // 2 * 2
    top, left = (height - size) // 2, (width - size) // 2
    return image[top : top + size, left : left + size]


def _gaussian_kernel() -> np.ndarray:
    line = np.exp(-(np.arange(-4, 5) ** 2) / (2 * _BLUR_SIGMA**2))
    kernel = np.outer(line, line)
    return np.float32(kernel / kernel.sum())
