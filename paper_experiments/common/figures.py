"""Pictures of how estimates come about."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import patches
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_experiments.common.observations import psnr_of
from rim_tf import files

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
    figure = Figure(size, layout="constrained")
    axes = figure.subplots(len(rows), len(panels[0]), squeeze=False)
    for row, row_axes, row_panels in zip(rows, axes, panels, strict=True):
        row_axes[0].set_ylabel(row.title, fontsize=10)
        for axis, (title, image) in zip(row_axes, row_panels, strict=True):
            _draw(axis, title, image)
    save(figure, path)


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
    number = 2 + len(images)
    figure = Figure((2.6 * number, 2.9), layout="constrained")
    whole, *details = figure.subplots(1, number)
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
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Writes a figure as a PNG file."""
    with files.replacing(path) as temporary:
        figure.savefig(temporary, dpi=150)


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


def _draw(axis: Axes, title: str, image: np.ndarray) -> None:
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
        return f"{name}: {psnr_of(image, row.clean, clip):.2f} dB", image

    observed = row.observation is not None
    return [
        ("clean", row.clean),
        *([titled(row.observed, row.observation, clip=False)] if observed else []),
        *(titled(f"t = {t}", image) for t, image in row.estimates.items()),
    ]


def _to_show(image: np.ndarray) -> np.ndarray:
    image = np.clip(image, 0.0, 1.0)
    return image[..., 0] if image.shape[-1] == 1 else image
