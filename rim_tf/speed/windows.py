"""Steps of a RIM on large images, window by window, so that the memory suffices.

The features inside of a cell take hundreds of times the memory of the image. One step
looks at few pixels around each, so that windows onto the image that overlap by these
give the very same step. All windows have one size, for which it is compiled once.
"""

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from keras import ops

# Of the features of an image; a few hundred numbers belong to each. An image of more
# is divided,
_MOST_PIXELS = 80_000
# into windows of at most so many.
_WINDOW_PIXELS = 16_000


def in_windows(update: Callable, cell: Any) -> Callable:
    """Returns an `update` that takes less memory where the images are large.

    Args:
      update: `RIM.update`, perhaps compiled.
      cell: The RIM's cell. One without the attributes `stride` and `reach` of
        `RIMCell` gets whole images.

    Returns:
      A function with the arguments and results of `update`, equal up to rounding. The
      states of a large image are in parts, are only for this function, and only once.
    """
    if not hasattr(cell, "reach"):
        return update

    def update_in_windows(eta, evidence, states: list) -> tuple[Any, list]:
        height, width = eta.shape[1:3]
        # How many images there are is the caller's choice.
        if height * width <= _MOST_PIXELS * cell.stride**2:
            return update(eta, evidence, states)
        # A cell may look far.
        most = max(_WINDOW_PIXELS, (4 * cell.reach // cell.stride) ** 2)
        spans = _divide(height, width, cell.stride, cell.reach, most)
        etas, new_states = _Parts(spans, 1), []
        for rows, columns in itertools.product(*spans):
            for state in states:
                state.forget_above(rows.window.start)
            window = slice(None), rows.window, columns.window
            new_eta, of_window = update(
                eta[window],
                evidence[window],
                [state.get(rows.window, columns.window) for state in states],
            )
            etas.add(new_eta, rows, columns)
            new_states = new_states or [_Parts(spans, cell.stride) for _ in of_window]
            for state, part in zip(new_states, of_window, strict=True):
                state.add(part, rows, columns)
        return etas.get(slice(0, height), slice(0, width)), new_states

    return update_in_windows


class _Span(NamedTuple):
    """Where a window lies along an axis of the image.

    Attributes:
      window: What it sees.
      own: What is kept of it.
    """

    window: slice
    own: slice


class _Parts:
    """An image or a state, made window by window: a whole one takes its memory twice.

    Args:
      spans: Of rows, and of columns.
      stride: How many times smaller its sides are than the image's.
    """

    def __init__(self, spans: tuple[Sequence[_Span], Sequence[_Span]], stride: int):
        self._stride = stride
        self._in_a_row = len(spans[1])
        self._row: list = []
        self._bands: list[tuple[slice, Any]] = []

    def add(self, tensor, rows: _Span, columns: _Span) -> None:
        """Keeps of a window's tensor what is its own; from left to right, then down."""
        own, down = self._own(rows)
        _, across = self._own(columns)
        self._row.append(tensor[:, down, across])
        if len(self._row) == self._in_a_row:
            self._bands.append((own, _join(self._row, axis=2)))
            self._row = []

    def get(self, rows: slice, columns: slice):
        """Returns a part of it; rows and columns are those of the image."""
        rows, columns = self._reduced(rows), self._reduced(columns)
        parts = [
            band[:, down, columns]
            for own, band in self._bands
            if (down := _meet(rows, own))
        ]
        return _join(parts, axis=1)

    def forget_above(self, row: int) -> None:
        """Gives back the memory of what ends above a row of the image."""
        first = row // self._stride
        self._bands = [band for band in self._bands if band[0].stop > first]

    def _own(self, span: _Span) -> tuple[slice, slice]:
        """Returns what a window keeps: counted in the whole, and in the window."""
        own, start = self._reduced(span.own), span.window.start // self._stride
        return own, slice(own.start - start, own.stop - start)

    def _reduced(self, span: slice) -> slice:
        """Returns what of this belongs to rows or columns of the image."""
        last = math.ceil(span.stop / self._stride)
        return slice(span.start // self._stride, last)


def _meet(wanted: slice, own: slice) -> slice | None:
    """Returns what is wanted of a part, counted in it."""
    start, stop = max(wanted.start, own.start), min(wanted.stop, own.stop)
    return slice(start - own.start, stop - own.start) if start < stop else None


def _join(tensors: list, axis: int):
    return tensors[0] if len(tensors) == 1 else ops.concatenate(tensors, axis=axis)


@functools.lru_cache
def _divide(
    height: int, width: int, stride: int, reach: int, most_pixels: int
) -> tuple[list[_Span], list[_Span]]:
    """Returns the windows' rows and columns, such that they cost least."""
    found = []
    for number in range(1, math.ceil(height / stride) + 1):
        length = _length(height, number, stride, reach)
        # Without what it overlaps by, and rounding.
        own = most_pixels * stride**2 // length - 2 * reach - 2 * stride
        if own >= stride:
            others = max(math.ceil((width - 2 * reach) / own), 1)
            cost = number * length * others * _length(width, others, stride, reach)
            found.append((cost, number, others))
    _, number, others = min(found)
    return (
        _spans(height, number, stride, reach),
        _spans(width, others, stride, reach),
    )


def _length(size: int, number: int, stride: int, reach: int) -> int:
    """Returns how long so many windows are, which overlap by twice the reach."""
    own = stride * math.ceil((size - 2 * reach) / number / stride)
    length = own + 2 * reach
    # Odd if the image is: a cell adds a row where the number is odd.
    return min(length + (size - length) % stride, size)


def _spans(size: int, number: int, stride: int, reach: int) -> list[_Span]:
    length = _length(size, number, stride, reach)
    step = (length - 2 * reach) // stride * stride
    starts = [min(i * step, size - length) for i in range(number)]
    # Borders of what is kept lie in the middle of what overlaps.
    borders = [0, *(start + reach for start in starts[1:]), size]
    return [
        _Span(slice(start, start + length), slice(*own))
        for start, own in zip(starts, itertools.pairwise(borders), strict=True)
    ]
