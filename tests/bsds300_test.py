"""Tests of where BSDS-300 comes from, without the network."""

import hashlib
import http.client
import io
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.error
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from absl import logging

import data_prep.bsds300
from data_prep.bsds300 import loading, source
from rim_tf import images

_DUMMY = Path(data_prep.bsds300.__file__).parent / "dummy_data"
_EXPECTED = ["test/4.jpg", "test/5.jpg", "train/1.jpg", "train/2.jpg", "train/3.jpg"]


@pytest.fixture(name="few_images")
def _few_images(monkeypatch):
    """Makes the names and number of our drawings those of the images."""
    monkeypatch.setattr(source, "NUM_IMAGES", {"train": 3, "test": 2})
    sums = {name: hashlib.sha256(_content(name)).hexdigest() for name in _EXPECTED}
    monkeypatch.setattr(source, "_checksums", lambda: sums)


def _content(name):
    return b"image " + Path(name).name.encode()


def _archive(names):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name in names:
            data = _content(name)
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def _damaged_archive():
    """Returns an archive that opens, and that zlib cannot read to its end."""
    rng = np.random.default_rng(0)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        member = tarfile.TarInfo("BSDS300/large")
        member.size = 1 << 20
        letters = rng.integers(0, 16, member.size, np.uint8)
        tar.addfile(member, io.BytesIO(letters.tobytes()))
    data = bytearray(stream.getvalue())
    middle = len(data) // 2
    data[middle : middle + 1000] = rng.bytes(1000)
    return bytes(data)


class _Response(io.BytesIO):
    headers = {}  # noqa: RUF012
    status = 200


def _serve(monkeypatch, answers):
    """Answers downloads in turn: with bytes, or by raising an error."""
    urls = []

    def urlopen(request, timeout):
        assert 0 < timeout <= 60
        urls.append(request.full_url)
        answer = answers[len(urls) - 1]
        if isinstance(answer, Exception):
            raise answer
        return _Response(answer)

    monkeypatch.setattr(source.urllib.request, "urlopen", urlopen)
    return urls


def _serve_pieces(monkeypatch, data, size, has_parts=True):
    """Answers downloads, each by so many bytes, after which the connection ends.

    Returns:
      The range that was asked for in each, or None.
    """
    ranges = []

    def urlopen(request, timeout):
        ranges.append(request.get_header("Range"))
        begin = 0
        if has_parts and ranges[-1]:
            begin = int(ranges[-1].removeprefix("bytes=").removesuffix("-"))
        if begin and begin >= len(data):
            headers = {"Content-Range": f"bytes */{len(data)}"}
            raise urllib.error.HTTPError(request.full_url, 416, "", headers, None)
        response = _Response(data[begin : begin + size])
        response.status = 206 if begin else 200
        response.headers = {"Content-Length": str(len(data) - begin)}
        return response

    monkeypatch.setattr(source.urllib.request, "urlopen", urlopen)
    return ranges


_BERKELEY = [f"BSDS300/images/{name}" for name in reversed(_EXPECTED)]
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
        "val/Thumbs.db",
    )
]


def _names(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*.jpg"))


@pytest.fixture(name="warnings")
def _warnings(monkeypatch):
    texts = []
    monkeypatch.setattr(logging, "warning", lambda text, *a: texts.append(text % a))
    return texts


def test_download_from_berkeley(tmp_path, monkeypatch, few_images, warnings):
    # What a killed download left does no harm.
    stale = tmp_path / "BSDS300" / "images.incomplete" / "train" / "9.jpg"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"half")
    urls = _serve(monkeypatch, [_archive(_BERKELEY)])
    folder = source.download(tmp_path)
    assert "berkeley.edu" in urls[0]
    assert _names(folder) == _EXPECTED
    assert (folder / "test" / "4.jpg").read_bytes() == b"image 4.jpg"
    # Nothing but the images is left, and nothing is downloaded twice.
    assert [p.name for p in folder.parent.iterdir()] == ["images"]
    assert source.download(tmp_path) == folder
    assert len(urls) == 1
    assert warnings == []


@pytest.mark.parametrize(
    "failure",
    [
        TimeoutError("timed out"),
        urllib.error.URLError("unknown"),
        http.client.BadStatusLine("no HTTP"),
        b"not an archive",
        _archive(_BERKELEY[:4]),
        _archive(_BERKELEY)[:-100],
        _damaged_archive(),
    ],
    ids=[
        "timeout",
        "unreachable",
        "no HTTP",
        "no archive",
        "incomplete",
        "truncated",
        "damaged",
    ],
)
def test_mirror_is_the_fallback(tmp_path, monkeypatch, few_images, failure, warnings):
    urls = _serve(monkeypatch, [failure, _archive(_MIRROR)])
    folder = source.download(tmp_path)
    assert "github.com" in urls[1]
    assert _names(folder) == _EXPECTED
    assert {path.name for path in folder.rglob("*.*")} == {
        Path(name).name for name in _EXPECTED
    }
    assert [p.name for p in folder.parent.iterdir()] == ["images"]
    assert warnings == []


def test_an_image_that_would_fill_the_memory_is_refused(
    tmp_path, monkeypatch, few_images
):
    monkeypatch.setitem(globals(), "_content", lambda _: bytes(1 << 23))
    archive = tmp_path / "images.tgz"
    archive.write_bytes(_archive(_BERKELEY[:1]))
    with pytest.raises(source.SourceError, match=r"\d\.jpg has 8388608 bytes"):
        source._unpack(archive, tmp_path / "new")


def test_unreachable_network_leaves_nothing_behind(tmp_path, monkeypatch):
    _serve(monkeypatch, [TimeoutError("timed out"), TimeoutError("timed out")])
    pattern = "could not be downloaded .*berkeley.*timed out.*github.*timed out"
    with pytest.raises(source.SourceError, match=pattern):
        source.download(tmp_path / "new" / "folder")
    assert not list(tmp_path.iterdir())


def test_unpacking_that_is_interrupted_leaves_the_archive(
    tmp_path, monkeypatch, few_images
):
    def interrupt(*_):
        raise KeyboardInterrupt

    data = _archive(_BERKELEY)
    ranges = _serve_pieces(monkeypatch, data, len(data))
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(source, "_changed_files", interrupt)
        source.download(tmp_path)
    (kept,) = (tmp_path / "BSDS300").iterdir()
    assert kept.read_bytes() == data
    assert _names(source.download(tmp_path)) == _EXPECTED
    # It is asked whether there is more.
    assert ranges == [None, f"bytes={len(data)}-"]
    assert [p.name for p in (tmp_path / "BSDS300").iterdir()] == ["images"]


def test_images_with_other_checksums_are_refused(
    tmp_path, monkeypatch, few_images, warnings
):
    """The mirror is asked for; if it has others, too, there are none."""
    changed = {"test/4.jpg": "0", "test/5.jpg": "0"}
    monkeypatch.setattr(
        source, "_checksums", lambda sums=source._checksums: {**sums(), **changed}
    )
    urls = _serve(monkeypatch, [_archive(_BERKELEY), _archive(_MIRROR)])
    message = r"BSDS300-images\.tgz: 2 of 5 images are .* checksums, such as test/4"
    with pytest.raises(source.SourceError, match=message):
        source.download(tmp_path / "new")
    assert len(urls) == 2
    assert not list(tmp_path.iterdir())


def test_a_connection_that_ends_is_made_anew_for_the_rest(
    tmp_path, monkeypatch, few_images
):
    data = _archive(_BERKELEY)
    third = len(data) // 3 + 1
    monkeypatch.setattr(source, "_CHUNK", 16)
    ranges = _serve_pieces(monkeypatch, data, third)
    folder = source.download(tmp_path)
    assert ranges == [None, f"bytes={third}-", f"bytes={2 * third}-"]
    assert _names(folder) == _EXPECTED
    assert source._changed_files(folder) == []
    assert [p.name for p in folder.parent.iterdir()] == ["images"]


def test_the_next_run_goes_on_with_what_came(tmp_path, monkeypatch, few_images):
    data = _archive(_BERKELEY)
    monkeypatch.setattr(_Response, "headers", {"Content-Length": str(len(data))})
    _serve(monkeypatch, [data[:100], TimeoutError("timed out")])
    with pytest.raises(source.SourceError, match=r"is kept: start again to go on\.$"):
        source.download(tmp_path)
    ranges = _serve_pieces(monkeypatch, data, len(data))
    assert _names(source.download(tmp_path)) == _EXPECTED
    assert ranges == ["bytes=100-"]
    assert [p.name for p in (tmp_path / "BSDS300").iterdir()] == ["images"]


@pytest.mark.parametrize("kept", [b"x" * 100, b"x" * 10_000], ids=["part", "more"])
def test_what_was_kept_of_another_file_does_no_harm(
    tmp_path, monkeypatch, few_images, kept
):
    """As of an archive that was made anew in between."""
    (tmp_path / "BSDS300").mkdir()
    (tmp_path / "BSDS300" / "BSDS300-images.tgz.incomplete").write_bytes(kept)
    data = _archive(_BERKELEY)
    _serve_pieces(monkeypatch, data, len(data))
    assert _names(source.download(tmp_path)) == _EXPECTED
    assert [p.name for p in (tmp_path / "BSDS300").iterdir()] == ["images"]


def test_a_server_that_gives_no_parts(tmp_path, monkeypatch, few_images):
    """What it gives begins anew; two ends at the same place are one too many."""
    data = _archive(_BERKELEY)
    (tmp_path / "BSDS300").mkdir()
    (tmp_path / "BSDS300" / "BSDS300-images.tgz.incomplete").write_bytes(data[:20])
    monkeypatch.setattr(source, "_CHUNK", 16)
    ranges = _serve_pieces(monkeypatch, data, 100, has_parts=False)
    with pytest.raises(source.SourceError, match=f"only 100 of {len(data)} bytes came"):
        source.download(tmp_path)
    assert ranges == ["bytes=20-", "bytes=100-", None, "bytes=100-"]
    _serve_pieces(monkeypatch, data, len(data), has_parts=False)
    assert _names(source.download(tmp_path)) == _EXPECTED


def test_downloads_are_encrypted():
    assert {url.partition(":")[0] for url in source._URLS} == {"https"}


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


def test_hidden_files_of_macs_are_no_images(tmp_path, few_images, warnings):
    shutil.copytree(_DUMMY, tmp_path, dirs_exist_ok=True)
    (tmp_path / "BSDS300/images/test/._4.jpg").write_bytes(b"metadata")
    found = source.require_images(tmp_path)
    assert list(source.read_split(found, "test")) == ["4", "5"]


def test_changed_file_is_named(tmp_path, bsds300_images, warnings):
    assert source.warn_of_changed_files(bsds300_images) == []
    copy = tmp_path / "images"
    shutil.copytree(bsds300_images, copy)
    with (copy / "test" / "3096.jpg").open("ab") as file:
        file.write(b"x")
    assert source.warn_of_changed_files(copy) == ["test/3096.jpg"]
    assert re.search(r"3096\.jpg differs", warnings[0])


def test_shipped_lists(bsds300_images):
    ids = {
        split: sorted(int(path.stem) for path in (bsds300_images / split).glob("*.jpg"))
        for split in source.NUM_IMAGES
    }
    assert len(source.read_ids("foe68_test_ids")) == 68
    assert set(source.read_ids("foe68_test_ids")) < set(ids["test"])
    drawn = np.random.default_rng(0).choice(ids["train"], 8, replace=False)
    assert source.read_ids("validation_ids") == sorted(drawn.tolist())


def test_tensorflow_dataset_has_pillows_pixels(tmp_path, few_images):
    pytest.importorskip("tensorflow_datasets")
    builder = loading.prepare(tmp_path, _DUMMY)
    assert builder.info.splits["train"].num_examples == 3
    for split in ("train", "test"):
        prepared = loading.load(tmp_path, split)
        files = sorted((_DUMMY / "BSDS300/images" / split).glob("*.jpg"))
        assert list(prepared) == [path.stem for path in files]
        for path, image in zip(files, prepared.values(), strict=True):
            np.testing.assert_array_equal(image, images.read_image(path))


def test_what_a_killed_process_left_is_removed(tmp_path, few_images):
    pytest.importorskip("tensorflow_datasets")
    stale = tmp_path / "bsds300" / "incomplete.ABCDEF_1.0.0"
    stale.mkdir(parents=True)
    (stale / "half.tfrecord").write_bytes(b"half")
    loading.prepare(tmp_path, _DUMMY)
    assert [path.name for path in (tmp_path / "bsds300").iterdir()] == ["1.0.0"]


def test_two_processes_prepare_one_after_the_other(tmp_path):
    """Of two that take what the other writes to for stale, none would end well."""
    fcntl = pytest.importorskip("fcntl")
    descriptor = loading.os.open(tmp_path, loading.os.O_RDONLY)
    with loading._alone(tmp_path) as is_alone:
        assert is_alone
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    loading.os.close(descriptor)


def test_a_damaged_data_set_is_named_with_a_remedy(tmp_path, few_images):
    pytest.importorskip("tensorflow_datasets")
    builder = loading.prepare(tmp_path, _DUMMY)
    (record,) = Path(builder.data_path).glob("*train.tfrecord*")
    content = record.read_bytes()
    record.write_bytes(content[: len(content) // 2])
    message = rf"{re.escape(str(builder.data_path))} is damaged .*; delete it, it is"
    with pytest.raises(source.SourceError, match=message):
        loading.load(tmp_path, "train")


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


def test_ids_are_in_the_order_of_numbers(tmp_path):
    (tmp_path / "test").mkdir()
    for number in (10, 9, 100):
        shutil.copy(
            _DUMMY / "BSDS300/images/test/4.jpg", tmp_path / f"test/{number}.jpg"
        )
    assert list(source.read_split(tmp_path, "test")) == ["9", "10", "100"]


def test_failed_download_is_one_error_of_preparing(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow_datasets")
    _serve(monkeypatch, [TimeoutError("timed out")] * 4)
    # No folder is left that was not there, and one that was there stays.
    for folder in (tmp_path / "new" / "folder", tmp_path):
        with pytest.raises(source.SourceError, match=r"^BSDS300 could not .*$"):
            loading.load(folder, "test")
        assert not list(tmp_path.iterdir())


def test_folder_that_cannot_be_written(tmp_path, few_images):
    pytest.importorskip("tensorflow_datasets")
    (tmp_path / "file").write_text("")
    with pytest.raises(source.SourceError, match=r"file/folder cannot be written"):
        loading.prepare(tmp_path / "file/folder", _DUMMY)


def test_a_full_disk(tmp_path, few_images, monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets")
    full = mock.Mock(return_value=False)
    monkeypatch.setattr(tfds.core.utils, "has_sufficient_disk_space", full)
    with pytest.raises(source.SourceError, match=r"written: no room is left; make"):
        loading.prepare(tmp_path / "a", _DUMMY)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_not_an_unreachable_source(tmp_path, few_images, monkeypatch):
    """Another source is not tried."""
    urls = _serve(monkeypatch, [_archive(_BERKELEY)] * 2)
    full = mock.Mock(side_effect=OSError(28, "No space left on device"))
    monkeypatch.setattr(source.files.os, "replace", full)
    with pytest.raises(source.files.NotWrittenError, match=r"3\.jpg cannot be written"):
        source.download(tmp_path)
    assert len(urls) == 1


def test_imports_are_light():
    """Whoever has a folder of images needs no TensorFlow."""
    # What `rim_tf/__init__.py` imports is not this test's matter.
    code = (
        "import sys, types;"
        "sys.modules['rim_tf'] = package = types.ModuleType('rim_tf');"
        "package.__path__ = ['rim_tf'];"
        "from data_prep.bsds300 import loading, source;"
        "print({'tensorflow', 'tensorflow_datasets', 'keras'} & set(sys.modules))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    assert finished.stdout == "set()\n"
