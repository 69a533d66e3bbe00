"""The noise level of an image, estimated, and what the estimate is worth."""

import statistics
from typing import NamedTuple

import numpy as np
import pywt

# Of the absolute value of a number with a normal distribution.
_MEDIAN = statistics.NormalDist().inv_cdf(0.75)
# Wavelet coefficients below it are 0 but for the arithmetic; of pixels from 0 to 1.
_ROUNDING = 1e-8
# A coefficient of this wavelet depends on as many rows and columns.
_WAVELET, _SUPPORT = "db2", 4
# Of all coefficients: with less, those that depend on clipped pixels count, too. Where
# noise is clipped everywhere, what is left is where there is little of it.
_LEAST_SHARE = 0.25
# Coarse details of this many times the finest are noise that spans several pixels, or
# a photograph without noise.
_COARSER = 2.5
_LITTLE_NOISE = 3 / 255
_MUCH_CLIPPED = 0.02
_MUCH_FLAT = 0.5


class Estimate(NamedTuple):
    """A noise level, on the scale of pixels from 0 to 1.

    Attributes:
      sigma: Standard deviation, a mean over the channels that are not flat.
      flat: Part of the image that is flat.
      clipped: Part of the pixels at the ends of the range.
      coarser: Standard deviation of details twice as coarse, by that of the finest.
    """

    sigma: float
    flat: float
    clipped: float
    coarser: float

    def doubts(self, is_denoising: bool) -> list[str]:
        """Returns what there is to say against it, a sentence or two each.

        Args:
          is_denoising: Whether noise is all that is to be removed.
        """
        said = []
        if self.flat > _MUCH_FLAT:
            said.append(
                f"{self.flat:.0%} of the image is flat, and the estimate that of the "
                "rest, edges of letters and drawings included: look, or give --sigma."
            )
        if self.clipped > _MUCH_CLIPPED:
            said.append(
                f"{self.clipped:.0%} of the pixels are as black or white as can be, "
                "where noise is cut off: the estimate may be too low."
            )
        if self.coarser > _COARSER:
            said.append(
                f"Coarser details are {self.coarser:.1f} times as strong as the "
                "finest: if the picture was enlarged or compressed, the estimate is "
                "far too low; give --sigma."
            )
        elif self.sigma < _LITTLE_NOISE:
            change = ", and little will change" * is_denoising
            said.append(
                f"That is little{change}. If you see noise, it spans several pixels: "
                "give --sigma."
            )
        return said


def estimate(image: np.ndarray, known: np.ndarray | None = None) -> Estimate | None:
    """Estimates the noise level from the finest details.

    From the median of wavelet coefficients, as `estimate_sigma` of scikit-image does.
    That leaves out flat areas where they are exactly 0, and takes those of any other
    level for areas without noise. Pixels at the ends of the range are left out, too,
    while enough others remain: noise is cut off there.

    Args:
      image: `(height, width, channels)`, pixels from 0 to 1.
      known: 0 where a pixel is missing, `(height, width, 1)`; None if none is.

    Returns:
      The estimate; None if all of the image is flat, or too little of it known.
    """
    ends = (image <= 0) | (image >= 1)
    missing = np.broadcast_to(False if known is None else known == 0, ends.shape)
    is_clipped = ends & ~missing
    left_out = _touched(is_clipped | missing)
    fine, coarse = _details(image)
    usable = ~left_out & (fine > _ROUNDING)
    if usable.mean() < _LEAST_SHARE:
        usable = ~_touched(missing) & (fine > _ROUNDING)
    sigmas = [
        _sigma(f[u]) for f, u in zip(_channels(fine), _channels(usable), strict=True)
    ]
    sigmas = [sigma for sigma in sigmas if sigma is not None]
    if not sigmas:
        return None
    sigma = float(np.mean(sigmas))
    of_coarse = _sigma(coarse[coarse > _ROUNDING]) if known is None else None
    return Estimate(
        sigma,
        float(np.mean(fine <= _ROUNDING)),
        float(is_clipped.mean()),
        (of_coarse or 0.0) / sigma,
    )


def _channels(values: np.ndarray) -> np.ndarray:
    return np.moveaxis(values, -1, 0)


def _details(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns sizes of the finest details, and of those twice as coarse."""
    coarse, (_, _, fine) = pywt.dwt2(image, _WAVELET, axes=(0, 1))
    coarse_details = pywt.dwt2(coarse, _WAVELET, axes=(0, 1))[1][2]
    return np.abs(fine), np.abs(coarse_details)


def _touched(pixels: np.ndarray) -> np.ndarray:
    """Returns which of the finest details depend on any of these pixels."""
    padded = np.pad(pixels, [(2, 3), (2, 3), (0, 0)], mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (_SUPPORT,) * 2, (0, 1))
    return windows[::2, ::2].any(axis=(-2, -1))


def _sigma(details: np.ndarray) -> float | None:
    return float(np.median(details)) / _MEDIAN if details.size else None
