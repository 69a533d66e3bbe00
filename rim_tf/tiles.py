"""Restoring large images tile by tile, so that memory does not grow with the image.

`speed/windows.py` divides one step, and needs the state of the whole image, 256 numbers
for four pixels of the paper's network. Here each tile goes through all T steps alone,
with so much of the image around it that its middle does not feel the border.
"""

import copy
import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from keras import ops

from rim_tf import restoration
from rim_tf.forward_models import (
    BicubicDownsampling,
    Blur,
    Denoising,
    ForwardModel,
    Inpainting,
    Mosaic,
    Subsampling,
    scaling,
)
from rim_tf.restoration import NumSteps
from rim_tf.rim import RIM

# Around each tile. The paper's network sees 121 pixels far in 20 steps; a multiple of
# the stride of networks, of mosaics, and of the factors of super-resolution.
_OVERLAP = 132
# Height and width of the middles that are kept; a multiple of the same.
_SIDE = 768


class Tile(NamedTuple):
    """A part of an image.

    Attributes:
      rows: With what it overlaps by.
      columns: With what it overlaps by.
      own_rows: What is kept of it, counted in the image.
      own_columns: What is kept of it, counted in the image.
    """

    rows: slice
    columns: slice
    own_rows: slice
    own_columns: slice

    @property
    def inside(self) -> tuple[slice, slice]:
        """Rows and columns of what is kept, counted in the tile."""
        rows, columns = self.own_rows, self.own_columns
        return _inside(rows, self.rows), _inside(columns, self.columns)

    def smaller(self, row_step: int, column_step: int) -> "Tile":
        """Returns the same tile in an image that is so many times smaller."""
        by = row_step, column_step, row_step, column_step
        return Tile(*map(_divided, self, by))


class Step(NamedTuple):
    """What a tile has come to after a step.

    Attributes:
      tile: The tile.
      observation: What is observed of it.
      forward_model: The operator A of it.
      estimate: x_t of all of it, `(batch, height, width, channels)` float32.
    """

    tile: Tile
    observation: np.ndarray
    forward_model: ForwardModel
    estimate: np.ndarray

    @property
    def own(self) -> np.ndarray:
        """The part of the estimate that is kept."""
        return self.estimate[:, *self.tile.inside]


def divide(
    height: int, width: int, side: int = _SIDE, overlap: int = _OVERLAP
) -> list[Tile]:
    """Returns tiles whose own parts cover an image once, and begin at multiples.

    Args:
      height: Of the image.
      width: Of the image.
      side: Largest height and width of what is kept of a tile.
      overlap: How many pixels a tile sees around that.
    """
    return [
        Tile(rows, columns, own_rows, own_columns)
        for (rows, own_rows), (columns, own_columns) in itertools.product(
            _spans(height, side, overlap), _spans(width, side, overlap)
        )
    ]


def _spans(size: int, side: int, overlap: int) -> Iterator[tuple[slice, slice]]:
    """Yields parts of an axis, with and without what they overlap by."""
    for first in range(0, size, side):
        last = min(first + side, size)
        around = slice(max(first - overlap, 0), min(last + overlap, size))
        yield around, slice(first, last)


def restore(
    model: RIM,
    observation,
    forward_model: ForwardModel,
    sigma=None,
    num_steps: NumSteps = None,
    side: int = _SIDE,
    overlap: int = _OVERLAP,
    after_step: Callable[[Step], None] = lambda step: None,
) -> np.ndarray:
    """Restores images tile by tile; see `rim_tf.restore`, whose result this is nearly.

    In float32 the two differed by 5e-7 at most after 20 steps of `rim_denoise`, on 64 x
    528 pixels in two tiles, and of `rim_super_resolution`, on 120 x 900 pixels in two.
    An image of one tile is restored as a whole. `rim-restore denoise` of 4000 x 3000
    grey pixels of 16 bits took 3.64 GiB, in bfloat16, all 20 steps. In colours and
    float32 it took 3.7 GiB, and `enlarge`, by two, 3.5 GiB; one tile of the largest
    size, two steps, was computed there, and the others copied.

    Args:
      model: See `rim_tf.restore`, as the next four.
      observation: y, `(batch, ...)`.
      forward_model: One whose measurements are in the place of what they measure:
        denoising, inpainting, a mosaic, subsampling, bicubic down-sampling, or a blur
        that mirrors at the border.
      sigma: Standard deviation of the noise.
      num_steps: T. "auto" is decided by one tile, in the middle of the list, for all.
      side: Height and width of what is kept of a tile, of the estimate.
      overlap: How many pixels a tile sees around that; as `side`, a multiple of the
        network's stride and of the steps of the forward model.
      after_step: Is called after each step of each tile, for a progress bar or to keep
        how an estimate came about.

    Returns:
      `(batch, height, width, channels)` float32 in [0, 1].

    Raises:
      ValueError: As `rim_tf.restore`; if tiles are not for the forward model; or if
        side or overlap is not such a multiple.
    """
    observation = np.asarray(observation)
    steps = _steps_of(forward_model)
    height, width = (
        size * step for size, step in zip(observation.shape[1:3], steps, strict=True)
    )
    tiles = divide(height, width, side, overlap)
    if len(tiles) > 1:
        _part(forward_model, tiles[0])  # Refuses what tiles are not for.
        _check_multiples(model, forward_model, steps, side, overlap)
        if model.normalize:
            forward_model = _with_norm(forward_model, observation)
    if num_steps == "auto" and len(tiles) > 1:
        num_steps = _auto(model, observation, forward_model, sigma, tiles)
    restored = None
    for tile in tiles:
        part = _part(forward_model, tile) if len(tiles) > 1 else forward_model
        observed = _observed(observation, tile, steps)
        for estimate in restoration.iterate(model, observed, part, sigma, num_steps):
            step = Step(tile, observed, part, ops.convert_to_numpy(estimate))
            after_step(step)
        own = step.own
        if restored is None:
            restored = np.empty((len(own), height, width, own.shape[-1]), np.float32)
        restored[:, tile.own_rows, tile.own_columns] = own
    return restored


def _auto(model: RIM, observation, forward_model, sigma, tiles: list[Tile]) -> int:
    """Returns the number of steps that a tile in the middle makes."""
    tile = tiles[len(tiles) // 2]
    _, details = restoration.restore(
        model,
        _observed(observation, tile, _steps_of(forward_model)),
        _part(forward_model, tile),
        sigma,
        "auto",
        details=True,
    )
    return details.num_steps


def _with_norm(forward_model: ForwardModel, observation: np.ndarray) -> ForwardModel:
    """Returns a forward model that states its norm, so that no tile finds another."""
    if forward_model.norm is not None:
        return forward_model
    stated = copy.copy(forward_model)
    image = ops.convert_to_numpy(forward_model.adjoint(np.float32(observation)))
    stated.norm = scaling.norm(forward_model, image)
    return stated


def _steps_of(forward_model: ForwardModel) -> tuple[int, int]:
    """Returns how many rows and columns of x there are for each of y."""
    match forward_model:
        case BicubicDownsampling():
            return (forward_model.factor, forward_model.factor)
        case Subsampling():
            return forward_model.step
    return (1, 1)


def _check_multiples(
    model: RIM, forward_model: ForwardModel, steps: tuple[int, int], side, overlap
) -> None:
    mosaic = 2 if isinstance(forward_model, Mosaic) else 1
    multiple = math.lcm(getattr(model.cell, "stride", 1), mosaic, *steps)
    if side < 1 or overlap < 0 or side % multiple or overlap % multiple:
        raise ValueError(
            f"side and overlap must be multiples of {multiple}, got {side} and "
            f"{overlap}."
        )


def _part(forward_model: ForwardModel, tile: Tile) -> ForwardModel:
    """Returns the forward model of a tile."""
    match forward_model:
        case Inpainting():
            return forward_model.part(tile.rows, tile.columns)
        case Blur(boundary="symmetric"):
            return forward_model
        case Denoising() | Mosaic() | Subsampling() | BicubicDownsampling():
            return forward_model
    raise ValueError(
        f"{forward_model} cannot be applied to parts of an image; use rim_tf.restore."
    )


def _observed(observation: np.ndarray, tile: Tile, steps: tuple[int, int]):
    small = tile.smaller(*steps)
    return observation[:, small.rows, small.columns]


def _divided(part: slice, step: int) -> slice:
    return slice(part.start // step, part.stop // step)


def _inside(part: slice, whole: slice) -> slice:
    """Returns where a part is, counted from the beginning of the whole."""
    return slice(part.start - whole.start, part.stop - whole.start)
