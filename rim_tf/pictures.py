"""Pictures of how estimates come about, for a notebook or a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from keras import ops

from rim_tf import files, metrics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN_STEPS = (1, 2, 5, 10, 20, 50)
# Inches of a picture, and of the curve below.
_WIDTH, _CURVE_HEIGHT = 1.6, 1.6
_DOTS_PER_INCH = 110


def show_estimates(
    estimates,
    clean=None,
    observation=None,
    steps: Sequence[int] | None = None,
    path: str | Path | None = None,
) -> "Figure":
    """Draws estimates over t; with the true image also their PSNR, and its curve.

    Args:
      estimates: x_1 ... x_T of one image, as a call of a `RIM` returns them, `(T, 1,
        height, width, channels)`, or a list of what `rim_tf.iterate` yields.
      clean: The true image, `(1, height, width, channels)` in [0, 1].
      observation: y, where it is an image: of the shape of `clean`.
      steps: Which t to show, between 1 and T; some of them if None.
      path: A file to write, such as "estimates.png".

    Returns:
      The figure, which a notebook shows.

    Raises:
      ValueError: If there is no estimate, a shape is another one, or a step lies
        outside of 1 to T.

    Example:

        estimates = model(noisy, sigma=25 / 255)
        rim_tf.show_estimates(estimates, clean, noisy, path="estimates.png")
    """
    from matplotlib import pyplot as plt

    images = [single_image(estimate, "estimates") for estimate in estimates]
    if not images:
        raise ValueError("There are no estimates to show.")
    steps = _checked_steps(steps, len(images))
    panels = (
        [] if observation is None else [("observation", single_image(observation, "y"))]
    )
    panels += [(f"t = {t}", images[t - 1]) for t in steps]
    if clean is not None:
        clean = single_image(clean, "clean")
        panels = [(f"{name}\n{_psnr(i, clean):.2f} dB", i) for name, i in panels]
        panels.append(("clean\n", clean))
    figure = plt.figure(dpi=_DOTS_PER_INCH, layout="constrained")
    # The figure is shown by who gets it, not by the end of a notebook's cell, too.
    plt.close(figure)
    _draw(figure, panels, images, clean)
    if path is not None:
        path = Path(path).expanduser()
        with files.replacing(path) as temporary:
            figure.savefig(temporary, format=path.suffix[1:] or "png")
    return figure


def _draw(figure: "Figure", panels: Sequence, images: Sequence, clean) -> None:
    """Draws pictures in a row, and below them the curve if the truth is known."""
    height, width = images[0].shape[:2]
    row = _WIDTH * height / width + 0.45
    has_curve = clean is not None and len(images) > 1
    heights = [row, _CURVE_HEIGHT] if has_curve else [row]
    figure.set_size_inches(_WIDTH * len(panels), sum(heights))
    grid = figure.add_gridspec(len(heights), len(panels), height_ratios=heights)
    for column, (title, image) in enumerate(panels):
        axis = figure.add_subplot(grid[0, column])
        gray = image.shape[-1] == 1
        axis.imshow(image[..., 0] if gray else image, "gray", vmin=0, vmax=1)
        axis.set_title(title, fontsize=8)
        axis.set_axis_off()
    if has_curve:
        axis = figure.add_subplot(grid[1, :])
        t = range(1, len(images) + 1)
        axis.plot(t, [_psnr(image, clean) for image in images], ".-")
        axis.set(xlabel="t", ylabel="PSNR in dB")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)


def single_image(values, name: str) -> np.ndarray:
    """Returns the only image of a batch, `(height, width, channels)` in [0, 1].

    Args:
      values: `(1, height, width, 1 or 3)`; what lies outside of [0, 1] is clipped.
      name: What they are called if they are no such thing.

    Raises:
      ValueError: If they are not.
    """
    values = ops.convert_to_numpy(values)
    if values.ndim != 4 or len(values) != 1 or values.shape[-1] not in (1, 3):
        raise ValueError(
            f"A picture takes one image, (1, height, width, 1 or 3); {name} "
            f"have the shape {values.shape}."
        )
    return np.clip(values[0].astype(np.float64), 0, 1)


def _checked_steps(steps: Sequence[int] | None, num_steps: int) -> list[int]:
    if steps is None:
        return sorted({t for t in _SHOWN_STEPS if t < num_steps} | {num_steps})
    if not all(1 <= t <= num_steps for t in steps):
        raise ValueError(f"steps must lie between 1 and {num_steps}, got {steps!r}.")
    return list(steps)


def _psnr(image: np.ndarray, clean: np.ndarray) -> float:
    return float(metrics.psnr(image[np.newaxis], clean[np.newaxis])[0])
