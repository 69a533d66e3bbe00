"""Tests of the choice of images."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep.bsds300 import source
from paper_experiments.common import image_sets
from paper_experiments.common.errors import UserError


def _folder(path, number):
    path.mkdir()
    for i in range(number):
        Image.new("RGB", (20, 10 + i), (i, i, i)).save(path / f"{i:02d}.png")
    return str(path)


def test_embedded_images_say_that_they_are_not_the_papers():
    test = image_sets.load_test_images("embedded", None, None)
    assert list(test.images) == ["chelsea", "astronaut", "camera"]
    assert dict(test.sets) == {"embedded": ["chelsea", "astronaut", "camera"]}
    assert all(im.dtype == np.uint8 and im.shape[2] == 3 for im in test.images.values())
    assert "cannot be compared" in test.notes[0]


def test_embedded_training_images_are_others():
    name, train, validation = image_sets.load_training_images(
        "embedded", None, None, 32
    )
    assert name == "embedded"
    assert (len(train), len(validation)) == (2, 1)
    assert set(train) | set(validation) == {"coffee", "motorcycle", "rocket"}


def test_bsds300(bsds300_images):
    data_dir = str(bsds300_images.parents[1])
    test = image_sets.load_test_images("bsds300", data_dir, None)
    assert test.dataset == "bsds300"
    assert [len(ids) for ids in test.sets.values()] == [68, 100]
    assert not test.notes
    assert [test.numbers[i] for i in test.images] == list(range(100))
    name, train, validation = image_sets.load_training_images(
        "bsds300", data_dir, None, 32
    )
    assert (name, len(train), len(validation)) == ("bsds300", 192, 8)
    assert not set(train) & set(validation)
    assert not (set(train) | set(validation)) & set(test.images)


def test_first_images_keep_their_noise(bsds300_images):
    data_dir = str(bsds300_images.parents[1])
    whole = image_sets.load_test_images("auto", data_dir, None)
    few = whole.first(2)
    assert [len(ids) for ids in few.sets.values()] == [2, 2]
    assert set(few.images) == set(few.sets["68"]) | set(few.sets["100"])
    assert all(few.numbers[i] == whole.numbers[i] for i in few.images)
    assert "first 2 images" in few.notes[-1]


def test_auto_falls_back_to_embedded_images(monkeypatch, capsys, tmp_path):
    def fail(*_):
        raise source.SourceError("BSDS300 could not be downloaded (no network).")

    monkeypatch.setattr(image_sets.loading, "load", fail)
    assert image_sets.load_test_images("auto", None, None).dataset == "embedded"
    assert "no network" in capsys.readouterr().out
    with pytest.raises(UserError, match="--data_dir"):
        image_sets.load_test_images("bsds300", None, None)
    with pytest.raises(UserError, match="no network"):
        image_sets.load_test_images("auto", str(tmp_path), None)
    with pytest.raises(UserError, match="/somewhere is not a folder"):
        image_sets.load_test_images("auto", "/somewhere", None)


def test_folder_of_images(tmp_path):
    folder = _folder(tmp_path / "mine", 3)
    test = image_sets.load_test_images("auto", None, folder)
    assert test.dataset == "mine"
    assert dict(test.sets) == {"mine": ["00.png", "01.png", "02.png"]}
    assert "not the paper's" in test.notes[0]


def test_folder_with_what_file_systems_put_there(tmp_path, capsys):
    folder = Path(_folder(tmp_path / "mine", 1))
    (folder / "._00.png").write_bytes(b"metadata of a Mac")
    (folder / "x.png").mkdir()
    (folder / "notes.txt").touch()
    Image.new("RGBA", (20, 20), (9, 9, 9, 0)).save(folder / "01.webp", lossless=True)
    assert list(image_sets.load_test_images("auto", None, folder).images) == [
        "00.png",
        "01.webp",
    ]
    left_out, hidden = capsys.readouterr().out.splitlines()
    assert left_out.startswith(f"*** {folder}, left out: notes.txt; look")
    assert hidden.startswith(f"*** {folder}/01.webp is transparent in places")


def test_a_deep_image_of_a_folder_is_named(tmp_path):
    folder = Path(_folder(tmp_path / "mine", 1))
    (folder / "deep.ppm").write_bytes(b"P6 1 1 1023\n" + bytes(6))
    with pytest.raises(UserError, match=r"--images: .*deep\.ppm .*more than 8 bits"):
        image_sets.load_test_images("auto", None, folder)


def test_folder_of_training_images(tmp_path):
    def load(folder):
        return image_sets.load_training_images("auto", None, folder, 8)

    name, train, validation = load(_folder(tmp_path / "mine", 50))
    assert (name, len(train), len(validation)) == ("mine", 48, 2)
    with pytest.raises(UserError, match="--patch_size: two images of 8 x 8 pixels"):
        load(_folder(tmp_path / "one", 1))
    with pytest.raises(UserError, match=r"--train_images: .* not a folder"):
        load(str(tmp_path / "none"))


@pytest.mark.parametrize("number", [2, 3])
def test_validation_images_are_large_enough(tmp_path, number):
    """Thirty are smaller than a patch; it may not be they that validate."""
    folder = Path(_folder(tmp_path / "mine", 30))
    for i in range(number):
        Image.new("RGB", (40, 36)).save(folder / f"large_{i}.png")
    _, train, validation = image_sets.load_training_images("auto", None, folder, 36)
    assert len(validation) == 1
    assert next(iter(validation)).startswith("large_")
    assert sum(name.startswith("large_") for name in train) == number - 1
    message = rf"37 x 37 pixels or more .*; {30 + number} images of {30 + number} have"
    with pytest.raises(UserError, match=message):
        image_sets.load_training_images("auto", None, folder, 37)


def _flags(**values):
    names = ("data_dir", "images", "test_set", "num_images", "shard")
    return {"dataset": "auto", **dict.fromkeys(names), **values}


@pytest.fixture(name="two_sets")
def _two_sets(monkeypatch):
    """Test images as those of BSDS-300 come, one of them in both sets."""
    image = np.zeros((20, 20, 3), np.uint8)
    sets = {"68": ["a"], "100": ["b", "a"]}
    test = image_sets.TestImages(
        "bsds300", {"a": image, "b": image}, {"a": 0, "b": 1}, sets
    )
    monkeypatch.setattr(image_sets, "load_test_images", lambda *_: test)


@pytest.mark.parametrize(
    ("set_name", "flags", "sets", "ids"),
    [
        (None, {}, {"68": ["a"], "100": ["b", "a"]}, ["a", "b"]),
        # Only the script's set, and not the first of the others, too.
        ("100", {"num_images": 1}, {"100": ["b"]}, ["b"]),
        ("100", {"test_set": "68"}, {"68": ["a"]}, ["a"]),
        # A user's folder has no such set.
        ("elsewhere", {"num_images": 1}, {"68": ["a"], "100": ["b"]}, ["a", "b"]),
        # A part of the images; a set of which it has none is left out.
        (None, {"shard": "2/2"}, {"100": ["b"]}, ["b"]),
    ],
)
def test_images_that_flags_ask_for(two_sets, capsys, set_name, flags, sets, ids):
    test = image_sets.load_asked(_flags(**flags), set_name)
    assert test.sets == sets
    assert list(test.images) == ids
    said = capsys.readouterr().out
    assert said.startswith(f"Test images: {len(ids)} of bsds300.\n")
    assert ("*** Only the first image of each test set" in said) == (
        "num_images" in flags
    )


def test_a_set_that_is_not_there(two_sets):
    message = "^--test_set: there is no set 7 in bsds300; there are: 68, 100.$"
    with pytest.raises(UserError, match=message):
        image_sets.load_asked(_flags(test_set="7"), None)
