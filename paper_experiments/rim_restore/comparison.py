"""A restored picture beside another: numbers, and a picture of both."""

from pathlib import Path

import numpy as np
from PIL import Image
from skimage.metrics import structural_similarity

from paper_experiments.common.errors import UserError
from paper_experiments.rim_restore.picture import Picture
from paper_experiments.rim_restore.units import Range
from rim_tf import files, images, metrics

# Of the window of SSIM: smaller images have none.
_WINDOW = 7
_GAP = 8


def check(path: Path, clean: Picture, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Makes sure before the work that a restored picture can be compared.

    Args:
      path: The file of the clean picture.
      clean: What it holds.
      shape: What the restored pages will have.
      dtype: The same.

    Raises:
      UserError: If the clean picture is of another kind.
    """
    if (clean.pages.shape, clean.dtype) != (shape, dtype):
        raise UserError(
            f"--compare: {path} is {_described(clean.dtype, clean.pages.shape)}, the "
            f"restored picture {_described(dtype, shape)}."
        )


def compare(
    path: Path, clean: Picture, before: Picture, after: Picture, counts: Range
) -> None:
    """Prints PSNR and SSIM against a clean picture, its pages' mean.

    Args:
      path: The file of the clean picture.
      clean: What it holds.
      before: What was restored.
      after: What came of it.
      counts: Black and white; their distance is the peak of PSNR.
    """
    for name, compared in (("before", before), ("after", after)):
        if compared.pages.shape == clean.pages.shape:
            print(f"Against {path}, {name}: {_quality(compared, clean, counts)}.")


def _described(dtype: np.dtype, shape: tuple[int, ...]) -> str:
    return f"{dtype} of {' x '.join(map(str, shape))}"


def _quality(compared: Picture, clean: Picture, counts: Range) -> str:
    pair = [np.clip(counts.to_unit(p.pages), 0, 1) for p in (compared, clean)]
    with np.errstate(divide="ignore"):
        psnr = np.mean(metrics.psnr(*pair))
    if min(clean.pages.shape[1:3]) < _WINDOW:
        return f"PSNR {psnr:.2f} dB"
    similar = [
        structural_similarity(*both, data_range=1.0, channel_axis=-1)
        for both in zip(*pair, strict=True)
    ]
    return f"PSNR {psnr:.2f} dB, SSIM {np.mean(similar):.4f}"


def as_large(pixels: np.ndarray, height: int) -> np.ndarray:
    """Returns an image whose pixels are repeated until it has that height."""
    factor = height // pixels.shape[0]
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def draw(path: Path, before: Picture, after: Picture, counts: Range) -> None:
    """Writes a PNG file of the first page, before on the left and after."""
    height, width = after.pages.shape[1:3]
    first = as_large(counts.to_unit(before.pages[0]), height)
    shown = [np.clip(x, 0, 1) for x in (first, counts.to_unit(after.pages[0]))]
    gap = np.ones((height, _GAP, 3))
    wide = [np.broadcast_to(image, (height, width, 3)) for image in shown]
    beside = np.concatenate([wide[0], gap, wide[1]], axis=1)
    with files.replacing(path) as temporary:
        Image.fromarray(images.to_8_bits(beside)).save(temporary, "png")
    print(f"Wrote {path}, before and after.")
