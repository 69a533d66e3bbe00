"""What to do about a choice: how this project makes the step that it changes."""

from collections.abc import Iterable

from paper_experiments.choices import groups, together

_BICUBIC = "`rim_tf.bicubic.imresize_uint8`, or by Pillow's `BICUBIC`"
# By step of the protocols, see `steps`.
_CURES = {
    "decode": "read images by Pillow, from the original files",
    "gray": "make grey images by `rim_tf.images.to_gray`",
    "draw": "draw noise that is white, of another seed for each image",
    "add": "keep the noisy image as floats, neither clipped nor rounded",
    "told": "tell sigma on the scale of the pixels: 25 / 255 where white is 1",
    "crop": "cut images to a multiple of the factor",
    "shrink": f"make images small by {_BICUBIC}, those of the training, too",
    "luminance": "take luminance from `rim_tf.images.to_luminance`",
    "enlarge": f"enlarge by {_BICUBIC}",
    "score": (
        "measure in floats, with the peak 255 of 8 bits, estimates clipped; of "
        "super-resolution without a border as wide as the factor"
    ),
}


def cure(names: Iterable[str], condition: str) -> list[str]:
    """Returns what to do, and where it stands in WHY_ANOTHER_NUMBER.md.

    Args:
      names: Of the choices that were made.
      condition: "sigma 25", "x2" and so on.
    """
    steps, anchors = {}, {}
    for name in names:
        steps |= together.changed(name, condition)
        (group,) = (g for g, c in groups.ALL.items() if together.CHOICES[name] in c)
        anchors[group.replace("_", "-")] = None
    said = [_CURES[step] for step in _CURES if step in steps]
    where = " and ".join(f"WHY_ANOTHER_NUMBER.md#{anchor}" for anchor in anchors)
    return [*said, where]
