"""Figures 3 and 4: PSNR over the steps, and estimates over the steps."""

import csv
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from paper_experiments.common import figures
from paper_experiments.common.run import Run
from paper_experiments.figure3 import measurement
from rim_tf import files
from rim_tf.forward_models import Blur, FourierProjection, Inpainting
from rim_tf.rim import PAPER_NUM_STEPS, RIM

_IMAGE_SIZE = 128
_BLUR_SIGMA = 1.6
_SHOWN_STEPS = (0, 1, 3, 10, 20, 50)


def save(
    curves: Mapping, models: Mapping[str, RIM], image: np.ndarray, run: Run
) -> list[str]:
    """Draws both figures, and writes what Figure 3 shows as numbers.

    Args:
      curves: `measurement.Curve` by `measurement.Panel` and name of the model.
      models: By name.
      image: `(height, width, 1)` uint8, whose middle Figure 4 shows.
      run: The run.

    Returns:
      The names of the files.
    """
    names = ["curves.csv", "figure3.png", "figure4.png"]
    numbers, figure3, figure4 = (run.output_dir / name for name in names)
    write_curves(curves, numbers)
    save_curves(curves, figure3)
    save_figure4(models, image, run, figure4)
    return names


def save_curves(curves: Mapping[Any, Mapping[str, Any]], path: Path) -> None:
    """Draws PSNR over the steps as Figure 3 does: a row for p, a column for a task.

    Shaded is one standard deviation over patches; a dashed line stands at t = 20.

    Args:
      curves: `measurement.Curve` by `measurement.Panel` and name of the model.
      path: The PNG file.
    """
    tasks = list(dict.fromkeys(panel.task for panel in curves))
    fractions = list(dict.fromkeys(panel.fraction for panel in curves))
    size = 2.9 * len(tasks), 2.4 * len(fractions)
    figure = Figure(size, layout="constrained")
    axes = figure.subplots(
        len(fractions), len(tasks), sharex=True, sharey=True, squeeze=False
    )
    for panel, by_model in curves.items():
        axis = axes[fractions.index(panel.fraction), tasks.index(panel.task)]
        for name, curve in by_model.items():
            steps = np.arange(len(curve.mean))
            (line,) = axis.plot(steps, curve.mean, label=name)
            axis.fill_between(
                steps,
                curve.mean - curve.deviation,
                curve.mean + curve.deviation,
                color=line.get_color(),
                alpha=0.15,
                linewidth=0,
            )
        trained_steps_shown = steps[-1] >= PAPER_NUM_STEPS
        if trained_steps_shown:
            axis.axvline(PAPER_NUM_STEPS, color="black", linestyle="--", linewidth=0.8)
        axis.set_title(panel.title, fontsize=10)
    for axis in axes[:, 0]:
        axis.set_ylabel("PSNR in dB")
    dashed = f"dashed: t = {PAPER_NUM_STEPS}, the last of the paper's training; "
    figure.supxlabel(
        f"step t ({dashed if trained_steps_shown else ''}"
        "shaded: one standard deviation over patches)",
        fontsize=10,
    )
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(names))
    figures.save(figure, path)


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


def save_figure4(
    models: Mapping[str, RIM], image: np.ndarray, run: Run, path: Path
) -> None:
    """Draws the estimates over time of the middle of an image."""
    clean = _middle(image) / np.float32(255)
    operator_seed = measurement.operator_seed(run.seed, 0)
    tasks = {
        "Fourier, p = 0.4": _fourier_projection_with_mean(
            clean.shape[:2], 0.4, run.seed
        ),
        "inpainting, p = 0.4": Inpainting.random(clean.shape[:2], 0.4, operator_seed),
        f"blur of {_BLUR_SIGMA} pixels": Blur(_gaussian_kernel()),
    }
    rows = []
    for task, forward_model in tasks.items():
        observation = measurement.observe(clean[None], forward_model, run.seed, 0)
        for row, model in models.items():
            over_time = measurement.estimates(
                model, observation, forward_model, run.num_steps
            )
            shown = {t: over_time[t][0] for t in _SHOWN_STEPS if t < len(over_time)}
            rows.append(figures.Restored(f"{task}\n{row}", clean, None, shown))
    figures.save_estimates(rows, path)


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
