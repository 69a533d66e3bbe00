"""A picture of all forward models: observed, and restored."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from paper_experiments.common import figures
from paper_experiments.common import forward_model_names as names
from paper_experiments.unseen.measurement import Kept

# In letters: two lines of it are as high as a picture.
_ROW_TITLE_WIDTH, _BREAK = 15, "\n"


def save(kept: Mapping[str, Kept], clean: np.ndarray, of_rim: str, path: Path) -> None:
    """Draws a detail of one image: observation, best classic, plug-and-play, RIM.

    Args:
      kept: By title of the forward model.
      clean: `(height, width, 1)` in [0, 1].
      of_rim: Column of the RIM.
      path: The PNG file.
    """
    rows = {}
    for title, (psnr, shown, _) in kept.items():
        classics = [name for name in names.CLASSICS if name in psnr]
        columns = [
            names.OBSERVATION,
            max(classics, key=psnr.__getitem__),
            names.PLUG_AND_PLAY,
            of_rim,
        ]
        rows[_BREAK.join(textwrap.wrap(title, _ROW_TITLE_WIDTH))] = {
            f"{name}{_BREAK}{psnr[name]:.1f} dB": shown[name] / 255 for name in columns
        }
    rows["the truth"] = {"clean": clean}
    figures.save_grid(rows, clean, path)
