"""Checks of arguments: a wrong one is named, with what is wanted instead."""

import operator
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

Shape = tuple[int | None, ...]


def check_size(
    size: Sequence[int],
    name: str = "size",
    axes: tuple[str, ...] = ("height", "width"),
) -> tuple[int, ...]:
    """Returns a size as Python integers.

    Raises:
      ValueError: If it is not one positive integer for every axis.
    """
    try:
        checked = tuple(operator.index(n) for n in size)
    except TypeError:
        checked = ()
    if len(checked) != len(axes) or min(checked) < 1:
        raise ValueError(
            f"{name} must be ({', '.join(axes)}), positive integers, got {size!r}."
        )
    return checked


def check_boundary(boundary: str, known: tuple[str, ...]) -> None:
    """Raises a `ValueError` unless the boundary is one of those known."""
    if boundary not in known:
        raise ValueError(f"boundary must be one of {known}, not {boundary!r}.")


def check_fraction(fraction: float) -> None:
    """Raises a `ValueError` unless a share is above 0 and at most 1."""
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction must be above 0 and at most 1, not {fraction}.")


def check_floats(values, taker: str, advice: str = "divide by 255 first") -> Any:
    """Returns values as a tensor.

    Raises:
      ValueError: If they are not floats: products with them would be rounded down,
        mostly to zero. The message begins with `taker` and ends with `advice`.
    """
    values = ops.convert_to_tensor(values)
    dtype = keras.backend.standardize_dtype(values.dtype)
    if not keras.backend.is_float_dtype(dtype):
        raise ValueError(f"{taker} of floats, got {dtype}; {advice}.")
    return values


def with_batch(values, rank: int, what: str) -> Any:
    """Returns a tensor of that rank: with a batch axis of length 1 if it had none.

    Raises:
      ValueError: If the rank is neither `rank` nor one less.
    """
    values = ops.convert_to_tensor(values)
    if len(values.shape) == rank - 1:
        values = ops.expand_dims(values, 0)
    if len(values.shape) != rank:
        raise ValueError(
            f"Expected {what}, with or without a batch axis in front, got the shape "
            f"{tuple(values.shape)}."
        )
    return values


def fits(shape: Shape, wanted: Shape) -> bool:
    """Returns whether two shapes agree where both are known."""
    return len(shape) == len(wanted) and all(
        None in pair or pair[0] == pair[1] for pair in zip(shape, wanted, strict=True)
    )


def describe(shape: tuple[int | str | None, ...]) -> str:
    """Returns a shape as text, with "any" for what is not known."""
    return f"({', '.join('any' if n is None else str(n) for n in shape)})"
