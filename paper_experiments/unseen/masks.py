"""Masks of what is known: without scribbles and text, or on lines in Fourier space."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_TEXT = "Recurrent inference machines learn to infer. "
# Sizes are in parts of the image's height.
_LINES_OF_TEXT, _LETTER_HEIGHT = 5, 1 / 14
_SCRIBBLES, _PEN = 6, 1 / 60
# Of the shorter side: how many lines go through the middle of Fourier space.
_LINES_PER_PIXEL = 1 / 6


def scribbles(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Returns a mask that misses lines of text and curved strokes of a pen.

    Args:
      shape: Height and width.
      seed: Seed of the strokes.

    Returns:
      `(height, width, 1)` float32: 1 where a pixel is known, 0 where it is missing.
    """
    height, width = shape
    page = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(max(6, height * _LETTER_HEIGHT))
    for line in range(_LINES_OF_TEXT):
        # Each begins with other letters.
        text = (_TEXT[7 * line :] + _TEXT) * (1 + width // height)
        top = (line + 0.5) * height / _LINES_OF_TEXT
        draw.text((0, top), text, 0, font, anchor="lm")
    generator = np.random.default_rng(seed)
    pen = max(2, round(height * _PEN))
    for _ in range(_SCRIBBLES):
        stroke = _stroke(generator) * (width, height)
        draw.line([tuple(point) for point in stroke], 0, pen, "curve")
    return np.float32(np.asarray(page) > 127)[..., np.newaxis]


def _stroke(generator: np.random.Generator) -> np.ndarray:
    """Returns points of a stroke, `(points, 2)`, in parts of width and height."""
    start, angle = generator.uniform(size=2), generator.uniform(0, 2 * np.pi)
    angles = angle + np.cumsum(generator.normal(0, 0.5, 40))
    steps = 0.02 * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return start + np.cumsum(steps, axis=0)


def radial_lines(shape: tuple[int, int]) -> np.ndarray:
    """Returns a mask that keeps Fourier coefficients on lines through frequency 0.

    A sixth of the coefficients, as a scanner of magnetic resonance takes them. A
    frequency and its negative stay or go together.

    Args:
      shape: Height and width.

    Returns:
      `(height, width)` float32 in the order of the DFT: 1 for what is kept.
    """
    number = max(1, round(_LINES_PER_PIXEL * min(shape)))
    angles = np.pi * np.arange(number) / number
    # Half a coefficient apart, and inside the band.
    radii = np.arange(0, 0.5**0.5, 0.5 / max(shape))
    directions = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    points = radii[:, np.newaxis, np.newaxis] * directions
    points = points[np.abs(points).max(axis=-1) < 0.5]
    rows, columns = np.rint(points * shape).astype(int).T
    kept = np.zeros(shape, np.float32)
    kept[rows, columns] = kept[-rows % shape[0], -columns % shape[1]] = 1
    return kept
