"""The steps of a restoration, kept, and shown by a page for a browser."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rim_tf import restoration, tiles, trajectory


class Recorder:
    """Keeps the steps of the tile in the middle of an image.

    Args:
      height: Of the restored image.
      width: Of the restored image.
    """

    def __init__(self, height: int, width: int):
        divided = tiles.divide(height, width)
        self._tile = divided[len(divided) // 2]
        self._size = f"{width} x {height}"
        self._is_whole = len(divided) == 1
        self.steps: list[tiles.Step] = []

    def keep(self, step: tiles.Step) -> None:
        """Takes notice of a step of any tile."""
        if step.tile == self._tile:
            self.steps.append(step)

    def cut(self, image: np.ndarray, factor: int = 1) -> np.ndarray:
        """Returns what is kept of an image that is `factor` times smaller."""
        small = self._tile.smaller(factor, factor)
        return image[small.own_rows, small.own_columns]

    def residuals(self, sigma: float) -> list[float]:
        """Returns y - A x of each step in units of the noise level, of all channels."""
        return [
            float(
                restoration.residual(
                    step.estimate,
                    step.observation,
                    np.float32(sigma),
                    step.forward_model,
                ).mean()
            )
            for step in self.steps
        ]

    def describe(self) -> str:
        """Says what part of an image is kept; nothing if all of it is."""
        if self._is_whole:
            return ""
        rows, columns = self._tile.own_rows, self._tile.own_columns
        return (
            f"columns {columns.start} to {columns.stop - 1}, rows {rows.start} to "
            f"{rows.stop - 1} of {self._size} pixels"
        )


def save(
    path: Path,
    recorder: Recorder,
    estimates: Sequence[np.ndarray],
    beside: dict[str, np.ndarray],
    sigma: float,
    title: str,
) -> None:
    """Writes a page.

    Args:
      path: The HTML file.
      recorder: What kept the steps.
      estimates: Of each, what is shown, `(height, width, channels)`.
      beside: What stands at the left of the divider, by name, of whole images; "clean"
        is the true one.
      sigma: Noise level of what the recorder kept; 0 for none.
      title: A heading.
    """
    beside = {name: recorder.cut(image) for name, image in beside.items()}
    # Some may be grey, and others colours.
    shape = np.broadcast_shapes(estimates[0].shape, *(x.shape for x in beside.values()))
    beside = {name: _shown(image, shape) for name, image in beside.items()}
    trajectory.write(
        trajectory.Trajectory(
            [_shown(estimate, shape) for estimate in estimates],
            beside,
            beside.get("clean"),
            recorder.residuals(sigma) if sigma else None,
            title,
            recorder.describe(),
        ),
        path,
    )
    part = recorder.describe()
    print(f"Wrote {path}, all steps{' of ' * bool(part)}{part}.")


def _shown(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(np.clip(image, 0, 1), shape)
