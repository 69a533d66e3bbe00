"""Checks of arguments: a wrong one is named, with what is wanted instead."""

import operator
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

Shape = tuple[int | None, ...]

_CURE_OF_COUNTS = "make floats of them on a scale where black is 0 and white is 1"
_CURES = {
    "uint8": "divide by 255 first",
    "bool": "write .astype('float32') behind them",
    "complex64": "give the real and the imaginary part as channels",
}
_CURES["complex128"] = _CURES["complex64"]


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


def to_tensor(values) -> Any:
    """Returns values as a tensor; arrays may have any byte order, as FITS files do."""
    if isinstance(values, np.ndarray) and not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    return ops.convert_to_tensor(values)


def to_real(values, what: str) -> Any:
    """Returns values as a tensor of real numbers.

    Raises:
      ValueError: If they are something else; the message begins with `what`. Casts
        would drop imaginary parts without a word.
    """
    try:
        tensor = to_tensor(values)
        dtype = keras.backend.standardize_dtype(tensor.dtype)
    # Backends differ in what they raise for texts, objects, and lists of no one shape.
    except Exception as error:
        kind = getattr(values, "dtype", type(values).__name__)
        raise ValueError(f"{what} must be of real numbers, not of {kind}.") from error
    if dtype.startswith(("complex", "string")):
        raise ValueError(f"{what} must be of real numbers, not of {dtype}.")
    return tensor


def check_floats(values, taker: str, advice: str = "") -> Any:
    """Returns values as a tensor.

    Args:
      values: An array or tensor.
      taker: The beginning of a message.
      advice: The end of a message for values of 8 bits.

    Raises:
      ValueError: If there are none, or only one, which has no batch axis; or if they
        are not floats: products with integers would be rounded down, mostly to zero.
    """
    if getattr(values, "dtype", None) == np.dtype(object):
        raise ValueError(f"{taker} of floats, got an array of Python's objects.")
    values = to_tensor(values)
    dtype = keras.backend.standardize_dtype(values.dtype)
    if not keras.backend.is_float_dtype(dtype):
        cure = _CURES.get(dtype, _CURE_OF_COUNTS) + advice * (dtype == "uint8")
        raise ValueError(f"{taker} of floats, got {dtype}; {cure}.")
    if not len(values.shape):
        raise ValueError(f"{taker} of floats, with a batch axis in front, got one.")
    if 0 in values.shape:
        raise ValueError(f"{taker}, got none: the shape is {tuple(values.shape)}.")
    return values


def counts_to_floats(values) -> Any:
    """Returns integers as float32, whatever else there is as it is."""
    tensor = to_tensor(values)
    is_integer = keras.backend.is_int_dtype(tensor.dtype)
    return ops.cast(tensor, "float32") if is_integer else values


def check_finite(values, what: str) -> None:
    """Raises a `ValueError` that names the first value that is not finite."""
    if known(ops.all(ops.isfinite(values))) in (None, True):
        return
    values = known(values)
    place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
    raise ValueError(
        f"{what} must be finite, got {values[place]} at {place}; where pixels are "
        "missing, write 0, and say with the mask of Inpainting which."
    )


def noise_levels(sigma, observation) -> Any:
    """Returns sigma as `(batch,)` float32.

    Args:
      sigma: A number, or one per image.
      observation: `(batch, ...)`.

    Raises:
      ValueError: If sigma is of another shape, or below 0, or not finite.
    """
    batch_size = observation.shape[0]
    sigma = ops.cast(to_real(sigma, "sigma"), "float32")
    if tuple(sigma.shape) not in ((), (1,), (None,), (batch_size,)):
        raise ValueError(
            f"sigma must be a number or one per image ({batch_size}), "
            f"got the shape {tuple(sigma.shape)}."
        )
    values = known(sigma)
    if values is not None and not ((values >= 0) & np.isfinite(values)).all():
        raise ValueError(f"sigma must be a number of 0 or more, got {values}.")
    return ops.broadcast_to(sigma, ops.shape(observation)[:1])


def check_mask(mask) -> None:
    """Raises a `ValueError` unless all values lie between 0 and 1."""
    mask = known(to_real(mask, "A mask"))
    if mask is not None and not ((mask >= 0) & (mask <= 1)).all():
        raise ValueError(
            "A mask is 1 for what is known and 0 for what is missing, got values from "
            f"{mask.min()} to {mask.max()}; give mask > 0."
        )


def known(values) -> np.ndarray | None:
    """Returns the array of a tensor; None while a function of it is compiled."""
    try:
        return ops.convert_to_numpy(values)
    except (AttributeError, NotImplementedError, TypeError):
        return None


def with_batch(values, rank: int, what: str) -> Any:
    """Returns a tensor of that rank: with a batch axis of length 1 if it had none.

    Raises:
      ValueError: If the rank is neither `rank` nor one less.
    """
    values = to_tensor(values)
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
