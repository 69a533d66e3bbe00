"""Restores image files: denoises, enlarges, fills in, undoes a blur, makes colours.

    rim-restore denoise photo.tif restored.tif --sigma=200 --range=100,3100
    rim-restore enlarge photo.png large.png --factor=3
    rim-restore inpaint photo.png whole.png --mask=mask.png
    rim-restore deblur photo.png sharp.png --kernel=kernel.npy
    rim-restore demosaic raw.tif colours.tif --pattern=RGGB

Takes files of 8 bits, TIFF and PNG of 16 bits, and TIFF of floats: grey or RGB, with
transparency, which is kept, and TIFF of many pages. Writes what it took: dtype, range
and colour profile. A folder instead of a file restores all images in it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from paper_experiments.common import quiet

PATTERNS = ("RGGB", "BGGR", "GRBG", "GBRG")
FACTORS = (2, 3, 4)
_PRECISIONS = ("auto", "float32", "mixed_bfloat16")


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command line.

    Raises:
      SystemExit: With 1 and one line that says what is wrong, if anything is.
    """
    arguments = _parser().parse_args(argv)
    quiet.print_any_name()
    quiet.import_backend()
    # Not above: it starts TensorFlow.
    from paper_experiments.rim_restore import run

    sys.exit(run.run(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rim-restore",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="command", dest="command")
    for name, what, add_own in (
        ("denoise", "remove noise", _add_to_denoise),
        ("enlarge", "make larger", _add_to_enlarge),
        ("inpaint", "fill in missing pixels", _add_to_inpaint),
        ("deblur", "undo a known blur", _add_to_deblur),
        ("demosaic", "make colours of a camera's raw mosaic", _add_to_demosaic),
    ):
        command = commands.add_parser(name, help=what, allow_abbrev=False)
        _add_common(command)
        if name != "enlarge":
            _add_noise(command)
        add_own(command)
    return parser


def _add_common(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("image", type=Path, help="an image file, or a folder of such")
    add("output", type=Path, help="the new file; for a folder, a folder")
    add(
        "--range",
        type=_range,
        metavar="BLACK,WHITE",
        help="what black and white are in the file's counts; found, and said, if not "
        "given: 0 and 255 for 8 bits, 0 and the most that 10, 12, 14 or 16 bits hold",
    )
    add(
        "--num_steps",
        type=_number_of_steps,
        help="steps T; 20 if not given, as in the training. auto stops where going on "
        "gains little",
    )
    add(
        "--precision",
        choices=_PRECISIONS,
        default="auto",
        help="arithmetic; auto, the default, chooses the faster",
    )
    add("--compare", type=Path, metavar="CLEAN", help="prints PSNR and SSIM against it")
    add("--picture", type=Path, help="a PNG file of the picture before and after")
    add(
        "--trajectory",
        type=Path,
        metavar="PAGE.html",
        help="a page for a browser: a slider over the steps, and a divider between "
        "before and after. Of large images it shows the middle, of stacks the first "
        "page",
    )
    there = command.add_mutually_exclusive_group()
    there.add_argument(
        "--overwrite", action="store_true", help="replace files that are there"
    )
    there.add_argument(
        "--skip_existing",
        action="store_true",
        help="of a folder, restore only images that have no file there: so goes on "
        "what was interrupted",
    )


def _add_noise(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--sigma",
        type=_noise_level,
        default="auto",
        help="standard deviation of the noise in the file's counts. auto, the "
        "default, estimates it from the image: too low where noise spans several "
        "pixels, as in enlarged pictures, too high in letters",
    )


def _add_to_denoise(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--noise",
        choices=("gaussian", "poisson"),
        default="gaussian",
        help="poisson: counts above black are those of photons; needs no --sigma",
    )


def _add_to_enlarge(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--factor",
        type=int,
        choices=FACTORS,
        default=2,
        help="how many times larger; the default is 2",
    )


def _add_to_inpaint(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--mask",
        type=Path,
        required=True,
        help="an image file of the same size: white where a pixel is known, black "
        "where it is missing",
    )


def _add_to_deblur(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--kernel",
        type=Path,
        required=True,
        help="the blur as an image file or .npy, its middle the middle of the file",
    )


def _add_to_demosaic(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--pattern",
        choices=PATTERNS,
        required=True,
        help="colours of the first two pixels of the first two rows",
    )


def _range(text: str) -> tuple[float, float]:
    try:
        black, white = (float(part) for part in text.split(","))
    except ValueError:
        black = white = 0.0
    if not (black < white and 0 < white - black < float("inf")):
        raise argparse.ArgumentTypeError(
            f"must be two numbers, the smaller first, such as 100,3100, not {text}"
        )
    return black, white


def _noise_level(text: str) -> float | str:
    if text == "auto":
        return text
    try:
        sigma = float(text)
    except ValueError:
        sigma = -1.0
    if not 0 <= sigma < float("inf"):
        raise argparse.ArgumentTypeError(f"must be 0 or more, or auto, not {text}")
    return sigma


def _number_of_steps(text: str) -> int | str:
    if text == "auto":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, or auto, not {text}")
    return int(text)
