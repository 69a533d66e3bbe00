"""Tests of the download of MATLAB's small images, without the network."""

import hashlib
import io
import os
import subprocess
import sys
import urllib.error
from pathlib import Path

import pytest

from data_prep import prepare_selfexsr

_NAMES = ["x2/img_001_SRF_2_LR.png", "x4/img_100_SRF_4_LR.png"]


@pytest.fixture(name="urls")
def _urls(tmp_path_factory, monkeypatch):
    """Serves the name of each image as its content, and lists what was asked for."""
    urls = []

    def urlopen(url, timeout):
        assert 0 < timeout <= 60
        urls.append(url)
        return io.BytesIO(url.rsplit("/", 1)[-1].encode())

    monkeypatch.setattr(prepare_selfexsr.urllib.request, "urlopen", urlopen)
    sums = [
        f"{hashlib.sha256(Path(name).name.encode()).hexdigest()}  {name}"
        for name in _NAMES
    ]
    path = tmp_path_factory.mktemp("sums") / "SHA256SUMS"
    path.write_text("\n".join(sums))
    monkeypatch.setattr(prepare_selfexsr, "_CHECKSUMS", path)
    return urls


def test_downloads_what_is_missing(tmp_path, urls):
    assert prepare_selfexsr.download(tmp_path) == 2
    assert sorted(url.split("BSD100/")[1] for url in urls) == [
        "image_SRF_2/img_001_SRF_2_LR.png",
        "image_SRF_4/img_100_SRF_4_LR.png",
    ]
    for name in _NAMES:
        assert (tmp_path / name).read_text() == Path(name).name
    (tmp_path / _NAMES[1]).write_text("half of it")
    prepare_selfexsr.download(tmp_path)
    assert len(urls) == 3
    assert (tmp_path / _NAMES[1]).read_text() == Path(_NAMES[1]).name


def test_other_content_is_refused(tmp_path, urls, monkeypatch):
    monkeypatch.setattr(
        prepare_selfexsr.urllib.request,
        "urlopen",
        lambda *_, **__: io.BytesIO(b"other"),
    )
    with pytest.raises(OSError, match="is not the image"):
        prepare_selfexsr.download(tmp_path / "new" / "folder")
    assert not list(tmp_path.iterdir())


def test_folder_that_cannot_be_written(tmp_path, urls):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file/folder"):
        prepare_selfexsr.download(tmp_path / "file" / "folder")


def test_no_network(tmp_path, monkeypatch):
    """One error ends it, instead of one for each of the 300 images."""
    urls = []

    def urlopen(url, timeout):
        urls.append(url)
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(prepare_selfexsr.urllib.request, "urlopen", urlopen)
    with pytest.raises(OSError, match=r"_LR\.png could not be downloaded: .*no netw"):
        prepare_selfexsr.download(tmp_path)
    assert len(urls) == 1
    assert not list(tmp_path.iterdir())


def test_checksums_are_those_of_the_images(bsds300_images):
    folder = bsds300_images.parents[1] / "SelfExSR_BSD100_LR"
    if not folder.is_dir():
        pytest.skip("MATLAB's low-resolution images are not in ../shared/data")
    # All are there, so nothing is asked for.
    assert prepare_selfexsr.download(folder) == 300


def test_command_line(tmp_path):
    script = Path(__file__).parents[1] / "data_prep" / "prepare_selfexsr.py"
    finished = subprocess.run(
        [sys.executable, script, f"--folder={tmp_path}/new"],
        # Nobody answers there.
        env={**os.environ, "https_proxy": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert finished.returncode != 0
    assert "error: https://raw.githubusercontent.com/" in finished.stderr
    assert not list(tmp_path.iterdir())
    assert "Traceback" not in finished.stderr
