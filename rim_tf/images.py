"""Image files and colour conversions, to the last digit as the literature has them."""

import contextlib
import functools
import io
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError
from skimage import color

IMAGE_SUFFIXES = (
    *(".avif", ".bmp", ".gif", ".j2k", ".jp2", ".jpeg", ".jpg", ".pgm"),
    *(".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"),
)

# By Pillow's names. Of any other it is not known here how deep its channels are.
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
_GRAY_MODES = ("1", "L", "LA")
_OTHER_COLORS = ("CMYK", "LAB")
# What it says is about a file, not about the line that reads it.
_warn = functools.partial(warnings.warn, stacklevel=5)
# Filters of warnings are those of all threads.
_FILTERS = threading.Lock()
# Tags of TIFF files.
_WIDTH, _HEIGHT, _BITS_PER_SAMPLE, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_ROWS_PER_STRIP, _STRIP_BYTES, _PLANAR, _SAMPLE_FORMAT = 278, 279, 284, 339
_YCBCR, _WORD = 6, 4
# How Pillow's warnings of them begin, and of EXIF.
_OF_TAGS = "Truncated|Corrupt|Possibly corrupt|Tag |Metadata Warning"

# MATLAB's rgb2gray, with all its digits: the first row of the inverse of the NTSC
# matrix. The usual four digits change the rounding in most images.
_GRAY_WEIGHTS = np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])

# MATLAB's rgb2ycbcr: luminance between 16 and 235 (ITU-R BT.601).
LUMINANCE_WEIGHTS = np.array([65.481, 128.553, 24.966]) / 255.0
_LUMINANCE_OFFSET = 16.0


def read_image(path: str | Path) -> np.ndarray:
    """Reads an image file; see `read_with_profile`, whose pixels these are."""
    return read_with_profile(path)[0]


def read_with_profile(path: str | Path) -> tuple[np.ndarray, bytes | None]:
    """Reads an image file as Pillow decodes it.

    TensorFlow's default JPEG decoder gives other pixels, so that PSNR values
    would not be comparable. What a file holds and the pixels do not is said by
    `warnings.warn`: transparency, further pictures, a turn that cannot be read, other
    colours than RGB, a colour profile that does not fit.

    Returns:
      `(height, width, 3)` uint8, RGB, turned upright as a camera noted; and the
      profile (ICC) of these colours, or of this grey, or None.

    Raises:
      ValueError: If the file is not an image of a format that is read, is damaged, or
        has pixels that 8 bits a channel do not hold.
    """
    layers = _read(Path(path), keep_alpha=False)
    return layers.pixels, layers.profile


class Layers(NamedTuple):
    """What an image file of 8 bits a channel holds.

    Attributes:
      pixels: `(height, width, 3)` uint8, RGB.
      alpha: How opaque each is, `(height, width, 1)` uint8; None if nothing is said.
      profile: The profile (ICC) of these colours, or of this grey, or None.
      is_gray: Whether the file holds grey.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    profile: bytes | None
    is_gray: bool


def read_layers(path: str | Path) -> Layers:
    """Reads an image file with its transparency; see `read_with_profile`."""
    return _read(Path(path), keep_alpha=True)


def _read(path: Path, keep_alpha: bool) -> Layers:
    try:
        # A pipe or a device may have no end.
        if path.exists() and not path.is_file():
            raise ValueError("it is no file.")
        with contextlib.ExitStack() as stack:
            image = _opened(path, stack)
            _check_depth(image, path)
            _check_strips(image)
            _warn_of_what_is_left_out(image, path, keep_alpha)
            is_tiff = image.format == "TIFF"
            with _recorded_warnings() if is_tiff else contextlib.nullcontext():
                image.load()
            image = _upright(image, path)
            alpha = _alpha(image) if keep_alpha else None
            pixels, profile = _in_rgb(image, path)
            return Layers(pixels, alpha, profile, image.mode in _GRAY_MODES)
    # A damaged file makes Pillow raise whatever it stumbles over.
    except Exception as error:
        reason = _reason(error)
        raise ValueError(f"{path} cannot be read as an image: {reason}") from error


@contextlib.contextmanager
def _recorded_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Keeps warnings, which of Pillow name lines of its own source."""
    with _FILTERS, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield said


def _are_of_tags(said: list[warnings.WarningMessage], pattern: str) -> bool:
    """Returns whether Pillow warned so of the tags of a TIFF, or of EXIF."""
    return any(re.match(pattern, str(warning.message)) for warning in said)


def _opened(path: Path, stack: contextlib.ExitStack) -> Image.Image:
    """Opens a file, and says in own words whether the tags of a TIFF are damaged.

    Args:
      path: The file.
      stack: What closes it.

    Raises:
      ValueError: If a TIFF file ends within its list of tags. Without the rest of the
        list black might stand for white.
    """
    with _recorded_warnings() as said:
        try:
            image = stack.enter_context(Image.open(path, formats=_FORMATS))
        finally:
            _check_tags(path, said)
    if image.format == "TIFF" and _are_of_tags(said, "Tag "):
        _warn(f"{path} has damaged tags, which are left out.")
    for warning in said:
        # Of EXIF `_upright` says what it means.
        if not _are_of_tags([warning], _OF_TAGS):
            _warn(f"{path}: {warning.message}")
    return image


def _check_tags(path: Path, said: list[warnings.WarningMessage]) -> None:
    """Raises a `ValueError` if a TIFF ends within its tags."""
    with path.open("rb") as file:
        is_tiff = file.read(2) in (b"II", b"MM")
    if is_tiff and _are_of_tags(said, "Truncated|Corrupt"):
        raise ValueError("it ends too early, within its tags; get it again.")


def _check_strips(image: Image.Image) -> None:
    """Raises a `ValueError` if strips of a TIFF hold another picture than declared.

    Pillow would fill what is missing with zeros, or with what else is in the file.
    """
    tags = getattr(image, "tag_v2", {})
    is_packed = tags.get(_COMPRESSION, 1) != 1 or tags.get(_PHOTOMETRIC) == _YCBCR
    if image.format != "TIFF" or is_packed or _STRIP_BYTES not in tags:
        return
    width, height = tags[_WIDTH], tags[_HEIGHT]
    bits = tags.get(_BITS_PER_SAMPLE, (1,))
    is_in_planes = tags.get(_PLANAR, 1) == 2
    of_planes = bits if is_in_planes else [sum(bits)]
    row = sum(-(-width * of_plane // 8) for of_plane in of_planes)
    held, number = sum(tags[_STRIP_BYTES]), len(tags[_STRIP_BYTES])
    # The last strip may be filled up to the others' size, a single one to words.
    filled = row * height + _WORD - 1
    if number > 1:
        filled = row * tags.get(_ROWS_PER_STRIP, height) * number
    if not row * height <= held <= filled:
        raise ValueError(
            f"it declares {row * height} bytes of pixels, and has {held}; get it again."
        )


def _reason(error: Exception) -> str:
    """Returns one line that says what is wrong with a file, and what helps."""
    if isinstance(error, UnidentifiedImageError):
        return f"it is no {', '.join(_FORMATS)} of a usual kind; convert it to PNG."
    line = " ".join(str(error).split()) or type(error).__name__
    too_large = isinstance(error, Image.DecompressionBombError)
    return f"{line} Cut it into parts." if too_large else line


def _check_depth(image: Image.Image, path: Path) -> None:
    # Pillow would clip modes I and F to 255 instead of scaling them.
    if image.mode.startswith(("I", "F")) or _bits(image, path) > 8:
        raise ValueError(
            "it has more than 8 bits a channel; convert it to 8 bits, from 0 to 255."
        )
    if image.format == "TIFF" and set(image.tag_v2.get(_SAMPLE_FORMAT, [1])) & {2, 3}:
        raise ValueError("its numbers have signs; convert it to 8 bits, from 0 to 255.")


def _bits(image: Image.Image, path: Path) -> int:
    """Returns the bits of a channel, asked of the file.

    Pillow's mode does not tell: colours of 16 bits become 8 without a word.
    """
    match image.format:
        case "TIFF":
            return max(image.tag_v2.get(_BITS_PER_SAMPLE, [1]))
        case "PNG":
            return path.read_bytes()[24]
        case "PPM":
            # The raw mode and the largest value, or the mode alone: 8 bits or 1.
            arguments = image.tile[0][3]
            return arguments[1].bit_length() if isinstance(arguments, tuple) else 8
        case "JPEG2000":
            _, size = path.read_bytes().split(b"\xff\x4f\xff\x51", 1)
            return max(1 + (bits & 0x7F) for bits in size[38 : 38 + 3 * size[37] : 3])
        case "AVIF":
            # Of the picture, and of its transparency.
            flags = re.findall(rb"av1C\x81.(.)", path.read_bytes(), re.DOTALL)
            return max({0: 8, 0x40: 10, 0x60: 12}[ord(f) & 0x60] for f in flags)
    return 8


def _warn_of_what_is_left_out(image: Image.Image, path: Path, keep_alpha: bool) -> None:
    with _recorded_warnings():
        number = getattr(image, "n_frames", 1)
    if number > 1:
        _warn(f"{path} holds {number} pictures; the first is read.")
    bands = len(image.tag_v2.get(_BITS_PER_SAMPLE, ())) if image.format == "TIFF" else 0
    if bands > len(image.getbands()):
        _warn(f"{path} holds {bands} channels; read as {image.mode}.")
    if image.has_transparency_data and not keep_alpha:
        lowest, _ = image.convert("RGBA").getchannel("A").getextrema()
        if lowest < 255:
            _warn(
                f"{path} is transparent in places; transparency is dropped, and the "
                "colours below it are shown."
            )


def _alpha(image: Image.Image) -> np.ndarray | None:
    if not image.has_transparency_data:
        return None
    return np.asarray(image.convert("RGBA").getchannel("A"))[..., np.newaxis]


def _upright(image: Image.Image, path: Path) -> Image.Image:
    turned, exif = image, Image.Exif()
    with _recorded_warnings() as said:
        try:
            turned = ImageOps.exif_transpose(image)
            # Read anew, since Pillow warns of it once only.
            exif.load(image.info.get("exif", b""))
            is_damaged = _are_of_tags(said, _OF_TAGS)
        # The pixels are read already; metadata are the camera's, or anybody's.
        except Exception:
            is_damaged = True
    # Of the tags of a TIFF that was said before.
    is_known = ExifTags.Base.Orientation in exif or image.format == "TIFF"
    if is_damaged and not is_known:
        _warn(f"{path} has damaged metadata (EXIF); the picture is not turned.")
    return turned


def _in_rgb(image: Image.Image, path: Path) -> tuple[np.ndarray, bytes | None]:
    """Returns pixels in RGB, and the profile if it is that of these pixels."""
    profile = image.info.get("icc_profile")
    space = _space(profile)
    if image.mode in _OTHER_COLORS:
        _warn(f"{path} has colours in {image.mode}; they become RGB.")
    if space == b"CMYK" and image.mode == "CMYK":
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            image = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
            profile = None
    is_gray = image.mode in _GRAY_MODES
    if image.mode == "LAB":
        # Pillow makes sRGB of it.
        profile = None
    elif profile and space != (b"GRAY" if is_gray else b"RGB "):
        _warn(f"{path} has a colour profile of other colours than its pixels; dropped.")
        profile = None
    return np.asarray(image.convert("RGB")), profile


def is_of_rgb(profile: bytes | None) -> bool:
    """Returns whether a colour profile (ICC) is that of colours in RGB."""
    return _space(profile) == b"RGB "


def _space(profile: bytes | None) -> bytes:
    return profile[16:20] if profile else b""


def list_images(folder: str | Path) -> list[Path]:
    """Returns the image files of a folder, sorted by name.

    Hidden files and folders are passed over; `warnings.warn` names other files.

    Raises:
      ValueError: If there is no such folder or it has no image.
    """
    folder = Path(os.path.expanduser(folder))
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder.")
    # Macs put a hidden ._a.png beside a.png, which is no image.
    files = sorted(p for p in folder.iterdir() if p.name[0] != "." and not p.is_dir())
    paths = [p for p in files if p.suffix.lower() in IMAGE_SUFFIXES]
    known = f"looked for {', '.join(IMAGE_SUFFIXES)}."
    if not paths:
        raise ValueError(f"{folder} has no image; {known}")
    if others := [p.name for p in files if p.suffix.lower() not in IMAGE_SUFFIXES]:
        shown = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        _warn(f"{folder}, left out: {shown}; {known}")
    return paths


def check_image(image: np.ndarray, channels: tuple[int, ...] = ()) -> None:
    """Raises a `ValueError` unless an array is `(height, width, channels)` uint8.

    Args:
      image: The array.
      channels: Numbers of channels that it may have; any if empty.
    """
    image = np.asarray(image)
    fits = image.ndim == 3 and (not channels or image.shape[-1] in channels)
    if image.dtype != np.uint8 or not fits:
        wanted = " or ".join(map(str, channels)) or "channels"
        raise ValueError(
            f"An image must be (height, width, {wanted}) of uint8, 0 to 255, got "
            f"{image.dtype} of shape {image.shape}."
        )


def to_gray(image: np.ndarray) -> np.ndarray:
    """Converts RGB to grey as MATLAB's `rgb2gray` does, bit by bit.

    Args:
      image: `(height, width, 3)` uint8.

    Returns:
      `(height, width, 1)` uint8.

    Raises:
      ValueError: If the image is not such an array.
    """
    check_image(image, (3,))
    return round_to_uint8(image @ _GRAY_WEIGHTS)[..., np.newaxis]


def to_luminance(image: np.ndarray) -> np.ndarray:
    """Converts RGB to luminance as MATLAB's `rgb2ycbcr` does.

    Args:
      image: `(height, width, 3)` uint8.

    Returns:
      `(height, width, 1)` uint8 between 16 and 235.

    Raises:
      ValueError: If the image is not such an array.
    """
    check_image(image, (3,))
    return round_to_uint8(image @ LUMINANCE_WEIGHTS + _LUMINANCE_OFFSET)[
        ..., np.newaxis
    ]


def to_rgb(image: np.ndarray) -> np.ndarray:
    """Returns the `(height, width, 3)` uint8 image itself; checks that it is one."""
    check_image(image, (3,))
    return image


def replace_luminance(image: np.ndarray, luminance: np.ndarray) -> np.ndarray:
    """Returns a colour image with another luminance, and its own chroma.

    Args:
      image: `(height, width, 3)` uint8, RGB.
      luminance: `(height, width, 1)` between 16 and 235, as `to_luminance` makes it,
        rounded or not.

    Returns:
      `(height, width, 3)` float between 0 and 1, RGB.
    """
    check_image(image, (3,))
    chroma = color.rgb2ycbcr(image)[..., 1:]
    together = np.concatenate([luminance, chroma], axis=-1)
    return np.clip(color.ycbcr2rgb(together), 0.0, 1.0)


def to_8_bits(image: np.ndarray) -> np.ndarray:
    """Rounds an image in [0, 1] to `uint8`, halves up as MATLAB does."""
    return round_to_uint8(image * 255.0)


def round_to_uint8(values: np.ndarray) -> np.ndarray:
    """Rounds values to the nearest of 0 to 255, halves up as MATLAB does.

    NumPy's `round` goes to the even neighbour.
    """
    return np.floor(np.clip(values, 0, 255) + 0.5).astype(np.uint8)


COLOR_CONVERSIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "gray": to_gray,
    "luminance": to_luminance,
    "rgb": to_rgb,
}
