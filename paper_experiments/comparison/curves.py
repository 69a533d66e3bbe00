"""Both training curves in one picture."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from paper_experiments.common import figures

_SIZE = (9.0, 3.4)


def save(logs: Mapping[str, list[dict[str, float]]], path: Path) -> None:
    """Draws validation PSNR and loss over the patches seen.

    Args:
      logs: Rows of validations by the name of their curve; none is drawn of an empty
        list.
      path: The PNG file.
    """
    figure = Figure(_SIZE, layout="constrained")
    quality, loss = figure.subplots(1, 2)
    for name, rows in logs.items():
        patches = [row["patches"] for row in rows]
        if patches:
            quality.plot(patches, [row["val_psnr"] for row in rows], ".-", label=name)
            loss.plot(patches, [row["loss"] for row in rows], ".-", label=name)
    loss.set_yscale("log")
    for axis, title in ((quality, "validation PSNR in dB"), (loss, "training loss")):
        axis.set(xlabel="patches seen", title=title)
        axis.locator_params(axis="x", nbins=5)
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    if quality.lines:
        quality.legend()
    figures.save(figure, path)
