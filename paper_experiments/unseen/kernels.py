"""Kernels of blurs: not negative, with the sum 1, drawn from seeds."""

import numpy as np
from scipy import ndimage

# Of a shaken camera: moments of the exposure, and how much of its velocity it keeps
# from one to the next.
_MOMENTS = 1000
_INERTIA = 0.98
# The path is as wide as a pixel.
_PATH_SIGMA = 0.5


def gaussian(size: int, sigma: float) -> np.ndarray:
    """Returns a Gaussian.

    Args:
      size: Height and width, odd.
      sigma: Standard deviation in pixels.

    Returns:
      `(size, size)` float32.
    """
    impulse = np.zeros((size, size))
    impulse[size // 2, size // 2] = 1
    return _normalized(ndimage.gaussian_filter(impulse, sigma, mode="constant"))


def motion(size: int, seed: int) -> np.ndarray:
    """Returns the path of a shaken camera: a random walk with inertia.

    Args:
      size: Height and width, odd, 7 or more. The path touches a frame a pixel inside.
      seed: Seed of the walk.

    Returns:
      `(size, size)` float32, with the middle of the path's extent at the center.
    """
    pushes = np.random.default_rng(seed).standard_normal((_MOMENTS, 2))
    velocity = np.zeros(2)
    velocities = [velocity := _INERTIA * velocity + push for push in pushes]
    path = np.cumsum(velocities, axis=0)
    path -= (path.min(axis=0) + path.max(axis=0)) / 2
    path *= (size // 2 - 1.5) / np.abs(path).max()
    edges = np.arange(size + 1) - size / 2
    visits, _, _ = np.histogram2d(*path.T, bins=(edges, edges))
    return _normalized(ndimage.gaussian_filter(visits, _PATH_SIGMA, mode="constant"))


def disc(radius: float) -> np.ndarray:
    """Returns what a lens out of focus makes of a point: a disc with a soft rim.

    Args:
      radius: In pixels.

    Returns:
      `(size, size)` float32, `size` the odd number that holds the disc.
    """
    reach = int(np.ceil(radius))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return _normalized(np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1))


def double_exposure(shift: int) -> np.ndarray:
    """Returns two impulses beside each other: the image, and the image moved.

    Args:
      shift: How many columns to the right it moves.

    Returns:
      `(1, 2 * shift + 1)` float32.
    """
    kernel = np.zeros((1, 2 * shift + 1))
    kernel[0, [shift, -1]] = 1
    return _normalized(kernel)


def box(size: int) -> np.ndarray:
    """Returns the mean over a square, `(size, size)` float32."""
    return _normalized(np.ones((size, size)))


def _normalized(kernel: np.ndarray) -> np.ndarray:
    return np.float32(kernel / kernel.sum())
