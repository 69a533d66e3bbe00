"""What to do about a choice: how this project makes the step that it changes."""

from collections.abc import Iterable

from paper_experiments.choices import groups
from paper_experiments.choices.steps import DENOISING

_BICUBIC = "`rim_tf.bicubic.imresize_uint8` or Pillow's `BICUBIC`"
_FLOATS = "measure in floats, with the peak 255 of 8 bits"
# By step of the protocols, see `steps`.
_OF_DENOISING = {
    "decode": "read images by Pillow, from the original files",
    "gray": "make grey images by `rim_tf.images.to_gray`",
    "draw": "draw white noise, of another seed for each image",
    "add": "keep the noisy image as floats, neither clipped nor rounded",
    "told": "tell sigma on the scale of the pixels: 25 / 255 where white is 1",
    "score": f"{_FLOATS}, and clip estimates to [0, 1]",
}
_OF_SUPER_RESOLUTION = {
    "decode": _OF_DENOISING["decode"],
    "crop": "cut images to a multiple of the factor",
    "shrink": f"make images small by {_BICUBIC}, also for training",
    "luminance": "take luminance from `rim_tf.images.to_luminance`",
    "enlarge": f"enlarge by {_BICUBIC}",
    "score": f"{_FLOATS}, without a border as wide as the factor",
}


def cure(names: Iterable[str], condition: str) -> list[str]:
    """Returns what to do about choices.

    Args:
      names: Of the choices that were made.
      condition: "sigma 25", "x2" and so on.
    """
    of_step = _OF_DENOISING if condition == DENOISING else _OF_SUPER_RESOLUTION
    found: dict[str, None] = {}
    for choice in map(groups.BY_NAME.__getitem__, names):
        steps = choice.changed(condition) or {}
        said = [choice.cure] if choice.cure else [of_step[step] for step in steps]
        found |= dict.fromkeys(said)
    return list(found)


def sections(names: Iterable[str]) -> list[str]:
    """Returns where choices stand in WHY_ANOTHER_NUMBER.md."""
    every = set(names)
    return [
        f"WHY_ANOTHER_NUMBER.md#{group.replace('_', '-')}"
        for group, choices in groups.ALL.items()
        if every & {choice.name for choice in choices}
    ]
