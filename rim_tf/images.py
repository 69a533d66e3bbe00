"""Image files and colour conversions, to the last digit as the literature has them."""

import functools
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from skimage import color

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff")

# By Pillow's names. Of any other it is not known here how deep its channels are.
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
# What it says is about a file, not about the line that reads it.
_warn = functools.partial(warnings.warn, stacklevel=4)

# MATLAB's rgb2gray, with all its digits: the first row of the inverse of the NTSC
# matrix. The usual four digits change the rounding in most images.
_GRAY_WEIGHTS = np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])

# MATLAB's rgb2ycbcr: luminance between 16 and 235 (ITU-R BT.601).
_LUMINANCE_WEIGHTS = np.array([65.481, 128.553, 24.966]) / 255.0
_LUMINANCE_OFFSET = 16.0


def read_image(path: str | Path) -> np.ndarray:
    """Reads an image file as Pillow decodes it.

    TensorFlow's default JPEG decoder gives other pixels, so that PSNR values
    would not be comparable. A turn that cannot be read is said by `warnings.warn`.

    Returns:
      `(height, width, 3)` uint8, RGB, turned upright as a camera noted. An alpha
      channel is dropped.

    Raises:
      ValueError: If the file is not an image of a format that is read, is damaged, or
        has more than 8 bits a channel.
    """
    path = Path(path)
    try:
        with Image.open(path, formats=_FORMATS) as image:
            _check_depth(image)
            image.load()
            return np.asarray(_upright(image, path).convert("RGB"))
    # A damaged file makes Pillow raise whatever it stumbles over.
    except Exception as error:
        reason = _reason(error)
        raise ValueError(f"{path} cannot be read as an image: {reason}") from error


def _reason(error: Exception) -> str:
    """Returns one line that says what is wrong with a file, and what helps."""
    if isinstance(error, UnidentifiedImageError):
        return f"it is no {', '.join(_FORMATS)} of a usual kind; convert it to PNG."
    line = " ".join(str(error).split()) or type(error).__name__
    too_large = isinstance(error, Image.DecompressionBombError)
    return f"{line} Cut it into parts." if too_large else line


def _check_depth(image: Image.Image) -> None:
    # Pillow would clip modes I and F to 255 instead of scaling them.
    if image.mode.startswith(("I", "F")):
        raise ValueError(
            "it has more than 8 bits a channel; convert it to 8 bits, from 0 to 255."
        )


def _upright(image: Image.Image, path: Path) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    # The pixels are read already; metadata are the camera's, or anybody's.
    except Exception:
        _warn(f"{path} has damaged metadata (EXIF); the picture is not turned.")
        return image


def list_images(folder: str | Path) -> list[Path]:
    """Returns the image files of a folder, sorted by name.

    Raises:
      ValueError: If there is no such folder or it has no image.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder.")
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise ValueError(
            f"{folder} has no image; looked for {', '.join(IMAGE_SUFFIXES)}."
        )
    return paths


def to_gray(image: np.ndarray) -> np.ndarray:
    """Converts RGB to grey as MATLAB's `rgb2gray` does, bit by bit.

    Args:
      image: `(height, width, 3)` uint8.

    Returns:
      `(height, width, 1)` uint8.
    """
    return round_to_uint8(image @ _GRAY_WEIGHTS)[..., np.newaxis]


def to_luminance(image: np.ndarray) -> np.ndarray:
    """Converts RGB to luminance as MATLAB's `rgb2ycbcr` does.

    Args:
      image: `(height, width, 3)` uint8.

    Returns:
      `(height, width, 1)` uint8 between 16 and 235.
    """
    return round_to_uint8(image @ _LUMINANCE_WEIGHTS + _LUMINANCE_OFFSET)[
        ..., np.newaxis
    ]


def to_rgb(image: np.ndarray) -> np.ndarray:
    """Returns the `(height, width, 3)` uint8 image itself."""
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
