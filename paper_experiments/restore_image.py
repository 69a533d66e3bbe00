"""Restores an image file of your own, with the shipped weights.

    python paper_experiments/restore_image.py denoise photo.png --sigma=15
    python paper_experiments/restore_image.py enlarge photo.png --factor=3

The first removes noise. The second makes an image larger, as if it had been made small
by MATLAB's bicubic `imresize`. Both take colour and grey images of any size, and work
on 8 bits a channel; transparency is dropped.
"""

# Not absl's flags as in the other scripts: they know neither commands nor file names.
import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from paper_experiments import reporting
from rim_tf import bicubic, files, images, precision, pretrained
from rim_tf.forward_models import BicubicDownsampling, Denoising, ForwardModel
from rim_tf.restoration import iterate
from rim_tf.rim import PAPER_NUM_STEPS

# Trained on noise that was clipped and rounded, as in image files.
_GRAY_WEIGHTS, _COLOR_WEIGHTS = "rim_denoise_quantized", "rim_rgb_denoise"
_ENLARGING_WEIGHTS = "rim_super_resolution"
_TRAINED_FACTORS = (2, 3, 4)


class _UserError(Exception):
    """Something that the user can mend; shown as one line."""


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command line.

    Raises:
      SystemExit: With one line that says what is wrong.
    """
    arguments = _parser().parse_args(argv)
    start = time.monotonic()
    try:
        output = _output_path(arguments)
        pixels = images.read_image(arguments.image)
        restored = arguments.restore(pixels, arguments)
        with files.replacing(output) as temporary:
            Image.fromarray(restored.squeeze()).save(temporary)
    except (_UserError, ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    height, width = restored.shape[:2]
    duration = reporting.describe_seconds(time.monotonic() - start)
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
        required=True,
        help="standard deviation of the noise, pixels being 0 to 255; the weights were "
        "trained on up to 55",
    )
    enlarge = commands.add_parser("enlarge", help="make larger")
    enlarge.set_defaults(restore=_enlarge, suffix="enlarged")
    enlarge.add_argument(
        "--factor",
        type=int,
        choices=_TRAINED_FACTORS,
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
    sigma = float(text)
    if not 0 <= sigma <= 255:
        raise argparse.ArgumentTypeError(f"must be from 0 to 255, not {text}")
    return sigma


def _number_of_steps(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return number


def _output_path(arguments: argparse.Namespace) -> Path:
    """Returns where to write, and makes sure before the work that this is possible."""
    image = arguments.image
    output = arguments.output or image.with_name(f"{image.stem}_{arguments.suffix}.png")
    if output.suffix.lower() not in images.IMAGE_SUFFIXES:
        known = ", ".join(images.IMAGE_SUFFIXES)
        raise _UserError(f"--output: {output} must end in one of {known}.")
    if not output.parent.is_dir():
        raise _UserError(f"--output: there is no folder {output.parent}.")
    if output.exists() and not arguments.overwrite:
        raise _UserError(
            f"--output: {output} exists; choose another name, or give --overwrite."
        )
    return output


def _denoise(pixels: np.ndarray, arguments: argparse.Namespace) -> np.ndarray:
    is_gray = (pixels == pixels[..., :1]).all()
    return _restore(
        _GRAY_WEIGHTS if is_gray else _COLOR_WEIGHTS,
        pixels[..., :1] if is_gray else pixels,
        Denoising(),
        arguments.sigma / 255,
        arguments,
    )


def _enlarge(pixels: np.ndarray, arguments: argparse.Namespace) -> np.ndarray:
    """Enlarges the luminance with the RIM, and the chroma with the bicubic kernel."""
    size = tuple(arguments.factor * n for n in pixels.shape[:2])
    luminance = _restore(
        _ENLARGING_WEIGHTS,
        images.to_luminance(pixels),
        BicubicDownsampling(arguments.factor),
        0.0,
        arguments,
    )
    large = bicubic.imresize_uint8(pixels, size)
    return images.to_8_bits(images.replace_luminance(large, luminance))


def _restore(
    weights: str,
    observed: np.ndarray,
    forward_model: ForwardModel,
    sigma: float,
    arguments: argparse.Namespace,
) -> np.ndarray:
    """Restores pixels of 8 bits, `(height, width, channels)`, with a progress bar."""
    dtype, reason = precision.resolve(arguments.precision)
    print(f"Weights {weights}; arithmetic: {dtype} ({reason}).", flush=True)
    estimates = iterate(
        pretrained.load_pretrained(weights, dtype),
        np.float32(observed)[np.newaxis] / 255,
        forward_model,
        sigma,
        arguments.num_steps,
    )
    for estimate in tqdm(estimates, "Restoring", arguments.num_steps, unit="step"):
        # Each step waits for its result, so that the bar tells the truth.
        restored = np.asarray(estimate)
    return images.to_8_bits(restored[0])


if __name__ == "__main__":
    main()
