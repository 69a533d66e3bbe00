"""Which choices explain the values of somebody else: least squares over images."""

import csv
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from paper_experiments.choices import groups, noise, together
from paper_experiments.choices.measurement import Row, Values
from paper_experiments.choices.steps import OURS, Denoising, Photograph, Steps
from paper_experiments.choices.summary import Numbers
from paper_experiments.common.errors import UserError, warnings_as_lines
from rim_tf import images

# In dB. What deviates less needs no explanation: another version of a library, say.
_SAME = 0.02
# Noise makes so much more than it made with any of our seeds.
_MORE_THAN_SEEDS = 1.25
# A choice that changes less cannot be told from noise.
_LEAST_CHANGE = 0.03
# Choices whose values differ less cannot be told apart.
ALIKE = 0.02
# What explains a small difference must leave at most this part of it.
_LEAVES = 0.6
# Of a large one this part may be left, which is more than noise: two choices together
# change not quite what each of them does.
_MAY_LEAVE = 0.05
# Two choices must leave at most this part of what one leaves.
_SECOND_LEAVES = 0.5
# With fewer images a pattern says little.
LEAST_IMAGES = 3
# No PSNR has as many dB.
_MOST_DB = 1000.0
# Choices must be measured on this part of somebody's images.
_LEAST_PART = 0.5

# So many pairs of choices, the likeliest, are made.
_MOST_MADE = 20

# Names of choices that make the same values.
Alike = tuple[str, ...]
# From choices and ids to values with these choices made; None if they cannot be made.
Make = Callable[[Sequence[Alike], Sequence[str]], Values | None]


class Explanation(NamedTuple):
    """Choices that would explain the values.

    Attributes:
      choices: What is made differently, and each time the names of all choices whose
        values are the same; none, if ours are the same.
      explained: Part of the squared difference from ours that they explain; 1 is all.
      left: Root mean square of what they leave, in dB.
      before: Root mean square of the difference from ours, in dB.
      number: Of the images that these are of.
    """

    choices: tuple[Alike, ...]
    explained: float
    left: float
    before: float
    number: int


def explain(
    theirs: Values, numbers: Numbers, key: tuple[str, str], make: Make | None = None
) -> list[Explanation]:
    """Returns what explains somebody's values, the best first.

    Args:
      theirs: PSNR by image id.
      numbers: What our choices cost on each image.
      key: Condition and method that the values are of.
      make: Makes two choices together. Without it, and where it cannot, their changes
        are added, though two seldom change quite what each of them does.

    Returns:
      Explanations by one choice or, where none fits, by two together. The first has no
      choice if the values are ours; the list is empty if nothing fits.

    Raises:
      UserError: If too few of the images are known, or no choice was measured on them.
    """
    ours = numbers.reference(key)
    ids = [i for i in ours if i in theirs]
    if len(ids) < LEAST_IMAGES:
        other = next((f", not {i}" for i in theirs if i not in ours), "")
        raise UserError(
            f"--result: {len(ids)} of its images are known; {LEAST_IMAGES} are needed, "
            f"named as BSDS-300 does, such as {', '.join(list(ours)[:3])}{other}."
        )
    changes = _changes(numbers, key, ids)
    if not changes:
        raise UserError(
            f"--result: no choice was measured on enough of its {len(ids)} images; "
            "take those of the 68 that papers use."
        )
    difference = np.array([theirs[i] - ours[i] for i in ids])
    size = _root_mean_square(difference)
    of_noise = _noise(numbers, key, ids)
    limit = max(of_noise, _MAY_LEAVE * size)
    alike = _alike(changes)
    singles = [_explanation(difference, [a], changes[a[0]]) for a in alike]
    found = [e for e in singles if _fits(e, limit)]
    least = min((e.left for e in found), default=math.inf)
    if size < of_noise and least > _SECOND_LEAVES * size:
        return [Explanation((), 1.0, size, size, len(ids))]
    if least > of_noise:
        pairs = [
            _explanation(difference, pair, changes[pair[0][0]] + changes[pair[1][0]])
            for pair in itertools.combinations(alike, 2)
            if _can_be_together(pair, key[0])
        ]
        made, added = _made(pairs, theirs, ours, ids, make)
        most = _SECOND_LEAVES * least
        found += [e for e in made if _fits(e, min(of_noise, most))]
        found += [e for e in added if _fits(e, min(limit, most))]
    return sorted(found, key=lambda e: e.left)


def _can_be_together(pair: Sequence[Alike], condition: str) -> bool:
    """Returns whether a choice of each kind changes no step of the other."""
    return any(
        together.fit(map(groups.BY_NAME.__getitem__, names), condition)
        for names in itertools.product(*pair)
    )


def _made(
    pairs: Sequence[Explanation],
    theirs: Values,
    ours: Values,
    ids: Sequence[str],
    make: Make | None,
) -> tuple[list[Explanation], list[Explanation]]:
    """Returns the likeliest pairs by what they change where they are made.

    Returns:
      Those; and the pairs that cannot be made, by what each choice changes.
    """
    if make is None:
        return [], [*pairs]
    made, added = [], []
    for pair in sorted(pairs, key=lambda e: e.left):
        values = make(pair.choices, ids)
        if values is None or len(values) < LEAST_IMAGES:
            added.append(pair)
            continue
        difference = np.array([theirs[i] - ours[i] for i in values])
        change = np.array([value - ours[i] for i, value in values.items()])
        made.append(_explanation(difference, pair.choices, change))
        if len(made) == _MOST_MADE:
            break
    return made, added


def _fits(explanation: Explanation, limit: float) -> bool:
    """Returns whether what is left can be noise."""
    left = explanation.left
    return left < limit and explanation.explained > 1 - _LEAVES**2


def _noise(numbers: Numbers, key: tuple[str, str], ids: Sequence[str]) -> float:
    """Returns what another seed, or another version of a library, may change."""
    found = [_SAME]
    for choice in noise.SEEDS:
        change = _change(numbers, Row(choice.name, *key), ids)
        if np.isfinite(change).sum() >= LEAST_IMAGES:
            found.append(_MORE_THAN_SEEDS * _root_mean_square(change))
    return max(found)


def _changes(
    numbers: Numbers, key: tuple[str, str], ids: Sequence[str]
) -> dict[str, np.ndarray]:
    """Returns what each choice changes on these images; small ones are left out.

    An image on which a choice was not measured is not a number.
    """
    found = {}
    for choice in itertools.chain(*groups.ALL.values()):
        if choice.metric != "psnr" or choice in noise.SEEDS:
            continue
        change = _change(numbers, Row(choice.name, *key), ids)
        least = max(LEAST_IMAGES, _LEAST_PART * len(ids))
        is_known = np.isfinite(change).sum() >= least
        if is_known and _root_mean_square(change) >= _LEAST_CHANGE:
            found[choice.name] = change
    return found


def _change(numbers: Numbers, row: Row, ids: Sequence[str]) -> np.ndarray:
    values, ours = numbers.results.get(row, {}), numbers.reference(row[1:])
    return np.array([values.get(i, np.nan) - ours[i] for i in ids])


def _alike(changes: Mapping[str, np.ndarray]) -> list[Alike]:
    """Returns the names of choices, together where their values are the same."""
    found: list[list[str]] = []
    for name, change in changes.items():
        for names in found:
            other = changes[names[0]] - change
            if np.isfinite(other).any() and _root_mean_square(other) < ALIKE:
                names.append(name)
                break
        else:
            found.append([name])
    return [tuple(names) for names in found]


def _explanation(
    difference: np.ndarray, choices: Sequence[Alike], change: np.ndarray
) -> Explanation:
    left = difference - change
    known = np.isfinite(left)
    if not np.any(difference[known]):
        return Explanation(tuple(choices), 0.0, math.inf, 0.0, int(known.sum()))
    explained = 1 - np.square(left[known]).sum() / np.square(difference[known]).sum()
    before = _root_mean_square(difference[known])
    left = _root_mean_square(left)
    number = int(known.sum())
    return Explanation(tuple(choices), float(explained), left, before, number)


def _root_mean_square(values: np.ndarray) -> float:
    """Returns it of the values that are numbers."""
    return float(np.sqrt(np.nanmean(np.square(values))))


def read(path: Path) -> Values:
    """Reads PSNR by image id from a CSV file whose first two columns these are.

    Instead of an id there may be a file's name, such as test/3096.jpg.

    Raises:
      UserError: If it is no such file.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"--result: {path} cannot be read: {error}.") from error
    _check_commas(lines)
    pairs = [(_id(line[0]), _number(line[1])) for line in lines if len(line) > 1]
    pairs = [(i, value) for i, value in pairs if value is not None]
    values = dict(pairs)
    if twice := {i for i, _ in pairs if [j for j, _ in pairs].count(i) > 1}:
        raise UserError(f"--result: {path} has {min(twice)} more than once.")
    if not values:
        raise UserError(
            f"--result: {path} must have lines of an image's id and its PSNR in dB, "
            "such as 3096,28.91."
        )
    return values


def _check_commas(lines: Sequence[Sequence[str]]) -> None:
    """Raises a `UserError` if all values look as if cut at a decimal comma."""
    values = [line for line in lines if len(line) > 1 and _number(line[1]) is not None]
    halves = [line[1:3] for line in values if len(line) > 2]
    if halves and all(half.strip().isdigit() for pair in halves for half in pair):
        raise UserError(
            f"--result: write PSNR with a point, {'.'.join(halves[0])}, not with a "
            "comma."
        )


def _id(text: str) -> str:
    """Returns the id of an image, which may stand as the name of its file."""
    return Path(text.strip()).stem


def _number(text: str) -> float | None:
    """Returns a PSNR; None for a heading, or for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < _MOST_DB else None


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
        with warnings_as_lines():
            listed = [path for path in images.list_images(folder) if path.stem in truth]
            restored = {path.stem: images.read_image(path) for path in listed}
    except ValueError as error:
        raise UserError(f"--result: {error}") from error
    paths = {path.stem: path for path in listed}
    if len(paths) < len(listed):
        raise UserError(f"--result: {folder} has files of one name; leave one of each.")
    if not restored:
        raise UserError(
            f"--result: no file in {folder} is named as BSDS-300 does, as 3096.png."
        )
    steps = OURS[condition]
    found = {i: _psnr(steps, rgb, truth[i], i) for i, rgb in restored.items()}
    if same := [i for i, value in found.items() if math.isinf(value)]:
        raise UserError(
            f"--result: {paths[same[0]]} is the true image; give restored ones."
        )
    return found


def _psnr(steps: Steps, rgb: np.ndarray, truth: np.ndarray, image_id: str) -> float:
    """Returns the PSNR of an image of 8 bits; grey ones have three equal channels."""
    photograph, is_gray = Photograph(image_id, 0, truth), (rgb == rgb[..., :1]).all()
    if isinstance(steps, Denoising):
        if not is_gray:
            raise UserError(f"--result: {image_id} has colours; give grey images.")
        clean, estimate = steps.clean(photograph), np.float32(rgb[..., :1]) / 255
    else:
        clean = steps.luminance(steps.large(photograph))
        estimate = rgb[..., :1] if is_gray else steps.luminance(rgb)
    if estimate.shape != clean.shape:
        raise UserError(
            f"--result: {image_id} has {estimate.shape[0]}x{estimate.shape[1]} pixels, "
            f"and is to have {clean.shape[0]}x{clean.shape[1]}, height by width; of "
            "super-resolution a multiple of the factor."
        )
    return steps.value(photograph, estimate)
