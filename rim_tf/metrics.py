"""Image quality as the literature reports it."""

import numpy as np

# No estimate goes so far on the scale from 0 to 1.
_LARGEST_PIXEL = 10.0


def psnr(estimate, clean, clip: bool = True) -> np.ndarray:
    """Peak signal-to-noise ratio of each image in dB, for a peak of 1.

    The estimate is clipped to [0, 1] but not rounded; the error is pooled over
    all pixels and channels of an image. Tables report the mean over images of
    these values, which is not the value of the pooled error.

    Args:
      estimate: `(batch, height, width, channels)`, pixels between 0 and 1.
      clean: The true images, of the same shape.
      clip: Whether to clip. The PSNR of a noisy observation that theory gives,
        -20 log10 sigma, is that of the observation as it is.

    Returns:
      `(batch,)` float64; infinite where the images are equal.

    Raises:
      ValueError: If the shapes differ or are not those of a batch of images, there
        is no pixel, or pixels are integers or beyond 10: on another scale.
    """
    estimate, clean = (_pixels(images) for images in (estimate, clean))
    if estimate.shape != clean.shape or clean.ndim != 4 or not clean.size:
        raise ValueError(
            "psnr needs two arrays (batch, height, width, channels), "
            f"got {estimate.shape} and {clean.shape}."
        )
    if clip:
        estimate = np.clip(estimate, 0.0, 1.0)
    error = np.square(estimate - clean).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return -10.0 * np.log10(error)


def mean(values, axis: int | None = None) -> np.ndarray:
    """Returns the mean of PSNR values, of those that are not infinite.

    Infinite is that of an image that is restored without error; beside it others would
    not count.

    Args:
      values: dB, of any shape.
      axis: The axis to average over; all if None.

    Returns:
      float64; infinite where all values are.
    """
    values = np.asarray(values, np.float64)
    finite = np.ma.masked_where(np.isposinf(values), values)
    return np.ma.filled(finite.mean(axis=axis), np.inf)


def _pixels(images) -> np.ndarray:
    images = np.asarray(images)
    if images.dtype.kind in "biu" or np.abs(images).max(initial=0) > _LARGEST_PIXEL:
        raise ValueError(
            "psnr needs floats on the scale from 0 to 1, got "
            f"{images.dtype} up to {images.max()}; divide by 255 first."
        )
    return images.astype(np.float64)
