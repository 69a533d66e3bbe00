"""The images that an experiment trains and tests on."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data

from data_prep.bsds300 import loading, source
from paper_experiments.common.errors import UserError, warnings_as_lines
from paper_experiments.common.wording import count
from rim_tf import images

# Natural photographs that scikit-image installs with itself.
_EMBEDDED_TRAIN = ("coffee", "motorcycle", "rocket")
# The smallest first, for a quick look with --num_images=1.
_EMBEDDED_TEST = ("chelsea", "astronaut", "camera")
EMBEDDED_NOTE = (
    "THESE ARE NOT THE PAPER'S IMAGES: BSDS-300 was not used, but a few photographs "
    "that scikit-image installs. The numbers cannot be compared with the reported ones."
)

Images = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class TestImages:
    """Images to test on.

    Attributes:
      dataset: "bsds300", "embedded" or the name of the user's folder.
      images: By id, `(height, width, 3)` uint8, RGB.
      numbers: The position of each id in the whole test set, which the noise of
        an image depends on.
      sets: Ids by the name of the set: "68" and "100", or the data set's name.
      notes: What a reader must know to compare numbers.
      is_whole: Whether these are all images of the sets.
    """

    dataset: str
    images: Images
    numbers: Mapping[str, int]
    sets: Mapping[str, list[str]]
    notes: tuple[str, ...] = ()
    is_whole: bool = True

    def only(self, name: str) -> "TestImages":
        """Returns the images of one set."""
        ids = self.sets[name]
        wanted = {i: self.images[i] for i in ids}
        return dataclasses.replace(self, images=wanted, sets={name: ids})

    def first(self, number: int | None) -> "TestImages":
        """Returns the first `number` images of each set; all if None."""
        if number is None:
            return self
        sets = {name: ids[:number] for name, ids in self.sets.items()}
        wanted = {image_id for ids in sets.values() for image_id in ids}
        first = "first image" if number == 1 else f"first {number} images"
        note = f"Only the {first} of each test set, not all of them."
        return dataclasses.replace(
            self,
            images={i: image for i, image in self.images.items() if i in wanted},
            sets=sets,
            notes=(*self.notes, note),
            is_whole=False,
        )

    def shard(self, asked: str | None) -> "TestImages":
        """Returns every N-th image from the K-th on, of "K/N"; all if None.

        Raises:
          UserError: If there are fewer images.
        """
        if asked is None:
            return self
        first, step = map(int, asked.split("/"))
        wanted = dict(list(self.images.items())[first - 1 :: step])
        if not wanted:
            raise UserError(
                f"--shard: {asked} is no part of {count(len(self.images), 'image')}."
            )
        sets = {n: [i for i in ids if i in wanted] for n, ids in self.sets.items()}
        return dataclasses.replace(
            self,
            images=wanted,
            sets={name: ids for name, ids in sets.items() if ids},
            notes=(*self.notes, f"Only shard {asked} of the images; see merge.py."),
            is_whole=False,
        )


def load_asked(
    flags: Mapping[str, Any],
    set_name: str | None,
    ids: Sequence[str] | None = None,
) -> TestImages:
    """Loads the test images that flags ask for, and says what they are.

    Args:
      flags: Values of the flags by name.
      set_name: Only the images of this set, where there is one of that name and
        --test_set does not ask for another.
      ids: The images of BSDS-300 in this set; None if it is known already.

    Raises:
      UserError: If the images cannot be had, or there is no such set.
    """
    test = load_test_images(flags["dataset"], flags["data_dir"], flags["images"])
    if ids is not None and test.dataset == "bsds300":
        test = dataclasses.replace(test, sets={**test.sets, set_name: list(ids)})
    asked = flags["test_set"]
    if asked is not None and asked not in test.sets:
        raise UserError(
            f"--test_set: there is no set {asked} in {test.dataset}; there are: "
            f"{', '.join(test.sets)}."
        )
    name = asked or set_name
    test = (test.only(name) if name in test.sets else test).first(flags["num_images"])
    test = test.shard(flags["shard"])
    print(f"Test images: {len(test.images)} of {test.dataset}.")
    for note in test.notes:
        print(f"\n*** {note}")
    print()
    return test


def load_test_images(
    dataset: str, data_dir: str | None, folder: str | None
) -> TestImages:
    """Loads test images.

    Args:
      dataset: "auto", "bsds300" or "embedded", as the flag `--dataset`.
      data_dir: As the flag `--data_dir`.
      folder: As the flag `--images`: a folder of images instead of a data set.

    Raises:
      UserError: If the images cannot be had.
    """
    if folder is not None:
        name = Path(folder).resolve().name
        note = f"The images are those of {name}, not the paper's."
        return _whole_set(name, _read_folder("--images", folder), (note,))
    bsds = _load_bsds300(dataset, data_dir, "test")
    if bsds is None:
        return _whole_set("embedded", _embedded(_EMBEDDED_TEST), (EMBEDDED_NOTE,))
    return TestImages(
        "bsds300",
        bsds,
        {image_id: number for number, image_id in enumerate(bsds)},
        {"68": [str(i) for i in source.read_ids("foe68_test_ids")], "100": list(bsds)},
    )


def load_training_images(
    dataset: str, data_dir: str | None, folder: str | None, patch_size: int
) -> tuple[str, Images, Images]:
    """Loads the training images that the flags ask for, some kept for validation.

    Which are kept does not depend on the seed of the training. So weights that were
    trained on the same images, and are trained on, never saw those that validate them.

    Args:
      dataset: "auto", "bsds300" or "embedded", as the flag `--dataset`.
      data_dir: As the flag `--data_dir`.
      folder: As the flag `--train_images`: a folder of images instead.
      patch_size: Largest height and width of a patch.

    Returns:
      The name of the data, the training images, and the validation images.

    Raises:
      UserError: If the images cannot be had.
    """
    if folder is not None:
        loaded = _read_folder("--train_images", folder)
        return (Path(folder).resolve().name, *_hold_out(loaded, patch_size))
    bsds = _load_bsds300(dataset, data_dir, "train")
    if bsds is None:
        return ("embedded", *_hold_out(_embedded(_EMBEDDED_TRAIN), patch_size))
    kept = {str(image_id) for image_id in source.read_ids("validation_ids")}
    return ("bsds300", *_divide(bsds, kept))


def _whole_set(name: str, loaded: Images, notes: tuple[str, ...]) -> TestImages:
    numbers = {image_id: number for number, image_id in enumerate(loaded)}
    return TestImages(name, loaded, numbers, {name: list(loaded)}, notes)


def _load_bsds300(dataset: str, data_dir: str | None, split: str) -> Images | None:
    """Returns the split, or None where the embedded images are to be used."""
    if dataset == "embedded":
        return None
    if data_dir is not None and not Path(data_dir).expanduser().is_dir():
        raise UserError(
            f"--data_dir: {data_dir} is not a folder. Give one that holds "
            "BSDS300/images/{train,test}, or an empty one to download into."
        )
    try:
        return loading.load(data_dir or loading.DEFAULT_DATA_DIR, split)
    except source.SourceError as error:
        if dataset == "auto" and data_dir is None:
            print(f"{error}\n")
            return None
        raise UserError(
            f"--data_dir: {error} Give a folder that holds "
            "BSDS300/images/{train,test}, or --dataset=embedded."
        ) from error


def _read_folder(flag: str, folder: str) -> Images:
    try:
        with warnings_as_lines():
            return {p.name: images.read_image(p) for p in images.list_images(folder)}
    except ValueError as error:
        raise UserError(f"{flag}: {error}") from error


def _embedded(names: tuple[str, ...]) -> Images:
    return {name: read_embedded(name) for name in names}


def read_embedded(name: str) -> np.ndarray:
    """Returns a photograph that scikit-image installs, `(height, width, 3)` uint8."""
    if name == "motorcycle":
        image = skimage.data.stereo_motorcycle()[0]
    else:
        image = getattr(skimage.data, name)()
    return image if image.ndim == 3 else np.stack([image] * 3, axis=-1)


def _hold_out(loaded: Images, patch_size: int) -> tuple[Images, Images]:
    """Keeps one image in 25 for validation, at least one, as in BSDS-300."""
    large = [i for i, im in loaded.items() if min(im.shape[:2]) >= patch_size]
    if len(large) < 2:
        small = count(len(loaded) - len(large), "image")
        raise UserError(
            f"--patch_size: two images of {patch_size} x {patch_size} pixels or more "
            f"are needed, one of them to validate; {small} of {len(loaded)} have "
            "fewer. Give larger ones by --train_images, or a smaller --patch_size."
        )
    number = max(1, len(loaded) // 25)
    # An image that holds no patch would validate nothing.
    kept = np.random.default_rng(0).choice(large, min(number, len(large) - 1), False)
    return _divide(loaded, set(kept.tolist()))


def _divide(loaded: Images, kept: set[str]) -> tuple[Images, Images]:
    return (
        {i: image for i, image in loaded.items() if i not in kept},
        {i: image for i, image in loaded.items() if i in kept},
    )
