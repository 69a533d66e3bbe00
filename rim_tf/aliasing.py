"""Whether a low-resolution image was made without anti-aliasing.

A network for super-resolution has learnt one kernel. Of images made small by another
it makes worse ones than bicubic up-sampling does, without a word.
"""

import warnings

import numpy as np

from rim_tf.forward_models import BicubicDownsampling, ForwardModel

# Bands of frequencies, in cycles per pixel along both axes: the finest diagonal detail,
# which an anti-aliasing kernel dampens, and coarser detail that it leaves.
_FINEST, _COARSER = (0.4, 0.5), (0.2, 0.3)
# Of 300 images by MATLAB's `imresize` the largest has 0.246.
_MOST_POWER = 0.27
# What rounding to 8 bits leaves everywhere is a sixth of a squared level at most.
_ROUNDING = 0.5 / 255**2
# In fewer pixels one edge decides.
_LEAST_SIZE = 24
_LEAST_SIGMA = 0.5 / 255


def is_aliased(images) -> np.ndarray:
    """Tells images that were made small without an anti-aliased bicubic kernel.

    Compares the power of the finest diagonal detail with that of coarser detail. Among
    the 100 test images of BSDS-300 made small by 2, 3 and 4 it finds no error in those
    by MATLAB, and 97 to 99 of those by OpenCV's `INTER_CUBIC`; of `INTER_AREA` about
    half. A grid that is shifted it cannot see.

    Args:
      images: `(batch, height, width, channels)`, without noise, pixels between 0 and 1.

    Returns:
      `(batch,)` bool; False for images too small, or too smooth, to tell.
    """
    images = np.asarray(images, np.float64)
    height, width = images.shape[1:3]
    if min(height, width) < _LEAST_SIZE:
        return np.zeros(len(images), bool)
    window = np.outer(np.hanning(height), np.hanning(width))[:, :, np.newaxis]
    centered = images - images.mean(axis=(1, 2), keepdims=True)
    spectrum = np.fft.rfft2(window * centered, axes=(1, 2))
    power = np.square(np.abs(spectrum)).mean(axis=-1) / np.square(window).sum()
    finest, coarser = (_in_band(power, height, width, b) for b in (_FINEST, _COARSER))
    return (finest > _ROUNDING) & (finest > _MOST_POWER * coarser)


def _in_band(
    power: np.ndarray, height: int, width: int, band: tuple[float, float]
) -> np.ndarray:
    """Returns the mean power where the frequencies of both axes are in a band."""
    rows, columns = np.abs(np.fft.fftfreq(height)), np.fft.rfftfreq(width)
    low, high = band
    rows, columns = ((low <= f) & (f <= high) for f in (rows, columns))
    return power[:, rows][:, :, columns].mean(axis=(1, 2))


def warn_of_aliasing(observation, forward_model: ForwardModel | None, sigma) -> None:
    """Warns if what is to be enlarged was probably made small by another kernel.

    Args:
      observation: y, `(batch, height, width, channels)` in [0, 1].
      forward_model: The operator; only of `BicubicDownsampling` there is a warning.
      sigma: Noise level; noise has fine detail, too, and then there is no telling.
        None if there is none.
    """
    sigma = 0.0 if sigma is None else sigma
    is_for = isinstance(forward_model, BicubicDownsampling) and forward_model.factor > 1
    if is_for and np.max(sigma) < _LEAST_SIGMA and is_aliased(observation).any():
        warnings.warn(
            "The low-resolution image has more fine detail than BicubicDownsampling "
            "leaves: probably another kernel made it, without anti-aliasing, as "
            "OpenCV's INTER_CUBIC. Expect an estimate below bicubic up-sampling; make "
            "it small with rim_tf.bicubic.imresize_uint8.",
            stacklevel=4,
        )
