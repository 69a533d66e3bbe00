"""What each command does: from pixels on the scale from 0 to 1 to restored ones."""

import argparse
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from keras import ops
from skimage import color

from paper_experiments.common.errors import UserError
from paper_experiments.rim_restore import picture
from rim_tf import bicubic, images, tiles
from rim_tf.forward_models import (
    BicubicDownsampling,
    Blur,
    Denoising,
    ForwardModel,
    Inpainting,
    Mosaic,
)

# Of MATLAB's luminance on the scale from 0 to 1.
_LUMINANCE_BLACK = 16 / 255
# Of a large image around a pixel: three small pixels, for every factor.
_SEEN_BY_THE_KERNEL = 12
# Of a blur that adds up to 1: beyond that it subtracts what it adds.
_LARGEST_WEIGHT = 1e3


class Method(NamedTuple):
    """How a command restores images of one kind.

    Attributes:
      weights: Name of the shipped weights.
      forward_model: The operator A.
      observe: From pixels, `(height, width, channels)` float32, to y, `(batch, height,
        width, channels)`.
      finish: From the estimate, `(batch, ...)` float32, and the pixels to the result,
        `(height, width, channels)`.
    """

    weights: str
    forward_model: ForwardModel
    observe: Callable[[np.ndarray], np.ndarray]
    finish: Callable[[np.ndarray, np.ndarray], np.ndarray]


def choose(arguments: argparse.Namespace, pages: np.ndarray) -> Method:
    """Returns how to restore the pages of a picture.

    Args:
      arguments: Those of the command line.
      pages: `(pages, height, width, channels)` as the file has them.

    Raises:
      UserError: If a flag does not fit the picture.
    """
    return _METHODS[arguments.command](arguments, pages)


def _whole(weights: str, forward_model: ForwardModel) -> Method:
    """All channels at once."""
    return Method(
        weights, forward_model, lambda pixels: pixels[None], lambda x, _: x[0]
    )


def _denoise(arguments: argparse.Namespace, pages: np.ndarray) -> Method:
    if pages.shape[-1] == 3:
        return _whole("rim_rgb_denoise", Denoising())
    # Of 8 bits noise is cut off at black and white, and these weights have learnt it.
    is_rounded = pages.dtype == np.uint8 and arguments.noise == "gaussian"
    weights = "rim_denoise_quantized" if is_rounded else "rim_denoise"
    return _whole(weights, Denoising())


def _enlarge(arguments: argparse.Namespace, pages: np.ndarray) -> Method:
    """The luminance by the RIM, and the chroma by the bicubic kernel."""

    def observe(pixels: np.ndarray) -> np.ndarray:
        rgb = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
        luminance = rgb @ images.LUMINANCE_WEIGHTS + _LUMINANCE_BLACK
        return np.float32(luminance)[None, ..., None]

    def finish(estimate: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        if pixels.shape[-1] == 1:
            return np.clip(
                (estimate[0] - _LUMINANCE_BLACK) / images.LUMINANCE_WEIGHTS.sum(), 0, 1
            )
        large = enlarge(pixels, estimate.shape[1:3])
        for tile in tiles.divide(*large.shape[:2]):
            own = tile.own_rows, tile.own_columns
            large[own] = _with_luminance(large[own], estimate[0][own])
        return large

    model = BicubicDownsampling(arguments.factor)
    return Method("rim_super_resolution", model, observe, finish)


def _with_luminance(rgb: np.ndarray, luminance: np.ndarray) -> np.ndarray:
    chroma = color.rgb2ycbcr(rgb)[..., 1:]
    together = np.concatenate([255 * luminance, chroma], axis=-1)
    return np.clip(color.ycbcr2rgb(together), 0, 1)


def enlarge(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns pixels made larger by the bicubic kernel, between 0 and 1.

    In tiles: the matrices of a large image take as much memory as the image.
    """
    factor = size[0] // pixels.shape[0]
    large = np.empty((*size, pixels.shape[-1]), np.float32)
    for tile in tiles.divide(*size, overlap=_SEEN_BY_THE_KERNEL):
        small = tile.smaller(factor, factor)
        part = np.float32(pixels[small.rows, small.columns])[None]
        part = bicubic.imresize(part, [factor * n for n in part.shape[1:3]])
        part = ops.convert_to_numpy(part)[0][tile.inside]
        large[tile.own_rows, tile.own_columns] = np.clip(part, 0, 1)
    return large


def _inpaint(arguments: argparse.Namespace, pages: np.ndarray) -> Method:
    mask = read_mask(arguments)
    if mask.shape[:2] != pages.shape[1:3]:
        raise UserError(
            f"--mask: {arguments.mask} has {_size(mask.shape)} pixels, the image "
            f"{_size(pages.shape[1:])}."
        )
    return _by_channel(Inpainting(mask))


def read_mask(arguments: argparse.Namespace) -> np.ndarray:
    """Returns what is known, `(height, width, 1)` float32, 1 or 0.

    Raises:
      UserError: If all is missing.
    """
    values = picture.read_of_flag("--mask", arguments.mask).pages[0]
    known = np.float32(values.mean(axis=-1, keepdims=True) > values.max() / 2)
    if not known.any():
        raise UserError(f"--mask: {arguments.mask} is black, so that nothing is known.")
    return known


def _deblur(arguments: argparse.Namespace, pages: np.ndarray) -> Method:
    kernel = _read_kernel(arguments)
    size = pages.shape[1:3]
    if any(k > n for k, n in zip(kernel.shape, size, strict=True)):
        raise UserError(
            f"--kernel: {arguments.kernel} has {_size(kernel.shape)} pixels, more than "
            f"the image, {_size(pages.shape[1:])}."
        )
    centred, shift = _centred(kernel)
    if any(k > n for k, n in zip(centred.shape, size, strict=True)):
        # Centred it would be larger than the image.
        centred, shift = kernel, (0, 0)
    method = _by_channel(Blur(centred, "symmetric"))
    if not any(shift):
        return method
    print(
        f"*** The kernel's weight lies {_side(shift[0], 'down', 'up')} and "
        f"{_side(shift[1], 'right', 'left')} of its middle. It is centred, which the "
        "network can undo better. The result is moved back; so its border repeats."
    )
    return method._replace(finish=lambda x, p: _moved(method.finish(x, p), shift))


def _side(shift: int, after: str, before: str) -> str:
    return f"{abs(shift)} {after if shift > 0 else before}"


def _centred(kernel: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Returns a kernel, padded so that its weight is in the middle, and where it was.

    Its middle is that of `Blur`.
    """
    shift = []
    for axis in (0, 1):
        weights = np.abs(kernel).sum(axis=1 - axis)
        offset = np.average(np.arange(len(weights)), weights=weights)
        shift.append(round(offset - len(weights) // 2))
    margins = [(2 * max(-s, 0), 2 * max(s, 0)) for s in shift]
    return np.pad(kernel, margins), tuple(shift)


def _moved(pixels: np.ndarray, shift: tuple[int, int]) -> np.ndarray:
    """Returns pixels moved up and left, `(height, width, channels)`; edges repeat."""
    for axis, s in enumerate(shift):
        last = pixels.shape[axis] - 1
        pixels = pixels.take(np.clip(np.arange(last + 1) + s, 0, last), axis)
    return pixels


def _read_kernel(arguments: argparse.Namespace) -> np.ndarray:
    """Returns a kernel, `(rows, columns)` float32, which adds up to 1."""
    path = arguments.kernel
    if path.suffix.lower() == ".npy":
        try:
            # Of a header that declares more than there is nothing is read.
            kernel = np.load(path, mmap_mode="r")
        # A damaged file makes NumPy raise whatever it stumbles over.
        except Exception as error:
            reason = " ".join(str(error).split())
            raise UserError(f"--kernel: {path} cannot be read: {reason}") from error
        if not isinstance(kernel, np.ndarray):
            raise UserError(f"--kernel: {path} holds several arrays; save one.")
    else:
        kernel = picture.read_of_flag("--kernel", path).pages[0].mean(axis=-1)
    is_plane = kernel.ndim == 2 and kernel.dtype.kind in "iuf"
    if is_plane and np.isfinite(kernel).all() and kernel.sum(dtype=np.float64) > 0:
        kernel = kernel / kernel.sum(dtype=np.float64)
        if np.abs(kernel).max() < _LARGEST_WEIGHT:
            return np.float32(kernel)
    raise UserError(
        f"--kernel: {path} must hold numbers (rows, columns) whose sum is above 0, and "
        "not small beside them."
    )


def _by_channel(forward_model: ForwardModel) -> Method:
    """Each channel alone, by the weights for a family of forward models."""
    return Method(
        "rim_any",
        forward_model,
        lambda pixels: np.moveaxis(pixels, -1, 0)[..., None],
        lambda x, _: np.moveaxis(x[..., 0], 0, -1),
    )


def _demosaic(arguments: argparse.Namespace, pages: np.ndarray) -> Method:
    if pages.shape[-1] != 1:
        raise UserError(
            f"{arguments.image} has colours; a mosaic is a grey file, the raw image of "
            "a sensor."
        )
    return _whole("rim_rgb_denoise", Mosaic(arguments.pattern))


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"


_METHODS = {
    "denoise": _denoise,
    "enlarge": _enlarge,
    "inpaint": _inpaint,
    "deblur": _deblur,
    "demosaic": _demosaic,
}
