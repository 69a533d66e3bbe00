"""Between the counts of a file and the scale on which black is 0 and white is 1."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from paper_experiments.common.errors import UserError

# Cameras count with so many bits, and their files have more.
_BITS = (8, 10, 12, 14, 16)
# Floats that stay within these are taken for those from 0 to 1.
_UNIT_FLOATS = (-0.5, 1.5)
# Standard deviations that noise hardly ever exceeds.
_FAR = 4
# Numbers that are converted at once.
_PART = 1 << 22


class Range(NamedTuple):
    """What black and white are in counts.

    Attributes:
      black: The count that is 0 on the scale of pixels.
      white: The count that is 1.
      reason: Where they come from.
    """

    black: float
    white: float
    reason: str

    @property
    def width(self) -> float:
        """Counts from black to white."""
        return self.white - self.black

    def to_unit(self, counts: np.ndarray) -> np.ndarray:
        """Returns float32 on the scale from 0 to 1; noise may go beyond."""
        return _in_parts(lambda c: (c - self.black) / self.width, counts, np.float32)

    def to_range(self, unit: np.ndarray) -> np.ndarray:
        """Returns the same; see `Poisson.to_range`."""
        return unit

    def to_counts(self, unit: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Returns counts of a file's dtype; integers are rounded, halves up."""
        is_float = np.dtype(dtype).kind == "f"

        def convert(unit: np.ndarray) -> np.ndarray:
            counts = self.black + self.width * unit
            if is_float:
                return counts
            return np.floor(np.clip(counts, 0, np.iinfo(dtype).max) + 0.5)

        return _in_parts(convert, unit, dtype)


def _in_parts(convert: Callable, values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Returns what a function makes of all values, in float64.

    Part by part, so that a large image takes the memory of the result only.
    """
    result = np.empty(values.shape, dtype)
    flat, source = result.reshape(-1), values.reshape(-1)
    for first in range(0, source.size, _PART):
        part = slice(first, first + _PART)
        flat[part] = convert(source[part].astype(np.float64))
    return result


def share_beyond(pages: np.ndarray, counts: Range, sigma: float) -> float:
    """Returns which part of the values lies farther beyond black or white than noise.

    Args:
      pages: Counts.
      counts: Black and white.
      sigma: Standard deviation of the noise, of black to white.
    """
    least, most = (
        limit + sign * _FAR * sigma * counts.width
        for limit, sign in ((counts.black, -1), (counts.white, 1))
    )
    return float(np.mean((pages < least) | (pages > most)))


def find_range(pages: np.ndarray, given: tuple[float, float] | None) -> Range:
    """Returns what is black and white: as given, or found where that can be.

    Raises:
      UserError: If it is not given and cannot be found.
    """
    if given:
        return Range(*given, "--range")
    lowest, highest = pages.min(), pages.max()
    match pages.dtype.name:
        case "uint8":
            return Range(0.0, 255.0, "8 bits")
        case "uint16":
            bits = next(n for n in _BITS if highest < 2**n)
            found = f"found: values go from {lowest} to {highest}, so {bits} bits"
            return Range(0.0, 2.0**bits - 1, found)
    if _UNIT_FLOATS[0] <= lowest and highest <= _UNIT_FLOATS[1]:
        return Range(0.0, 1.0, f"found: values go from {lowest:.3g} to {highest:.3g}")
    raise UserError(
        f"--range: floats from {lowest:.4g} to {highest:.4g} do not say what is black "
        "and what white; give --range=BLACK,WHITE."
    )


class Poisson(NamedTuple):
    """A scale on which the noise of photons has one standard deviation everywhere.

    Of counts above black, c, that is the transform of Anscombe (1948),
    `2 sqrt(c + 3/8)`, whose noise has the standard deviation 1, divided by its value at
    white. Back leads the unbiased inverse of Makitalo and Foi (2011), in closed form.

    Attributes:
      range: Black and white in counts.
    """

    range: Range

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise on this scale."""
        return 1 / _anscombe(self.range.width)

    def to_unit(self, counts: np.ndarray) -> np.ndarray:
        """Returns float32 on the scale of the transform, from about 0 to 1."""
        above_black = np.maximum(counts.astype(np.float64) - self.range.black, 0)
        return np.float32(_anscombe(above_black) * self.sigma)

    def to_range(self, unit: np.ndarray) -> np.ndarray:
        """Returns the scale of `Range.to_unit`, on which light adds up."""
        # Where no photon is expected the transform is this, and its inverse 0.
        d = np.maximum(unit.astype(np.float64) / self.sigma, _anscombe(0.0))
        root = np.sqrt(1.5)
        counts = d**2 / 4 + root / (4 * d) - 11 / (8 * d**2) + 5 * root / (8 * d**3)
        return np.float32(np.maximum(counts - 1 / 8, 0) / self.range.width)


def _anscombe(counts: float | np.ndarray) -> float | np.ndarray:
    return 2 * np.sqrt(counts + 3 / 8)
