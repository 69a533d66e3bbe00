"""Which choices explain the values of somebody else: least squares over images."""

import csv
import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from paper_experiments.choices import groups
from paper_experiments.choices.measurement import Row, Values
from paper_experiments.choices.steps import OURS, Denoising, Photograph, Steps
from paper_experiments.choices.summary import Numbers
from paper_experiments.common.errors import UserError
from rim_tf import images

# In dB. What deviates less from ours needs no explanation; seeds alone make so much.
_SAME = 0.05
# A choice that changes less cannot be told from noise.
_LEAST_CHANGE = 0.05
# Part of the squared difference that must be explained.
_ENOUGH = 0.8
# A second choice must leave at most this part of what the first one left.
_SECOND_LEAVES = 0.5
# With fewer images a pattern says little.
LEAST_IMAGES = 3


class Explanation(NamedTuple):
    """Choices that would explain the values.

    Attributes:
      choices: Their names; none, if ours are the same.
      explained: Part of the squared difference from ours that they explain; 1 is all.
      left: Root mean square of what they leave, in dB.
    """

    choices: tuple[str, ...]
    explained: float
    left: float


def explain(
    theirs: Values, numbers: Numbers, key: tuple[str, str]
) -> list[Explanation]:
    """Returns what explains somebody's values, the best first.

    Args:
      theirs: PSNR by image id.
      numbers: What our choices cost on each image.
      key: Condition and method that the values are of.

    Returns:
      Explanations by one choice or by two together. The first has no choice if the
      values are ours; the list is empty if nothing fits.

    Raises:
      UserError: If too few of the images are known.
    """
    ours = numbers.reference(key)
    ids = [i for i in ours if i in theirs]
    if len(ids) < LEAST_IMAGES:
        raise UserError(
            f"--result: {len(ids)} of its images are known; {LEAST_IMAGES} are needed, "
            f"named as BSDS-300 does, such as {', '.join(list(ours)[:3])}."
        )
    difference = np.array([theirs[i] - ours[i] for i in ids])
    if _root_mean_square(difference) < _SAME:
        return [Explanation((), 1.0, _root_mean_square(difference))]
    changes = _changes(numbers, key, ids)
    single = [_explanation(difference, [c], changes) for c in changes]
    pairs = [
        _explanation(difference, pair, changes)
        for pair in itertools.combinations(changes, 2)
    ]
    left = min((e.left for e in single), default=math.inf)
    pairs = [e for e in pairs if e.left < _SECOND_LEAVES * left]
    fits = [e for e in (*single, *pairs) if e.explained > _ENOUGH]
    return sorted(fits, key=lambda e: e.left)


def _changes(
    numbers: Numbers, key: tuple[str, str], ids: Sequence[str]
) -> dict[str, np.ndarray]:
    """Returns what each choice changes on these images; small ones are left out."""
    ours = numbers.reference(key)
    found = {}
    for choice in itertools.chain(*groups.ALL.values()):
        values = numbers.results.get(Row(choice.name, *key), {})
        if choice.metric == "psnr" and all(i in values for i in ids):
            change = np.array([values[i] - ours[i] for i in ids])
            if _root_mean_square(change) >= _LEAST_CHANGE:
                found[choice.name] = change
    return found


def _explanation(
    difference: np.ndarray, choices: Sequence[str], changes: Mapping[str, np.ndarray]
) -> Explanation:
    left = difference - sum(changes[choice] for choice in choices)
    explained = 1 - np.square(left).sum() / np.square(difference).sum()
    return Explanation(tuple(choices), float(explained), _root_mean_square(left))


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def read(path: Path) -> Values:
    """Reads PSNR by image id from a CSV file whose first two columns these are.

    Raises:
      UserError: If it is no such file.
    """
    try:
        with path.open(newline="") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--result: {path} cannot be read: {error}.") from error
    values = {line[0].strip(): _number(line[1]) for line in lines if len(line) > 1}
    values = {i: value for i, value in values.items() if value is not None}
    if not values:
        raise UserError(
            f"--result: {path} must have lines of an image's id and its PSNR in dB, "
            "such as 3096,28.91."
        )
    return values


def _number(text: str) -> float | None:
    """Returns a finite number; None for a heading, or for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def measure_folder(
    folder: Path, truth: Mapping[str, np.ndarray], condition: str
) -> Values:
    """Returns PSNR by id of restored images, as this project measures.

    Args:
      folder: Image files, named after the ids.
      truth: By id, `(height, width, 3)` uint8.
      condition: "sigma 25", "x2" and so on.

    Raises:
      UserError: If there is no image of a known id, or one has another size.
    """
    try:
        paths = {path.stem: path for path in images.list_images(folder)}
        restored = {i: images.read_image(p) for i, p in paths.items() if i in truth}
    except ValueError as error:
        raise UserError(f"--result: {error}") from error
    if not restored:
        raise UserError(
            f"--result: no file in {folder} is named as BSDS-300 does, as 3096.png."
        )
    steps = OURS[condition]
    return {i: _psnr(steps, rgb, truth[i], i) for i, rgb in restored.items()}


def _psnr(steps: Steps, rgb: np.ndarray, truth: np.ndarray, image_id: str) -> float:
    """Returns the PSNR of an image of 8 bits; grey ones have three equal channels."""
    photograph = Photograph(image_id, 0, truth)
    if isinstance(steps, Denoising):
        clean, estimate = steps.clean(photograph), np.float32(rgb[..., :1]) / 255
    else:
        clean = steps.luminance(steps.large(photograph))
        is_gray = (rgb == rgb[..., :1]).all()
        estimate = rgb[..., :1] if is_gray else steps.luminance(rgb)
    if estimate.shape != clean.shape:
        raise UserError(
            f"--result: {image_id} has {estimate.shape[0]}x{estimate.shape[1]} pixels, "
            f"the true image {clean.shape[0]}x{clean.shape[1]}."
        )
    return steps.value(photograph, estimate)
