"""Restores an image file of your own, with the shipped weights.

    python paper_experiments/restore_image.py denoise photo.png --sigma=15
    python paper_experiments/restore_image.py enlarge photo.png --factor=3

The first removes noise. The second makes an image larger, as if it had been made small
by MATLAB's bicubic `imresize`. Both take colour and grey images of 8 bits a channel;
what else a file holds is dropped with a word: transparency, further pictures. On two
CPU cores 1920 x 1080 pixels of the result take one to two minutes to denoise, two to
four to enlarge, and 3 to 4 GB of memory; more pixels take more in proportion.
"""

# ruff: noqa: E402
# Not absl's flags as in the other scripts: they have no subcommands.
import argparse
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pywt
from PIL import Image
from tqdm import tqdm

from paper_experiments.common import quiet

# Before what follows, all of which imports Keras.
quiet.import_backend()

from paper_experiments.common import super_resolution
from paper_experiments.common.errors import (
    UserError,
    check_writable,
    warnings_as_lines,
)
from paper_experiments.common.wording import describe_seconds
from rim_tf import aliasing, bicubic, files, images, pretrained
from rim_tf.forward_models import BicubicDownsampling, Denoising, ForwardModel
from rim_tf.problems import PAPER_MAX_SIGMA
from rim_tf.restoration import iterate
from rim_tf.rim import PAPER_NUM_STEPS
from rim_tf.speed import precision

_GRAY_WEIGHTS, _COLOR_WEIGHTS = "rim_denoise_quantized", "rim_rgb_denoise"
_ENLARGING_WEIGHTS = "rim_super_resolution"
_LARGEST_TRAINED_SIGMA = round(255 * PAPER_MAX_SIGMA)
# Smaller ones were probably meant on the scale 0 to 1.
_LEAST_SIGMA = 0.5
# Of photographs without visible noise, about 1 to 2 are estimated.
_LITTLE_NOISE = 3
# Of the absolute value of a number with a normal distribution.
_MEDIAN = statistics.NormalDist().inv_cdf(0.75)
# Wavelet coefficients below it are 0 but for the arithmetic.
_ROUNDING = 1e-6
# Formats that Pillow writes without loss, and JPEG.
_OUTPUT_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff")
_WITHOUT_PROFILE = (".bmp", ".ppm")
# Of JPEG files; Pillow's defaults would undo a part of the restoration.
_JPEG_QUALITY = {"quality": 95, "subsampling": 0}


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command line.

    Raises:
      SystemExit: With one line that says what is wrong.
    """
    arguments = _parser().parse_args(argv)
    quiet.print_any_name()
    start = time.monotonic()
    try:
        pixels, color_profile = _read(arguments.image.expanduser())
        output = _output_path(arguments, pixels.size)
        restored = images.to_8_bits(arguments.restore(pixels, arguments))
        _write(restored, color_profile, output)
    except (UserError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
    height, width = restored.shape[:2]
    duration = describe_seconds(time.monotonic() - start)
    print(f"Wrote {output}, {width} x {height} pixels, after {duration}.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    denoise = commands.add_parser("denoise", help="remove noise")
    denoise.set_defaults(restore=_denoise, suffix="denoised")
    denoise.add_argument(
        "--sigma",
        type=_noise_level,
        help="standard deviation of the noise, pixels being 0 to 255; estimated "
        "if not given: too low where noise spans several pixels, as in enlarged "
        f"pictures, too high in letters. Weights saw up to {_LARGEST_TRAINED_SIGMA}",
    )
    enlarge = commands.add_parser("enlarge", help="make larger")
    enlarge.set_defaults(restore=_enlarge, suffix="enlarged")
    enlarge.add_argument(
        "--factor",
        type=int,
        choices=super_resolution.FACTORS,
        default=2,
        help="how many times larger; the default is 2",
    )
    for command in (denoise, enlarge):
        command.add_argument("image", type=Path, help="an image file")
        command.add_argument(
            "--output",
            type=Path,
            help="the new file; by default IMAGE_denoised.png or IMAGE_enlarged.png",
        )
        command.add_argument(
            "--num_steps",
            type=_number_of_steps,
            default=PAPER_NUM_STEPS,
            help=f"steps T; the default is {PAPER_NUM_STEPS}",
        )
        command.add_argument(
            "--precision",
            choices=precision.PRECISIONS,
            default="auto",
            help="arithmetic; auto, the default, chooses the faster",
        )
        command.add_argument(
            "--overwrite", action="store_true", help="replace an earlier new file"
        )
    return parser


def _noise_level(text: str) -> float:
    try:
        sigma = float(text)
    except ValueError:
        sigma = -1.0
    if not 0 <= sigma <= 255:
        raise argparse.ArgumentTypeError(f"must be from 0 to 255, not {text}")
    return sigma


def _number_of_steps(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {text}")
    return int(text)


def _read(path: Path) -> tuple[np.ndarray, bytes | None]:
    """Returns an image, `(height, width, 3 or 1)` uint8, and its colour profile."""
    if not path.is_file():
        raise UserError(f"There is no file {path}.")
    try:
        with warnings_as_lines():
            pixels, color_profile = images.read_with_profile(path)
    except ValueError as error:
        raise UserError(str(error)) from error
    is_gray = (pixels == pixels[..., :1]).all()
    return pixels[..., :1] if is_gray else pixels, color_profile


def _write(pixels: np.ndarray, color_profile: bytes | None, path: Path) -> None:
    if images.is_of_rgb(color_profile):
        # Grey may have come in colours, too.
        pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    if color_profile and path.suffix.lower() in _WITHOUT_PROFILE:
        print(f"*** {path.suffix} files have no colour profile; it is dropped.")
    try:
        _save(image, color_profile, path)
    # Whatever it is: what took minutes must not be lost.
    except Exception as error:
        rescued = Path(tempfile.mkdtemp(prefix="restored-")) / "restored.png"
        _save(image, color_profile, rescued)
        raise UserError(
            f"--output: {path} cannot be written: {error}. The picture is in {rescued}."
        ) from error


def _save(image: Image.Image, color_profile: bytes | None, path: Path) -> None:
    with files.replacing(path) as temporary:
        image.save(temporary, icc_profile=color_profile, **_JPEG_QUALITY)


def _output_path(arguments: argparse.Namespace, size: int) -> Path:
    """Returns where to write, and makes sure before the work that this is possible.

    Args:
      arguments: Those of the command line.
      size: The number of values in the image that is restored.
    """
    image = arguments.image.expanduser()
    default = image.with_name(f"{image.stem}_{arguments.suffix}.png")
    output = arguments.output.expanduser() if arguments.output else default
    if output.suffix.lower() not in _OUTPUT_SUFFIXES:
        known = ", ".join(_OUTPUT_SUFFIXES)
        raise UserError(f"--output: {output} must end in one of {known}.")
    if not output.parent.is_dir():
        raise UserError(f"--output: there is no folder {output.parent}.")
    # Few files need more than a byte per value.
    size *= getattr(arguments, "factor", 1) ** 2
    check_writable(output.parent, f"--output: {output}", output.name, size)
    if output.is_dir():
        raise UserError(f"--output: {output} is a folder.")
    if output.exists() and not arguments.overwrite:
        raise UserError(
            f"--output: {output} exists; choose another name, or give --overwrite."
        )
    return output


def _denoise(pixels: np.ndarray, arguments: argparse.Namespace) -> np.ndarray:
    sigma = arguments.sigma
    if sigma is None:
        sigma = _estimated_sigma(pixels)
    elif 0 < sigma < _LEAST_SIGMA:
        print(
            f"*** --sigma={sigma:g} is next to no noise, pixels being 0 to 255. If "
            f"they were 0 to 1 in your mind, give --sigma={255 * sigma:.3g}."
        )
    if sigma > _LARGEST_TRAINED_SIGMA:
        print(
            f"*** The weights saw noise up to {_LARGEST_TRAINED_SIGMA}, not "
            f"{sigma:.0f}: expect artefacts."
        )
    weights = _GRAY_WEIGHTS if pixels.shape[-1] == 1 else _COLOR_WEIGHTS
    return _restore(weights, pixels, Denoising(), sigma / 255, arguments)


def _estimated_sigma(pixels: np.ndarray) -> float:
    """Estimates the noise level, and says what there is to say about it."""
    sigma, flat = _estimate_sigma(pixels)
    print(f"Noise level, estimated from the image: --sigma={sigma:.1f}.")
    if flat > 0.5:
        print(
            f"*** {flat:.0%} of the image is flat, and the estimate that of the rest, "
            "edges of letters and drawings included: look, or give --sigma."
        )
    if sigma < _LITTLE_NOISE:
        print(
            "*** That is little, and little will change. If you see noise, it spans "
            "several pixels, as in enlarged or compressed pictures: give --sigma."
        )
    return sigma


def _estimate_sigma(pixels: np.ndarray) -> tuple[float, float]:
    """Estimates the noise level from the finest details.

    From the median of wavelet coefficients, as `estimate_sigma` of scikit-image does.
    That leaves out flat areas where they are exactly 0, and takes those of any other
    level for areas without noise.

    Args:
      pixels: `(height, width, channels)`, 0 to 255.

    Returns:
      The standard deviation, a mean over the channels that are not flat; and the part
      of the image that is flat.

    Raises:
      UserError: If all of it is flat.
    """
    details = [
        np.abs(pywt.dwt2(channel, "db2")[1][2])
        for channel in np.moveaxis(pixels, -1, 0)
    ]
    sigmas = [
        np.median(d[d > _ROUNDING]) / _MEDIAN for d in details if d.max() > _ROUNDING
    ]
    if not sigmas:
        raise UserError("--sigma: it cannot be estimated from this image; give it.")
    return float(np.mean(sigmas)), float(np.mean(np.stack(details) <= _ROUNDING))


def _enlarge(pixels: np.ndarray, arguments: argparse.Namespace) -> np.ndarray:
    """Enlarges the luminance with the RIM, and the chroma with the bicubic kernel."""
    channels = pixels.shape[-1]
    rgb = pixels if channels == 3 else np.repeat(pixels, 3, axis=-1)
    small = images.to_luminance(rgb)
    if aliasing.is_aliased(small[np.newaxis] / 255).any():
        print(
            "*** The picture has more fine detail than MATLAB's bicubic kernel leaves: "
            "it was made small by another, without anti-aliasing, or has noise. Expect "
            "jagged edges."
        )
    luminance = _restore(
        _ENLARGING_WEIGHTS,
        small,
        BicubicDownsampling(arguments.factor),
        0.0,
        arguments,
    )
    large = bicubic.imresize_uint8(rgb, luminance.shape[:2])
    return images.replace_luminance(large, 255 * luminance)[..., :channels]


def _restore(
    weights: str,
    observed: np.ndarray,
    forward_model: ForwardModel,
    sigma: float,
    arguments: argparse.Namespace,
) -> np.ndarray:
    """Restores pixels of 8 bits; returns float32 in [0, 1]. Shows a progress bar."""
    dtype, reason = precision.resolve(arguments.precision)
    print(f"Weights {weights}; arithmetic: {dtype} ({reason}).", flush=True)
    estimates = iterate(
        pretrained.load_pretrained(weights, dtype),
        np.float32(observed)[np.newaxis] / 255,
        forward_model,
        sigma,
        arguments.num_steps,
    )
    with warnings.catch_warnings():
        # Of much noise, which `_denoise` has said already.
        warnings.simplefilter("ignore", UserWarning)
        for estimate in tqdm(estimates, "Restoring", arguments.num_steps, unit="step"):
            # Each step waits for its result, so that the bar tells the truth.
            restored = np.asarray(estimate)
    return restored[0]


if __name__ == "__main__":
    main()
