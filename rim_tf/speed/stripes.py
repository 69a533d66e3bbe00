"""Steps of a RIM on large images, stripe by stripe, so that the memory suffices.

The features inside of a cell take hundreds of times the memory of the image. One step
looks at few pixels around each, so that stripes of the image that overlap by these give
the very same step.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

from keras import ops

# Of the features of an image; a few hundred numbers belong to each.
_MOST_PIXELS = 80_000


def in_stripes(update: Callable, cell: Any) -> Callable:
    """Returns an `update` that takes less memory where the images are large.

    Args:
      update: `RIM.update`, perhaps compiled.
      cell: The RIM's cell. One without the attributes `stride` and `reach` of
        `RIMCell` gets whole images.

    Returns:
      A function with the arguments and results of `update`, equal up to rounding.
    """
    if not hasattr(cell, "reach"):
        return update

    def update_in_stripes(eta, evidence, states: list) -> tuple[Any, list]:
        borders = _borders(eta.shape, cell.stride, cell.reach)
        if len(borders) == 2:
            return update(eta, evidence, states)
        parts = []
        for first, last in itertools.pairwise(borders):
            top = max(first - cell.reach, 0)
            rows = slice(top, min(last + cell.reach, eta.shape[1]))
            state_rows = _reduced(rows, cell.stride)
            new_eta, new_states = update(
                eta[:, rows],
                evidence[:, rows],
                [state[:, state_rows] for state in states],
            )
            # Of the stripe, without what it overlaps by.
            own = slice(first - top, last - top)
            own_state = _reduced(own, cell.stride)
            parts.append(
                (new_eta[:, own], *(state[:, own_state] for state in new_states))
            )
        eta, *states = (
            ops.concatenate(stripes, axis=1) for stripes in zip(*parts, strict=True)
        )
        return eta, states

    return update_in_stripes


def _borders(shape: tuple[int, ...], stride: int, reach: int) -> list[int]:
    """Returns the first rows of all stripes, multiples of the stride, and the end."""
    # How many images there are is the caller's choice.
    height, width = shape[1:3]
    number = math.ceil(height * width / stride**2 / _MOST_PIXELS)
    rows = max(math.ceil(height / number / stride) * stride, reach)
    return [*range(0, height, rows), height]


def _reduced(rows: slice, stride: int) -> slice:
    """Returns the rows of the state that belong to rows of the image."""
    return slice(rows.start // stride, math.ceil(rows.stop / stride))
