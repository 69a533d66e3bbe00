"""Tests of where BSDS-300 comes from, without the network."""

import io
import re
import shutil
import tarfile
import urllib.error
from pathlib import Path

import numpy as np
import pytest
from absl import logging

import data_prep.bsds300
from data_prep.bsds300 import loading, source
from rim_tf import images

_DUMMY = Path(data_prep.bsds300.__file__).parent / "dummy_data"


@pytest.fixture(name="few_images")
def _few_images(monkeypatch):
    """Makes the number of our drawings the right number of images."""
    monkeypatch.setattr(source, "NUM_IMAGES", {"train": 3, "test": 2})


def _archive(names):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name in names:
            data = b"image " + Path(name).name.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()


class _Response(io.BytesIO):
    headers = {}  # noqa: RUF012


def _serve(monkeypatch, answers):
    """Answers downloads in turn: with bytes, or by raising an error."""
    urls = []

    def urlopen(url, timeout):
        assert 0 < timeout <= 60
        urls.append(url)
        answer = answers[len(urls) - 1]
        if isinstance(answer, Exception):
            raise answer
        return _Response(answer)

    monkeypatch.setattr(source.urllib.request, "urlopen", urlopen)
    return urls


_BERKELEY = [
    f"BSDS300/images/{s}.jpg"
    for s in ("train/1", "train/2", "train/3", "test/4", "test/5")
]
_MIRROR = [
    f"BSDS500-master/BSDS500/data/images/{s}"
    for s in (
        "train/1.jpg",
        "train/2.jpg",
        "train/3.jpg",
        "val/4.jpg",
        "val/5.jpg",
        "test/6.jpg",
        "test/Thumbs.db",
    )
]


def _names(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*.jpg"))


_EXPECTED = ["test/4.jpg", "test/5.jpg", "train/1.jpg", "train/2.jpg", "train/3.jpg"]


def test_download_from_berkeley(tmp_path, monkeypatch, few_images):
    urls = _serve(monkeypatch, [_archive(_BERKELEY)])
    folder = source.download(tmp_path)
    assert "berkeley.edu" in urls[0]
    assert _names(folder) == _EXPECTED
    assert (folder / "test" / "4.jpg").read_bytes() == b"image 4.jpg"
    # Nothing but the images is left, and nothing is downloaded twice.
    assert [p.name for p in folder.parent.iterdir()] == ["images"]
    assert source.download(tmp_path) == folder
    assert len(urls) == 1


@pytest.mark.parametrize(
    "failure",
    [
        TimeoutError("timed out"),
        urllib.error.URLError("unknown"),
        b"not an archive",
        _archive(_BERKELEY[:4]),
        _archive(_BERKELEY)[:-100],
    ],
    ids=["timeout", "unreachable", "damaged", "incomplete", "truncated"],
)
def test_mirror_is_the_fallback(tmp_path, monkeypatch, few_images, failure):
    urls = _serve(monkeypatch, [failure, _archive(_MIRROR)])
    folder = source.download(tmp_path)
    assert "github.com" in urls[1]
    assert _names(folder) == _EXPECTED


def test_unreachable_network_leaves_nothing_behind(tmp_path, monkeypatch):
    _serve(monkeypatch, [TimeoutError("timed out"), TimeoutError("timed out")])
    with pytest.raises(source.SourceError, match="could not be downloaded"):
        source.download(tmp_path)
    assert not list((tmp_path / "BSDS300").iterdir())


@pytest.mark.parametrize("inside", ["", "BSDS300", "BSDS300/images"])
def test_folder_is_found_at_each_level(inside):
    assert source.find_images(_DUMMY / inside) == _DUMMY / "BSDS300" / "images"


def test_missing_images_are_counted(tmp_path, few_images):
    shutil.copytree(_DUMMY, tmp_path, dirs_exist_ok=True)
    (tmp_path / "BSDS300/images/train/1.jpg").unlink()
    with pytest.raises(source.SourceError, match="has 2 JPEG images instead of 3"):
        source.require_images(tmp_path)
    with pytest.raises(source.SourceError, match="not laid out as"):
        source.require_images(tmp_path / "elsewhere")


def test_changed_file_is_named(tmp_path, monkeypatch, bsds300_images):
    assert source.warn_of_changed_files(bsds300_images) == []
    copy = tmp_path / "images"
    shutil.copytree(bsds300_images, copy)
    with (copy / "test" / "3096.jpg").open("ab") as file:
        file.write(b"x")
    warnings = []
    monkeypatch.setattr(
        logging, "warning", lambda text, *args: warnings.append(text % args)
    )
    assert source.warn_of_changed_files(copy) == ["test/3096.jpg"]
    assert re.search(r"3096\.jpg differs", warnings[0])


def test_shipped_lists(bsds300_images):
    test_ids = {image_id for image_id, _ in source.image_files(bsds300_images, "test")}
    train_ids = [
        image_id for image_id, _ in source.image_files(bsds300_images, "train")
    ]
    assert len(source.read_ids("foe68_test_ids")) == 68
    assert set(source.read_ids("foe68_test_ids")) < test_ids
    drawn = np.random.default_rng(0).choice(train_ids, 8, replace=False)
    assert source.read_ids("validation_ids") == sorted(drawn.tolist())


def test_tensorflow_dataset_has_pillows_pixels(tmp_path, few_images):
    pytest.importorskip("tensorflow_datasets")
    builder = loading.prepare(tmp_path, _DUMMY)
    assert builder.info.splits["train"].num_examples == 3
    for split in ("train", "test"):
        prepared = loading.load(tmp_path, split)
        files = source.image_files(_DUMMY / "BSDS300/images", split)
        assert list(prepared) == [str(image_id) for image_id, _ in files]
        for (_, path), image in zip(files, prepared.values(), strict=True):
            np.testing.assert_array_equal(image, images.read_image(path))


def test_connection_that_ends_early_is_noticed(tmp_path, monkeypatch, few_images):
    data = _archive(_BERKELEY)
    monkeypatch.setattr(_Response, "headers", {"Content-Length": str(len(data) + 1)})
    urls = _serve(monkeypatch, [data, data])
    with pytest.raises(source.SourceError, match=f"only {len(data)} of"):
        source.download(tmp_path)
    assert len(urls) == 2


def test_damaged_image_is_named(tmp_path, few_images):
    shutil.copytree(_DUMMY, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "BSDS300/images"
    (folder / "test/4.jpg").write_bytes(b"no image")
    with pytest.raises(source.SourceError, match=r"4\.jpg cannot be read"):
        source.read_split(folder, "test")
    (folder / "test/4.jpg").rename(folder / "test/four.jpg")
    with pytest.raises(source.SourceError, match=r"four\.jpg is not named"):
        source.read_split(folder, "test")


def test_load_reads_a_folder(few_images):
    assert list(loading.load(_DUMMY, "test")) == ["4", "5"]
