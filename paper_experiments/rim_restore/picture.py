"""Image files of any depth: reading them, and writing what they were.

TIFF goes through tifffile, which scikit-image installs anyway. What it cannot unpack
(LZW, without its optional package imagecodecs) Pillow reads, where 8 bits hold it.
"""

import contextlib
import logging
import math
import struct
import tempfile
import warnings
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile
from PIL import Image

from paper_experiments.common.errors import UserError, warnings_as_lines
from paper_experiments.common.wording import count
from rim_tf import files, images

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff")
_TIFF_SUFFIXES = (".tif", ".tiff")
_WITH_ALPHA = (".png", *_TIFF_SUFFIXES)
_WITHOUT_PROFILE = (".bmp", ".ppm")
_TIFF_BEGINNINGS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WORD = 4
# Of TIFF's orientations; the others are columns for rows.
_LAST_WITHOUT_TURN = 4
_PNG_BEGINNING = b"\x89PNG\r\n\x1a\n"
# Transparency that colours are not multiplied by, as PNG has it.
_STRAIGHT = "unassalpha"
# Where a PNG's header ends, behind which its profile may stand.
_PNG_HEADER = 33
_DTYPES = ("uint8", "uint16", "float32", "float64")
# What deflate makes of a byte, at most; and so many bytes take no harm.
_MOST_UNPACKED, _SMALL = 1100, 1 << 28
# Of JPEG files; Pillow's defaults would undo a part of the restoration.
_JPEG_QUALITY = {"quality": 95, "subsampling": 0}


class Picture(NamedTuple):
    """What an image file holds.

    Attributes:
      pages: `(pages, height, width, channels)` of the file's dtype: uint8, uint16,
        float32 or float64; 1 channel for grey, 3 for RGB.
      alpha: How opaque each pixel is, `(pages, height, width, 1)` of the same dtype, or
        None.
      profile: The colour profile (ICC) of these colours, or None.
      extra: What TIFF calls `alpha`: "unassalpha"; "assocalpha", by which colours are
        multiplied; or "unspecified", which is no transparency.
      resolution: Pixels per unit, in x and y, and TIFF's number of the unit, or None.
    """

    pages: np.ndarray
    alpha: np.ndarray | None = None
    profile: bytes | None = None
    extra: str = _STRAIGHT
    resolution: tuple[float, float, int] | None = None

    @property
    def dtype(self) -> np.dtype:
        """That of the file."""
        return self.pages.dtype


def read_of_flag(flag: str, path: Path) -> Picture:
    """Reads the image file that a flag such as "--mask" names; see `read`."""
    try:
        return read(path)
    except UserError as error:
        raise UserError(f"{flag}: {error}") from error


def read(path: Path) -> Picture:
    """Reads an image file; prints what of it is left out.

    Raises:
      UserError: If there is none, or none that is known here.
    """
    if not path.is_file():
        raise UserError(f"There is no file {path}.")
    with path.open("rb") as file:
        begin = file.read(26)
    try:
        with warnings_as_lines():
            if begin.startswith(_TIFF_BEGINNINGS):
                found = _read_tiff(path)
            elif begin.startswith(_PNG_BEGINNING) and begin[24:25] == b"\x10":
                found = _read_deep_png(path)
            else:
                found = _read_8_bits(path)
    except ValueError as error:
        raise UserError(str(error)) from error
    if not found.pages.size:
        raise UserError(f"{path} cannot be read as an image: it has no pixels.")
    return found


class _IncompleteError(ValueError):
    """A file has not the pixels that it declares."""


def _check_declared(file: tifffile.TiffFile) -> None:
    """Checks that a file has what it says, before memory is taken.

    Raises:
      _IncompleteError: If not. Pillow and tifffile would make zeros of what is missing.
    """
    declared = sum(series.nbytes for series in file.series)
    held = file.filehandle.size
    is_packed = any(p.compression != 1 or p.bitspersample % 8 for p in file.pages)
    most = max(_MOST_UNPACKED * held, _SMALL) if is_packed else held
    if not 0 < declared <= most:
        raise _IncompleteError(
            f"it declares {declared} bytes of pixels, and has {held} bytes"
        )
    for page in file.pages:
        parts = [*zip(page.dataoffsets, page.databytecounts, strict=True)]
        are_there = all(o > 0 < n and o + n <= held for o, n in parts)
        if not are_there or len(parts) < math.prod(page.chunked):
            raise _IncompleteError("a part of its pixels is missing")
        if page.compression == 1 and not page.is_tiled and page.bitspersample >= 8:
            _check_strips(page)


def _check_strips(page: tifffile.TiffPage) -> None:
    declared, held = page.nbytes, sum(page.databytecounts)
    # The last strip may be filled up to the others' size, a single one to words.
    row, number = declared // page.imagelength, len(page.databytecounts)
    filled = row * page.rowsperstrip * number if number > 1 else declared + _WORD - 1
    if not declared <= held <= filled:
        raise _IncompleteError(
            f"it declares {declared} bytes of pixels, and has {held}"
        )


def _read_8_bits(path: Path) -> Picture:
    layers = images.read_layers(path)
    pixels = layers.pixels[..., :1] if layers.is_gray else layers.pixels
    alpha = None if layers.alpha is None else layers.alpha[np.newaxis]
    return Picture(pixels[np.newaxis], alpha, layers.profile)


class _Tiff(NamedTuple):
    """What tifffile unpacked: values, their axes, and fields of `Picture`."""

    values: np.ndarray
    axes: str
    about: Mapping[str, Any]


@contextlib.contextmanager
def _logged_by_tifffile() -> Iterator[list[logging.LogRecord]]:
    """Keeps what tifffile would print of damaged tags."""
    logger, kept = logging.getLogger("tifffile"), []
    handler = logging.Handler()
    handler.emit = kept.append
    handlers, logger.handlers, propagate = logger.handlers, [handler], logger.propagate
    logger.propagate = False
    try:
        yield kept
    finally:
        logger.handlers, logger.propagate = handlers, propagate


def _read_tiff(path: Path) -> Picture:
    is_for_pillow, found = True, None
    try:
        with _logged_by_tifffile() as logged, tifffile.TiffFile(path) as file:
            # It would want 8 bits, which others are not to be made of.
            page = file.pages[0]
            is_for_pillow = len(file.pages) == 1 and page.bitspersample <= 8
            is_for_pillow = is_for_pillow and len(page.extrasamples) < 2
            _check_declared(file)
            found = _unpack(file)
    except _IncompleteError as error:
        raise ValueError(
            f"{path} cannot be read as an image: {error}; get it again."
        ) from error
    # A damaged file makes tifffile raise whatever it stumbles over.
    except Exception as error:
        problem = " ".join(str(error).split()) or type(error).__name__
    if any("TiffPages" in record.getMessage() for record in logged):
        raise ValueError(
            f"{path} cannot be read as an image: pages of it are missing; get it again."
        )
    if isinstance(found, _Tiff):
        if logged:
            warnings.warn(f"{path} has damaged tags, which are left out.", stacklevel=2)
        return _to_picture(found, path)
    problem = found or problem
    if not is_for_pillow:
        raise ValueError(
            f"{path} cannot be read as an image: {problem}; save it as plain grey or "
            "RGB pages of one size, not compressed."
        )
    try:
        return _read_8_bits(path)
    except ValueError as error:
        raise ValueError(f"{error} As TIFF: {problem}") from error


def _unpack(file: tifffile.TiffFile) -> _Tiff | str:
    """Returns what a file holds; or why that is for Pillow."""
    page = file.pages[0]
    # Each written page by itself may be a series of its own.
    kinds = {(series.shape, series.axes) for series in file.series}
    is_plain = page.photometric.name in ("MINISBLACK", "RGB")
    if not is_plain or page.bitspersample < 8 or len(kinds) > 1:
        return f"{page.photometric.name}, {count(len(kinds), 'kind')} of pages"
    if len(page.extrasamples) > 1:
        return f"{len(page.extrasamples)} channels beside the colours"
    values = np.stack([series.asarray() for series in file.series])
    about = {"profile": page.iccprofile, "resolution": _resolution(page)}
    about["orientation"] = page.tags.valueof("Orientation", default=1)
    if page.extrasamples:
        about["extra"] = page.extrasamples[0].name.lower()
    if file.is_imagej or file.is_ome:
        print(f"*** What ImageJ or OME noted in {file.filename} is not kept.")
    return _Tiff(values, f"I{file.series[0].axes}", about)


def _resolution(page: tifffile.TiffPage) -> tuple[float, float, int] | None:
    """Returns pixels per unit of x and y, and the number of the unit."""
    values = [page.tags.valueof(f"{axis}Resolution") for axis in "XY"]
    unit = page.resolutionunit
    # What is no pair of positive numbers could not be written.
    if not all(isinstance(v, tuple) and len(v) == 2 and min(v) > 0 for v in values):
        return None
    x, y = (value[0] / value[1] for value in values)
    return (x, y, int(unit)) if unit in tuple(tifffile.RESUNIT) else None


def _to_picture(found: _Tiff, path: Path) -> Picture:
    values, axes, about = found.values, found.axes, dict(found.about)
    orientation = about.pop("orientation")
    if "S" in axes:
        if not axes.endswith("S"):
            # So tifffile writes a stack of three or four pages, unless it is told.
            print(
                f"*** {path}: its planes are taken for colours. If it is a stack of "
                'pages, write it with photometric="minisblack".'
            )
        values = np.moveaxis(values, axes.index("S"), -1)
        axes = axes.replace("S", "")
    else:
        values = values[..., np.newaxis]
    problem = None
    if values.dtype.name not in _DTYPES:
        problem = (
            f"its numbers are {values.dtype}, not one of {', '.join(_DTYPES)}; save it "
            "as one of them"
        )
    elif not axes.endswith("YX") or not 1 <= values.shape[-1] <= 4:
        problem = f"its axes are {axes}, {values.shape[-1]} values a pixel"
    elif values.dtype.kind == "f" and not np.isfinite(values).all():
        problem = "it holds NaN or infinite numbers"
    if problem:
        raise ValueError(f"{path} cannot be read as an image: {problem}.")
    values = values.reshape(-1, *values.shape[-3:])
    # Of this machine's byte order.
    shown = _split(_upright(values.astype(values.dtype.name), orientation), **about)
    if orientation > _LAST_WITHOUT_TURN and shown.resolution:
        x, y, unit = shown.resolution
        shown = shown._replace(resolution=(y, x, unit))
    if shown.extra == "unspecified":
        print(f"*** The last channel of {path} is kept, not restored.")
    return shown


def _upright(pages: np.ndarray, orientation: int) -> np.ndarray:
    """Turns and mirrors pages as TIFF's tag 274 says, so that the first row is above.

    Args:
      pages: `(pages, height, width, channels)`.
      orientation: From 1, which is upright, to 8.
    """
    if orientation > _LAST_WITHOUT_TURN:
        pages = pages.swapaxes(1, 2)
    if orientation in (3, 4, 7, 8):
        pages = pages[:, ::-1]
    if orientation in (2, 3, 6, 7):
        pages = pages[:, :, ::-1]
    return pages


def _split(values: np.ndarray, **about: Any) -> Picture:
    """Returns a picture of values whose channels are 1 to 4."""
    channels = values.shape[-1]
    if channels in (1, 3):
        return Picture(values, None, **about)
    return Picture(values[..., :-1], values[..., -1:], **about)


def _read_deep_png(path: Path) -> Picture:
    # Pillow would make 8 bits of colours.
    import tensorflow as tf

    try:
        # It refuses what declares too many pixels.
        with Image.open(path, formats=("PNG",)) as image:
            profile = image.info.get("icc_profile")
        values = tf.io.decode_png(path.read_bytes(), dtype=tf.uint16).numpy()
    # A damaged file makes both raise whatever they stumble over.
    except Exception as error:
        is_too_large = isinstance(error, Image.DecompressionBombError)
        reason = f"{error} Cut it into parts" if is_too_large else "it is damaged"
        raise ValueError(f"{path} cannot be read as an image: {reason}.") from error
    return _split(values[np.newaxis], profile=profile)


def check_fits(picture: Picture, path: Path) -> None:
    """Makes sure before the work that a file can hold what such a picture becomes.

    Raises:
      UserError: If it cannot.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"{path} must end in one of {', '.join(SUFFIXES)}.")
    if suffix in _TIFF_SUFFIXES:
        return
    if len(picture.pages) > 1:
        raise UserError(f"{path}: {suffix} files have one page; choose .tif.")
    if picture.extra != _STRAIGHT:
        raise UserError(
            f"{path}: {suffix} files do not hold a channel that TIFF calls "
            f"{picture.extra}; choose .tif."
        )
    deep = {"uint8": SUFFIXES, "uint16": (".png",)}.get(picture.dtype.name, ())
    if suffix not in deep:
        raise UserError(
            f"{path}: {suffix} files do not hold {picture.dtype}; choose .tif"
            f"{' or .png' * (picture.dtype == 'uint16')}."
        )


def write(picture: Picture, path: Path) -> None:
    """Writes an image file; prints what its format does not hold.

    Raises:
      UserError: If that fails; the picture is then in another file.
    """
    suffix = path.suffix.lower()
    if picture.alpha is not None and suffix not in _WITH_ALPHA:
        print(f"*** {suffix} files have no transparency; it is dropped.")
        picture = picture._replace(alpha=None)
    if picture.profile and suffix in _WITHOUT_PROFILE:
        print(f"*** {suffix} files have no colour profile; it is dropped.")
        picture = picture._replace(profile=None)
    try:
        _save(picture, path)
    # Whatever it is: what took minutes must not be lost.
    except Exception as error:
        rescued = Path(tempfile.mkdtemp(prefix="restored-")) / "restored.tif"
        # Without what may have been the reason.
        _save(picture._replace(resolution=None, profile=None), rescued)
        said = str(error)
        if not isinstance(error, files.NotWrittenError):
            said = f"{path} cannot be written: {error}."
        raise UserError(f"{said} The picture is in {rescued}.") from error


def _save(picture: Picture, path: Path) -> None:
    values = picture.pages
    if picture.alpha is not None:
        values = np.concatenate([values, picture.alpha], axis=-1)
    with files.replacing(path) as temporary:
        if path.suffix.lower() in _TIFF_SUFFIXES:
            _save_tiff(values, picture, temporary)
        elif values.dtype == np.uint16:
            temporary.write_bytes(_deep_png(values[0], picture.profile))
        else:
            shown = values[0, ..., 0] if values.shape[-1] == 1 else values[0]
            image = Image.fromarray(shown)
            image.save(temporary, icc_profile=picture.profile, **_JPEG_QUALITY)


def _save_tiff(values: np.ndarray, picture: Picture, path: Path) -> None:
    is_gray = picture.pages.shape[-1] == 1
    tifffile.imwrite(
        path,
        values[..., 0] if values.shape[-1] == 1 else values,
        photometric="minisblack" if is_gray else "rgb",
        planarconfig=None if values.shape[-1] == 1 else "contig",
        extrasamples=None if picture.alpha is None else [picture.extra],
        resolution=picture.resolution and picture.resolution[:2],
        resolutionunit=picture.resolution and picture.resolution[2],
        iccprofile=picture.profile,
        metadata=None,
    )


def _deep_png(values: np.ndarray, profile: bytes | None) -> bytes:
    """Returns a PNG of 16 bits, which Pillow writes of grey only."""
    import tensorflow as tf

    png = tf.io.encode_png(values).numpy()
    if not profile:
        return png
    body = b"iCCP" + b"ICC profile\0\0" + zlib.compress(profile)
    length, check = (
        struct.pack(">I", len(body) - 4),
        struct.pack(">I", zlib.crc32(body)),
    )
    return png[:_PNG_HEADER] + length + body + check + png[_PNG_HEADER:]
