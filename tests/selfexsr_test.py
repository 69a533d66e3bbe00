"""Tests of the download of MATLAB's small images, without the network."""

import hashlib
import io
import subprocess
import sys
import urllib.error
from pathlib import Path

import pytest

from data_prep.selfexsr import source

_NAMES = ["x2/img_001_SRF_2_LR.png", "x4/img_100_SRF_4_LR.png"]


@pytest.fixture(name="urls")
def _urls(monkeypatch):
    """Serves the name of each image as its content, and lists what was asked for."""
    urls = []

    def urlopen(url, timeout):
        assert 0 < timeout <= 60
        urls.append(url)
        return io.BytesIO(url.rsplit("/", 1)[-1].encode())

    monkeypatch.setattr(source.urllib.request, "urlopen", urlopen)
    sums = [
        f"{hashlib.sha256(Path(name).name.encode()).hexdigest()}  {name}"
        for name in _NAMES
    ]
    monkeypatch.setattr(source, "_checksum_lines", lambda: sums)
    return urls


def test_downloads_what_is_missing(tmp_path, urls):
    assert source.download(tmp_path) == 2
    assert sorted(url.split("BSD100/")[1] for url in urls) == [
        "image_SRF_2/img_001_SRF_2_LR.png",
        "image_SRF_4/img_100_SRF_4_LR.png",
    ]
    for name in _NAMES:
        assert (tmp_path / name).read_text() == Path(name).name
    (tmp_path / _NAMES[1]).write_text("half of it")
    source.download(tmp_path)
    assert len(urls) == 3
    assert (tmp_path / _NAMES[1]).read_text() == Path(_NAMES[1]).name


def test_other_content_is_refused(tmp_path, urls, monkeypatch):
    monkeypatch.setattr(
        source.urllib.request, "urlopen", lambda *_, **__: io.BytesIO(b"other")
    )
    with pytest.raises(source.SourceError, match="is not the image"):
        source.download(tmp_path)
    assert not list(tmp_path.rglob("*.png"))


def test_no_network(tmp_path, urls, monkeypatch):
    def urlopen(url, timeout):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(source.urllib.request, "urlopen", urlopen)
    with pytest.raises(source.SourceError, match="could not be downloaded"):
        source.download(tmp_path)


def test_checksums_are_those_of_the_images(bsds300_images):
    folder = bsds300_images.parents[1] / "SelfExSR_BSD100_LR"
    if not folder.is_dir():
        pytest.skip("MATLAB's low-resolution images are not in ../shared/data")
    # All are there, so nothing is asked for.
    assert source.download(folder) == 300


def test_command_line(tmp_path):
    script = Path(__file__).parents[1] / "data_prep" / "prepare_selfexsr.py"
    (tmp_path / "file").write_text("")
    finished = subprocess.run(
        [sys.executable, script, f"--output_dir={tmp_path}/file/folder"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert finished.returncode != 0
    assert "error: " in finished.stderr
    assert "Traceback" not in finished.stderr
