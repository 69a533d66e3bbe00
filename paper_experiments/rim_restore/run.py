"""What `rim-restore` does with its files, and what it says."""

import argparse
import functools
import sys
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from paper_experiments.common.errors import (
    UserError,
    check_writable,
    warnings_as_lines,
)
from paper_experiments.common.wording import count, describe_seconds
from paper_experiments.rim_restore import (
    comparison,
    methods,
    noise_level,
    picture,
    steps,
    units,
)
from paper_experiments.rim_restore.picture import Picture
from rim_tf import files, images, pretrained, restoration, tiles
from rim_tf.noise import PAPER_MAX_SIGMA
from rim_tf.rim import PAPER_NUM_STEPS, RIM
from rim_tf.speed import precision

# Of black to white. Smaller ones were probably meant on the scale 0 to 1.
_LEAST_SIGMA = 0.5 / 255
# Of a stack, of which the noise level is estimated.
_PAGES_LOOKED_AT = 5
# What a folder must have room for, in bytes, if it is to go on with the next image, or
# as much as the last one has.
_ROOM = 1 << 16
# Between these the residual is what noise of that level leaves.
_RESIDUALS = (0.7, 1.2)
# Of all values, beyond black or white.
_MOST_BEYOND = 0.001
# Flags that name a file to look at, and how that must end.
_SHOWS = {"picture": ".png", "trajectory": ".html"}
# Of an image.
_ERRORS = (UserError, ValueError, OSError, MemoryError)


def run(arguments: argparse.Namespace) -> int:
    """Runs a command; returns the exit code."""
    arguments.noise = getattr(arguments, "noise", "gaussian")
    try:
        _expand_paths(arguments)
        if arguments.image.is_dir():
            return _restore_folder(arguments)
        if arguments.skip_existing:
            raise UserError(
                f"--skip_existing is for a folder, and {arguments.image} is none."
            )
        _check_outputs(arguments)
        _restore_file(arguments, arguments.image, arguments.output)
    except _ERRORS as error:
        print(f"error: {_in_a_line(error, arguments.image)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 1
    return 0


def _expand_paths(arguments: argparse.Namespace) -> None:
    for flag, path in vars(arguments).items():
        if isinstance(path, Path):
            try:
                setattr(arguments, flag, path.expanduser())
            except RuntimeError as error:
                raise UserError(f"{path}: there is no such user.") from error


def _in_a_line(error: Exception, path: Path) -> str:
    """Says what is wrong with an image."""
    if isinstance(error, MemoryError):
        return f"{path}: the memory does not suffice; cut it into parts."
    line = " ".join(str(error).split("\n"))
    # The library knows of no files.
    is_named = isinstance(error, UserError | OSError) or str(path) in line
    return line if is_named else f"{path}: {line}"


def _restore_folder(arguments: argparse.Namespace) -> int:
    """Restores all images of a folder; returns 1 if one of them failed."""
    for flag in ("compare", *_SHOWS):
        if getattr(arguments, flag):
            raise UserError(
                f"--{flag} is for one file, and {arguments.image} a folder."
            )
    with warnings_as_lines():
        paths = images.list_images(arguments.image)
    outputs = [_output_in(arguments.output, path) for path in paths]
    for output in outputs:
        if outputs.count(output) > 1:
            raise UserError(f"Several images would become {output}; rename one.")
        _check_output(arguments, output, is_made=True)
    pairs = [
        (path, output)
        for path, output in zip(paths, outputs, strict=True)
        # A file that is there is whole.
        if not (arguments.skip_existing and output.exists())
    ]
    if len(pairs) < len(paths):
        print(f"Of {count(len(paths) - len(pairs), 'image')} there is a file already.")
    num_failed = 0
    with files.making(arguments.output):
        for path, output in tqdm(pairs, "Images", unit="image"):
            try:
                _restore_file(arguments, path, output, show_steps=False)
            except _ERRORS as error:
                num_failed += 1
                line = _in_a_line(error, path)
                # What names a flag does not name the image.
                if not any(str(name) in line for name in (path, output)):
                    line = f"{path}: {line}"
                print(f"*** Left out: {line}")
                # Where it is full, or gone, the other images have no place either.
                room = max(_ROOM, path.stat().st_size)
                check_writable(arguments.output, str(arguments.output), size=room)
    print(f"Restored {len(pairs) - num_failed} of {count(len(pairs), 'image')}.")
    return int(num_failed > 0)


def _output_in(folder: Path, path: Path) -> Path:
    known = path.suffix.lower() in picture.SUFFIXES
    return folder / (path.name if known else f"{path.stem}.png")


def _check_outputs(arguments: argparse.Namespace) -> None:
    """Makes sure before the work that all files of one image may be written."""
    _check_output(arguments, arguments.output)
    for flag, suffix in _SHOWS.items():
        path = getattr(arguments, flag)
        if path is None:
            continue
        if path.suffix.lower() != suffix:
            raise UserError(f"--{flag}: {path} must end in {suffix}.")
        if path.resolve() == arguments.output.resolve():
            raise UserError(f"--{flag}: {path} is what the image is written to.")
        _check_output(arguments, path)


def _check_output(
    arguments: argparse.Namespace, output: Path, is_made: bool = False
) -> None:
    """Makes sure before the work that a file may be written.

    Args:
      arguments: Those of the command line.
      output: The file.
      is_made: Whether its folder will be made.
    """
    if output.is_dir():
        raise UserError(f"{output} is a folder.")
    if not output.parent.is_dir() and not is_made:
        raise UserError(f"There is no folder {output.parent}.")
    if output.exists() and not (arguments.overwrite or arguments.skip_existing):
        goes_on = ", or to go on with a folder --skip_existing" if is_made else ""
        raise UserError(
            f"{output} exists; choose another name, or give --overwrite{goes_on}."
        )


def _restore_file(
    arguments: argparse.Namespace, path: Path, output: Path, show_steps: bool = True
) -> None:
    """Restores a file, and says what was assumed and what came of it."""
    start = time.monotonic()
    before = picture.read(path)
    picture.check_fits(before, output)
    factor = getattr(arguments, "factor", 1)
    size = before.pages.nbytes * factor**2 * (4 if factor == 1 else 1)
    check_writable(output.parent, str(output), output.name, min(size, 1 << 30))
    # Grey may have come in colours, too.
    is_gray = (before.pages == before.pages[..., :1]).all()
    pages = before.pages[..., :1] if is_gray else before.pages
    counts = units.find_range(pages, arguments.range)
    method = methods.choose(arguments, pages)
    clean = None
    if arguments.compare:
        clean = picture.read_of_flag("--compare", arguments.compare)
        number, height, width, channels = before.pages.shape
        channels = 3 if arguments.command == "demosaic" else channels
        shape = number, factor * height, factor * width, channels
        comparison.check(arguments.compare, clean, shape, before.dtype)
    scale = units.Poisson(counts) if arguments.noise == "poisson" else counts
    sigma = _sigma(arguments, pages, scale)
    _say_assumed(arguments, path, before, counts, sigma)
    # Of photons, at white; there is none below black.
    of_noise = counts.width**-0.5 if arguments.noise == "poisson" else sigma
    _say_what_is_cut_off(pages, counts, of_noise)
    recorder = None
    if arguments.trajectory:
        recorder = steps.Recorder(*(factor * size for size in pages.shape[1:3]))
    restored = _restore_pages(
        arguments, method, pages, scale, sigma, show_steps, recorder
    )
    after = _as_file(before, restored, counts)
    picture.write(after, output)
    height, width = after.pages.shape[1:3]
    print(
        f"Wrote {output}, {width} x {height} pixels, {after.dtype}, after "
        f"{describe_seconds(time.monotonic() - start)}."
    )
    if clean:
        comparison.compare(arguments.compare, clean, before, after, counts)
    if arguments.picture:
        comparison.draw(arguments.picture, before, after, counts)
    if recorder:
        pixels = recorder.cut(scale.to_unit(pages[0]), factor)
        estimates = [
            scale.to_range(method.finish(step.own, pixels)) for step in recorder.steps
        ]
        beside = {"before": comparison.as_large(counts.to_unit(pages[0]), height)}
        if clean:
            beside["clean"] = counts.to_unit(clean.pages[0])
        title = f"{path.name}: {arguments.command}"
        steps.save(arguments.trajectory, recorder, estimates, beside, sigma, title)


def _sigma(
    arguments: argparse.Namespace, pages: np.ndarray, scale: units.Range | units.Poisson
) -> float:
    """Returns the noise level on the scale from 0 to 1; says what is odd about it."""
    if arguments.command == "enlarge":
        return 0.0
    if isinstance(scale, units.Poisson):
        if arguments.sigma != "auto":
            raise UserError(
                "--sigma: the noise of photons follows from their number; leave it "
                "out, or --noise=poisson."
            )
        return scale.sigma
    if arguments.sigma == "auto":
        sigma = _estimate(arguments, pages, scale)
    else:
        sigma = _in_unit(arguments.sigma, scale)
    if sigma > PAPER_MAX_SIGMA:
        print(
            f"*** The weights saw noise up to {PAPER_MAX_SIGMA:.0%} of black to white, "
            f"not {sigma:.0%}: expect artefacts."
        )
    return sigma


def _shown(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _in_unit(sigma: float, scale: units.Range) -> float:
    """Returns a given noise level on the scale from 0 to 1; doubts odd ones."""
    unit = sigma / scale.width
    if unit > 1:
        raise UserError(
            f"--sigma: {sigma:g} is more than there is from black to white, "
            f"{scale.black:g} to {scale.white:g}; give it in the file's counts."
        )
    if 0 < unit < _LEAST_SIGMA:
        assumed = 1 if sigma < 1 else 255
        in_counts = sigma * scale.width / assumed
        print(
            f"*** --sigma={sigma:g} is next to no noise, white being {scale.white:g}. "
            f"If white was {assumed} in your mind, give --sigma={_shown(in_counts)}."
        )
    return unit


def _estimate(
    arguments: argparse.Namespace, pages: np.ndarray, scale: units.Range
) -> float:
    """Returns the noise level of some pages, estimated, and says its worth."""
    known = methods.read_mask(arguments) if arguments.command == "inpaint" else None
    looked_at = pages[:: max(1, len(pages) // _PAGES_LOOKED_AT)][:_PAGES_LOOKED_AT]
    found = []
    for page in looked_at:
        unit = scale.to_unit(page)
        if arguments.command == "demosaic":
            unit = _planes(unit)
        found.append(noise_level.estimate(unit, known))
    found = [estimate for estimate in found if estimate is not None]
    if not found:
        raise UserError("--sigma: it cannot be estimated from this image; give it.")
    middle = sorted(found)[len(found) // 2]
    print(
        "Noise level, estimated from the image: "
        f"--sigma={middle.sigma * scale.width:.3g}."
    )
    for doubt in middle.doubts(arguments.command == "denoise"):
        print(f"*** {doubt}")
    if arguments.command == "demosaic":
        print(
            "*** Each colour of a mosaic has every second pixel only, where detail may "
            "be taken for noise: give --sigma if you know it."
        )
    return middle.sigma


def _planes(raw: np.ndarray) -> np.ndarray:
    """Returns the four colours of a mosaic as channels of an image half as large."""
    height, width = (size // 2 * 2 for size in raw.shape[:2])
    even = raw[:height, :width, 0]
    return np.stack([even[i::2, j::2] for i in (0, 1) for j in (0, 1)], axis=-1)


def _say_assumed(
    arguments: argparse.Namespace,
    path: Path,
    before: Picture,
    counts: units.Range,
    sigma: float,
) -> None:
    pages, height, width, channels = before.pages.shape
    beside = "another channel" if before.extra == "unspecified" else "transparency"
    kind = {1: "grey", 3: "RGB"}[channels] + f" with {beside}" * (
        before.alpha is not None
    )
    if arguments.command == "enlarge":
        noise = "no noise"
    elif arguments.noise == "poisson":
        noise = "noise of photons, one for each count above black"
    else:
        noise = f"noise of {sigma * counts.width:.4g}, {sigma:.1%} of black to white"
    several = f"{count(pages, 'page')} of " if pages > 1 else ""
    print(
        f"{path.name}: {several}{width} x {height} pixels, {kind}, {before.dtype}.\n"
        f"Assumed: black is {counts.black:g}, white {counts.white:g} "
        f"({counts.reason}); {noise}."
    )


def _say_what_is_cut_off(pages: np.ndarray, counts: units.Range, sigma: float) -> None:
    share = units.share_beyond(pages, counts, sigma)
    if share > _MOST_BEYOND:
        print(
            f"*** {share:.1%} of the values lie beyond black or white by more than "
            f"noise does; they go from {pages.min():.4g} to {pages.max():.4g}. The "
            "result is cut off there: give another --range."
        )


@functools.cache
def _load(weights: str, dtype: str) -> RIM:
    return pretrained.load_pretrained(weights, dtype)


def _restore_pages(
    arguments: argparse.Namespace,
    method: methods.Method,
    pages: np.ndarray,
    scale: units.Range | units.Poisson,
    sigma: float,
    show_steps: bool,
    recorder: steps.Recorder | None,
) -> np.ndarray:
    """Returns all pages restored, float32 in [0, 1]; shows a progress bar.

    A recorder keeps the steps of the first.
    """
    dtype, reason = precision.resolve(arguments.precision)
    num_steps = arguments.num_steps or PAPER_NUM_STEPS
    print(
        f"Weights {method.weights}, {num_steps} steps; arithmetic: {dtype} ({reason}).",
        flush=True,
    )
    model = _load(method.weights, dtype)
    factor = getattr(arguments, "factor", 1)
    number = len(tiles.divide(*(factor * size for size in pages.shape[1:3])))
    total = None if num_steps == "auto" else len(pages) * number * num_steps
    restored, residuals, made = [], [], 0
    with tqdm(
        total=total, desc="Restoring", unit="step", disable=not show_steps
    ) as bar:

        def after_step(step: tiles.Step) -> None:
            nonlocal made
            made += 1
            bar.update()
            if recorder and not restored:
                recorder.keep(step)

        for page in pages:
            unit = scale.to_unit(page)
            # Not np.float32(), which copies.
            observed = np.asarray(method.observe(unit), np.float32)
            problem = (observed, method.forward_model, sigma)
            with warnings_as_lines():
                estimate = tiles.restore(
                    model, *problem, num_steps, after_step=after_step
                )
            if sigma:
                residuals.append(_residual(estimate, *problem))
            restored.append(method.finish(estimate, unit))
    if num_steps == "auto":
        parts = len(pages) * number
        each = f" for each of {parts} parts, a mean" if parts > 1 else ""
        print(f"--num_steps=auto made {made / parts:.3g} steps{each}.")
    if residuals:
        # A network that sees sigma gets better there, see RESULTS.md.
        sees_sigma = getattr(model.cell, "sees_sigma", False)
        may_fit_noise = not sees_sigma and num_steps != 1
        is_estimated = arguments.sigma == "auto" and arguments.noise != "poisson"
        _say_residual(float(np.mean(residuals)), may_fit_noise, is_estimated)
    # Without a copy of the only page, which may be large.
    together = restored[0][np.newaxis] if len(restored) == 1 else np.stack(restored)
    return scale.to_range(together)


def _residual(estimate: np.ndarray, observed: np.ndarray, model, sigma) -> np.ndarray:
    return restoration.residual(estimate, observed, np.float32(sigma), model)


def _say_residual(residual: float, may_fit_noise: bool, is_estimated: bool) -> None:
    least, most = _RESIDUALS
    sigma = "The noise level that was estimated" if is_estimated else "--sigma"
    said = f"What was removed, residual / sigma: {residual:.2f}, "
    if residual > most:
        said += (
            f"more than noise explains. {sigma} is too small, or kernel, mask, pattern "
            "or --range do not fit the image."
        )
    elif residual < least:
        said += f"less than noise. {sigma} is too large."
        if is_estimated:
            said += (
                " Fine detail may have been taken for noise: give a smaller --sigma."
            )
        if may_fit_noise:
            said += (
                " Or going on has begun to fit the noise: compare with fewer "
                "--num_steps."
            )
    else:
        said += "as noise explains."
    print(said)


def _as_file(before: Picture, restored: np.ndarray, counts: units.Range) -> Picture:
    """Returns restored pages as the file had them: dtype, channels, transparency."""
    pages = counts.to_counts(restored, before.dtype)
    if pages.shape[-1] < before.pages.shape[-1]:
        pages = np.broadcast_to(pages, (*pages.shape[:-1], before.pages.shape[-1]))
    alpha, profile = before.alpha, before.profile
    if alpha is not None and alpha.shape[1:3] != pages.shape[1:3]:
        alpha = _enlarged_alpha(alpha, pages.shape[1:3])
    if profile and pages.shape[-1] == 3 and not images.is_of_rgb(profile):
        print("*** The colour profile is that of grey; it is dropped.")
        profile = None
    resolution = before.resolution
    if resolution:
        factor = pages.shape[1] / before.pages.shape[1]
        resolution = factor * resolution[0], factor * resolution[1], resolution[2]
    return Picture(pages, alpha, profile, before.extra, resolution)


def _enlarged_alpha(alpha: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    opaque = 1 if alpha.dtype.kind == "f" else np.iinfo(alpha.dtype).max
    scale = units.Range(0, opaque, "")
    large = [methods.enlarge(scale.to_unit(page), size) for page in alpha]
    return scale.to_counts(np.stack(large), alpha.dtype)
