"""Pictures of how estimates come about."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np

from rim_tf import files, metrics
from rim_tf.rim import PAPER_NUM_STEPS

matplotlib.use("Agg")

from matplotlib import patches
from matplotlib import pyplot as plt

# Height and width of a detail in pixels.
_DETAIL_SIZE = 96
_PIXELS_PER_INCH = 85


class Restored(NamedTuple):
    """An image, its observation, and estimates of it.

    Attributes:
      title: What stands beside the row of pictures.
      clean: `(height, width, channels)` in [0, 1].
      observation: The same shape; None if it is not to be shown.
      estimates: Estimates by the number of steps t.
      observed: What the observation is called.
    """

    title: str
    clean: np.ndarray
    observation: np.ndarray | None
    estimates: Mapping[int, np.ndarray]
    observed: str = "noisy"


def steps_to_show(num_steps: int) -> list[int]:
    """Returns some t up to `num_steps`, close together at first."""
    return sorted({t for t in (1, 3, 10) if t < num_steps} | {num_steps})


def save_estimates(rows: Sequence[Restored], path: Path) -> None:
    """Draws clean image, observation and estimates over t, with their PSNR.

    Args:
      rows: The rows of the picture, with the same numbers of steps.
      path: The PNG file.
    """
    panels = [_panels(row) for row in rows]
    height, width = rows[0].clean.shape[:2]
    # In inches; small images are not blown up, so that many rows stay one page.
    panel_width = np.clip(width / _PIXELS_PER_INCH, 1.5, 2.4)
    size = (
        panel_width * len(panels[0]),
        (panel_width * height / width + 0.3) * len(rows),
    )
    figure, axes = plt.subplots(
        len(rows), len(panels[0]), figsize=size, squeeze=False, layout="constrained"
    )
    for row, row_axes, row_panels in zip(rows, axes, panels, strict=True):
        row_axes[0].set_ylabel(row.title, fontsize=10)
        for axis, (title, image) in zip(row_axes, row_panels, strict=True):
            _draw(axis, title, image)
    with files.replacing(path) as temporary:
        figure.savefig(temporary, dpi=150)
    plt.close(figure)


def save_detail(
    clean: np.ndarray, images: Mapping[str, np.ndarray], path: Path
) -> None:
    """Draws an image, and a detail of it as observed and restored.

    Args:
      clean: `(height, width, channels)` in [0, 1].
      images: By title, of the same shape.
      path: The PNG file.
    """
    top, left = _liveliest_corner(clean, _DETAIL_SIZE)
    figure, (whole, *details) = plt.subplots(
        1,
        2 + len(images),
        figsize=(2.6 * (2 + len(images)), 2.9),
        layout="constrained",
    )
    _draw(whole, "clean", clean)
    whole.add_patch(
        patches.Rectangle(
            (left, top), _DETAIL_SIZE, _DETAIL_SIZE, fill=False, color="red", lw=1.5
        )
    )
    shown = {"clean, detail": clean, **images}
    for axis, (title, image) in zip(details, shown.items(), strict=True):
        detail = image[top : top + _DETAIL_SIZE, left : left + _DETAIL_SIZE]
        _draw(axis, title, detail)
    whole.set_xlabel("PSNR: of the whole image", fontsize=8)
    with files.replacing(path) as temporary:
        figure.savefig(temporary, dpi=150)
    plt.close(figure)


def save_curves(curves: Mapping[Any, Mapping[str, Any]], path: Path) -> None:
    """Draws PSNR over the steps as Figure 3 does: a row for p, a column for a task.

    Shaded is one standard deviation over patches; a dashed line stands at t = 20.

    Args:
      curves: `three_task.Curve` by `three_task.Panel` and name of the model.
      path: The PNG file.
    """
    tasks = list(dict.fromkeys(panel.task for panel in curves))
    fractions = list(dict.fromkeys(panel.fraction for panel in curves))
    figure, axes = plt.subplots(
        len(fractions),
        len(tasks),
        figsize=(2.9 * len(tasks), 2.4 * len(fractions)),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
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
    with files.replacing(path) as temporary:
        figure.savefig(temporary, dpi=150)
    plt.close(figure)


def _liveliest_corner(image: np.ndarray, size: int) -> tuple[int, int]:
    """Returns the top left corner of the square where neighbours differ most."""
    gray = image.mean(axis=-1)
    differences = sum(np.abs(gradient) for gradient in np.gradient(gray))
    corners = [
        (top, left)
        for top in range(0, max(gray.shape[0] - size, 0) + 1, 8)
        for left in range(0, max(gray.shape[1] - size, 0) + 1, 8)
    ]
    return max(
        corners,
        key=lambda corner: differences[corner[0] :, corner[1] :][:size, :size].sum(),
    )


def _draw(axis: plt.Axes, title: str, image: np.ndarray) -> None:
    axis.imshow(_to_show(image), cmap="gray", vmin=0, vmax=1)
    axis.set_title(title, fontsize=9)
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)


def _panels(row: Restored) -> list[tuple[str, np.ndarray]]:
    def titled(
        name: str, image: np.ndarray, clip: bool = True
    ) -> tuple[str, np.ndarray]:
        (value,) = metrics.psnr(image[None], row.clean[None], clip)
        return f"{name}: {value:.2f} dB", image

    observed = row.observation is not None
    return [
        ("clean", row.clean),
        *([titled(row.observed, row.observation, clip=False)] if observed else []),
        *(titled(f"t = {t}", image) for t, image in row.estimates.items()),
    ]


def _to_show(image: np.ndarray) -> np.ndarray:
    image = np.clip(image, 0.0, 1.0)
    return image[..., 0] if image.shape[-1] == 1 else image
