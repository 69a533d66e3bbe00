"""Kernels and masks that are drawn anew for every image of a training batch.

All is made of `keras.ops`, on the accelerator, in tensors of fixed shapes: of what an
image does not get, a weight of 0 takes no notice.
"""

import itertools
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from rim_tf.forward_models.projections import representatives

# Of a shaken hand: moments of the exposure, how much of its velocity it keeps from one
# to the next, and the width of the path in pixels.
_MOMENTS = 64
_INERTIA = 0.8
_PATH_SIGMA = 0.5
_BLOCKS = 3


def kernels(batch_size, size: int, seed: keras.random.SeedGenerator):
    """Draws kernels of blurs: Gaussians, paths of a shaken hand, boxes, or none.

    Gaussians have standard deviations from 0.4 to 3 pixels along two axes in any
    direction, paths extend to 3 to 25 pixels, boxes have sides of 1.5 to 7.

    Args:
      batch_size: How many.
      size: Height and width of the images, 32 or more for the largest paths.
      seed: Where random numbers come from.

    Returns:
      `(batch, size, size)` float32, not negative, with the sum 1; the center is at
      (0, 0), from where the other side of the image goes on.
    """
    none = ops.ones((batch_size, 1, 1)) * _impulse(size)
    drawn = [none, *(draw(batch_size, size, seed) for draw in (_gaussians, _paths))]
    drawn.append(_boxes(batch_size, size, seed))
    mixed = _one_of(drawn, (0.4, 0.2, 0.3, 0.1), batch_size, seed)
    return mixed / ops.sum(mixed, axis=(1, 2), keepdims=True)


def masks(
    batch_size, size: int, seed: keras.random.SeedGenerator, blocks_share: float = 0.1
):
    """Draws masks of pixels: random ones, rows, grids, without blocks, or none.

    Random masks keep a share between 0.1 and 1; of rows, and of rows and columns,
    every second to fourth stays; up to three blocks have sides of up to a fourth.

    Args:
      batch_size: See `kernels`, as the next two.
      size: Height and width.
      seed: Where random numbers come from.
      blocks_share: Probability of blocks, between 0 and 1; the others share the rest.

    Returns:
      `(batch, size, size)` float32: 1 where a pixel is known, 0 where it is missing.
    """
    every = ops.ones((batch_size, size, size))
    shares = keras.random.uniform((batch_size, 1, 1), 0.1, 1.0, seed=seed)
    values = keras.random.uniform((batch_size, size, size), seed=seed)
    rows = _comb(batch_size, size, 5, seed)[:, :, None] * ops.ones((1, 1, size))
    columns = _comb(batch_size, size, 4, seed)[:, None, :]
    drawn = [every, ops.cast(values < shares, "float32"), rows]
    drawn += [rows * columns, _without_blocks(batch_size, size, seed)]
    others = np.array((0.45, 0.25, 0.1, 0.1)) / 0.9 * (1 - blocks_share)
    return _one_of(drawn, (*others, blocks_share), batch_size, seed)


def spectral_masks(batch_size, size: int, seed: keras.random.SeedGenerator):
    """Draws masks of frequencies; one and its negative stay or go together.

    The share that is kept lies between 0.1 and 0.9, as in the paper.

    Args:
      batch_size: See `kernels`, as the next two.
      size: Height and width.
      seed: Where random numbers come from.

    Returns:
      `(batch, size, size)` float32 in the order of the DFT.
    """
    shares = keras.random.uniform((batch_size, 1), 0.1, 0.9, seed=seed)
    values = keras.random.uniform((batch_size, size**2), seed=seed)
    values = ops.take(values, representatives((size, size)).ravel(), axis=1)
    kept = ops.cast(values <= shares, "float32")
    return ops.reshape(kept, (-1, size, size))


def signs(batch_size, size: int, seed: keras.random.SeedGenerator):
    """Draws -1 and 1 for all pixels of every second image, only 1 for the others.

    Args:
      batch_size: See `kernels`, as the next two.
      size: Height and width.
      seed: Where random numbers come from.

    Returns:
      `(batch, size, size)` float32.
    """
    drawn = ops.sign(keras.random.normal((batch_size, size, size), seed=seed))
    return _one_of([drawn, ops.ones_like(drawn)], (0.5, 0.5), batch_size, seed)


def _one_of(drawn: Sequence, probabilities: Sequence[float], batch_size, seed):
    """Returns for each image one of several tensors."""
    value = keras.random.uniform((batch_size, 1, 1), seed=seed)
    borders = np.cumsum([0.0, *probabilities])
    borders[-1] = np.inf
    return sum(
        ops.cast((value >= low) & (value < high), "float32") * tensor
        for tensor, (low, high) in zip(drawn, itertools.pairwise(borders), strict=True)
    )


def _coordinates(size: int) -> np.ndarray:
    """Returns where pixels are from (0, 0), by the shorter way around."""
    return np.float32(np.fft.fftfreq(size, 1 / size))


def _impulse(size: int) -> np.ndarray:
    at_zero = _coordinates(size) == 0
    return np.float32(at_zero[:, None] * at_zero)


def _gaussians(batch_size, size: int, seed):
    along, across = (
        keras.random.uniform((batch_size, 1, 1), 0.4, 3.0, seed=seed) for _ in "12"
    )
    angle = keras.random.uniform((batch_size, 1, 1), 0.0, np.pi, seed=seed)
    rows, columns = _coordinates(size)[:, None], _coordinates(size)[None]
    first = ops.cos(angle) * rows + ops.sin(angle) * columns
    second = ops.cos(angle) * columns - ops.sin(angle) * rows
    return ops.exp(-(ops.square(first / along) + ops.square(second / across)) / 2)


def _boxes(batch_size, size: int, seed):
    rows, columns = (
        ops.clip(
            keras.random.uniform((batch_size, 1), 0.75, 3.5, seed=seed)
            + 0.5
            - np.abs(_coordinates(size)),
            0,
            1,
        )
        for _ in "12"
    )
    return rows[:, :, None] * columns[:, None]


def _paths(batch_size, size: int, seed):
    """Random walks with inertia, seen by a pen."""
    pushes = keras.random.normal((batch_size, _MOMENTS, 2), seed=seed)
    path = ops.einsum("mn,bnc->bmc", _walk(), pushes)
    low, high = (f(path, axis=1, keepdims=True) for f in (ops.min, ops.max))
    path = path - (low + high) / 2
    extent = ops.max(high - low, axis=2, keepdims=True) / 2
    reach = keras.random.uniform((batch_size, 1, 1), 1.0, 12.0, seed=seed)
    path = ops.minimum(reach, size / 2 - 2) * path / extent
    pens = [
        ops.exp(
            -ops.square((path[..., i, None] - _coordinates(size)) / _PATH_SIGMA) / 2
        )
        for i in range(2)
    ]
    kernel = ops.einsum("bmr,bmc->brc", *pens)
    return kernel / ops.sum(kernel, axis=(1, 2), keepdims=True)


def _walk() -> np.ndarray:
    """Returns the matrix from pushes to places: velocities, added up."""
    ages = np.subtract.outer(np.arange(_MOMENTS), np.arange(_MOMENTS))
    velocities = np.where(ages >= 0, _INERTIA ** np.maximum(ages, 0), 0)
    return np.float32(np.tril(np.ones(2 * (_MOMENTS,))) @ velocities)


def _comb(batch_size, size: int, past_period: int, seed):
    """Returns 1 for every k-th place, with another k and first place for each image."""
    period = keras.random.randint((batch_size, 1), 2, past_period, seed=seed)
    first = keras.random.randint((batch_size, 1), 0, past_period, seed=seed)
    return ops.cast((np.arange(size) + first) % period == 0, "float32")


def _without_blocks(batch_size, size: int, seed):
    shape = (batch_size, _BLOCKS, 1)
    inside = []
    for _ in range(2):
        center = keras.random.uniform(shape, 0, size, seed=seed)
        half = keras.random.uniform(shape, 1, size / 8, seed=seed)
        inside.append(ops.cast(ops.abs(np.arange(size) - center) < half, "float32"))
    blocks = inside[0][..., None] * inside[1][:, :, None]
    return 1 - ops.max(blocks, axis=1)
