"""Tests of what comes from outside, and of what is given away.

Downloads come from a server on this machine that ends connections; packages are built,
installed and used elsewhere.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import time
import urllib.request
import venv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep import prepare_selfexsr
from data_prep.bsds300 import source
from tests.stress import folders, jobs, processes, servers

_ROOT = Path(__file__).parents[2]
_MOST_SECONDS = 1800
# What a connection brings before it ends.
_PIECE = 150_000
_ARCHIVE = "images.tgz"


@pytest.fixture(name="served")
def _served(tmp_path):
    """A folder with an archive of images, of about 450 kB."""
    folder = tmp_path / "served"
    folder.mkdir()
    generator = np.random.default_rng(0)
    with tarfile.open(folder / _ARCHIVE, "w:gz") as tar:
        for i in range(12):
            pixels = generator.integers(0, 256, (160, 200, 3), np.uint8)
            path = tmp_path / f"{i + 1}.jpg"
            Image.fromarray(pixels).save(path, quality=95)
            tar.add(path, f"{'train' if i % 3 else 'test'}/{path.name}")
    assert (folder / _ARCHIVE).stat().st_size > 2 * _PIECE
    return folder


@pytest.fixture(name="sums")
def _sums(served, monkeypatch):
    """Makes the images of that archive those of BSDS-300."""
    with tarfile.open(served / _ARCHIVE) as tar:
        sums = {
            member.name: hashlib.sha256(tar.extractfile(member).read()).hexdigest()
            for member in tar
        }
    numbers = Counter(name.partition("/")[0] for name in sums)
    monkeypatch.setattr(source, "_checksums", lambda: sums)
    monkeypatch.setattr(source, "NUM_IMAGES", dict(numbers))
    # It has read which certificates are trusted, perhaps.
    monkeypatch.setattr(urllib.request, "_opener", None)
    return sums


@pytest.fixture(name="certificate", scope="module")
def _certificate(tmp_path_factory):
    try:
        return servers.make_certificate(tmp_path_factory.mktemp("tls") / "own.pem")
    except OSError as error:
        pytest.skip(f"no certificate can be made: {error}")


def _check_downloaded(folder):
    images = folder / "BSDS300" / "images"
    assert source._changed_files(images) == []
    assert [path.name for path in images.parent.iterdir()] == ["images"]


@pytest.mark.parametrize("has_parts", [True, False], ids=["parts", "no parts"])
def test_a_connection_that_ends(
    tmp_path, served, sums, certificate, monkeypatch, has_parts
):
    """The rest is asked for, over TLS; from a server without parts, all of it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    size = (served / _ARCHIVE).stat().st_size
    with servers.serving(served, certificate) as server:
        server.most, server.has_parts = _PIECE, has_parts
        monkeypatch.setattr(source, "_URLS", [f"{server.url}/{_ARCHIVE}"])
        if has_parts:
            source.download(tmp_path)
            begins = range(_PIECE, size, _PIECE)
            expected = [None, *(f"bytes={begin}-" for begin in begins)]
            assert [asked for _, asked in server.requests] == expected
        else:
            with pytest.raises(source.SourceError, match=f"only {_PIECE} of {size} "):
                source.download(tmp_path)
            server.most = None
            source.download(tmp_path)
    _check_downloaded(tmp_path)


def test_a_process_that_is_killed_in_a_download(tmp_path, served):
    """The next one asks for the rest, and prepares the data set."""
    folder = tmp_path / "data"
    with servers.serving(served) as server:
        server.most, server.is_held = _PIECE, True
        script = Path(__file__).with_name("prepare_few.py")
        url = f"{server.url}/{_ARCHIVE}"
        command = [script, served / _ARCHIVE, folder, url]
        process = processes.start(*command)
        kept = folder / "downloads" / "BSDS300" / f"{_ARCHIVE}.incomplete"
        begin = _wait_for_bytes(kept, process)
        process.kill()
        process.communicate(timeout=_MOST_SECONDS)
        server.most, server.is_held = None, False
        process = processes.start(*command)
        _, complaints = process.communicate(timeout=_MOST_SECONDS)
        assert process.returncode == 0, complaints
        assert [asked for _, asked in server.requests] == [None, f"bytes={begin}-"]
    assert (folder / "bsds300" / "1.0.0").is_dir()
    assert not kept.exists()
    assert not folders.temporary(folder)


def _wait_for_bytes(path, process):
    """Waits until a file holds what a connection brings; returns how much."""
    end = time.monotonic() + _MOST_SECONDS
    while time.monotonic() < end and process.poll() is None:
        size = path.stat().st_size if path.exists() else 0
        # The last piece is shorter than what is read at once.
        if size and size == _PIECE // source._CHUNK * source._CHUNK:
            return size
        time.sleep(0.05)
    raise AssertionError(process.communicate(timeout=_MOST_SECONDS))


@pytest.mark.parametrize(
    "fault", ["nobody answers", "not there", "other images", "unknown certificate"]
)
def test_the_mirror_is_asked(tmp_path, served, sums, request, monkeypatch, fault):
    broken = tmp_path / "broken"
    broken.mkdir()
    certificate = None
    if fault == "other images":
        _make_other_images(served / _ARCHIVE, broken / _ARCHIVE)
    elif fault == "unknown certificate":
        shutil.copy(served / _ARCHIVE, broken)
        certificate = request.getfixturevalue("certificate")
    with (
        servers.serving(broken, certificate) as first,
        servers.serving(served) as mirror,
    ):
        if fault == "nobody answers":
            first.shutdown()
            first.server_close()
        urls = [f"{first.url}/{_ARCHIVE}", f"{mirror.url}/{_ARCHIVE}"]
        monkeypatch.setattr(source, "_URLS", urls)
        source.download(tmp_path / "data")
        assert len(mirror.requests) == 1
        _check_downloaded(tmp_path / "data")
        # With nobody else to ask, there are no images.
        monkeypatch.setattr(source, "_URLS", urls[:1])
        with pytest.raises(source.SourceError) as raised:
            source.download(tmp_path / "none")
    print(f"{fault}: {raised.value}")
    assert not (tmp_path / "none").exists()


def _make_other_images(archive, path):
    """Makes an archive of the same names, one of whose images is another."""
    with tarfile.open(archive) as tar, tarfile.open(path, "w:gz") as other:
        first, *rest = tar.getmembers()
        for member in (first, *rest):
            content = tar.extractfile(rest[0] if member is first else member)
            member.size = len(content.read())
            content.seek(0)
            other.addfile(member, content)


def test_matlabs_images_go_on_where_they_were(tmp_path, monkeypatch):
    names = [f"x{factor}/img_00{i}.png" for factor in (2, 4) for i in range(3)]
    served = tmp_path / "served"
    lines = []
    for name in names:
        path = served / f"{name[1]}/{Path(name).name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 1000)
        lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n")
    (tmp_path / "SHA256SUMS").write_text("".join(lines))
    monkeypatch.setattr(prepare_selfexsr, "_CHECKSUMS", tmp_path / "SHA256SUMS")
    with servers.serving(served) as server:
        url = f"{server.url}/{{factor}}/{{name}}"
        monkeypatch.setattr(prepare_selfexsr, "_URL", url)
        (served / "4" / "img_001.png").rename(tmp_path / "away.png")
        with pytest.raises(OSError, match=r"4/img_001\.png could not be downloaded"):
            prepare_selfexsr.download(tmp_path / "data")
        (tmp_path / "away.png").rename(served / "4" / "img_001.png")
        server.most = 500
        with pytest.raises(OSError, match=r"4/img_001\.png could not be downloaded"):
            prepare_selfexsr.download(tmp_path / "data")
        server.most = None
        assert prepare_selfexsr.download(tmp_path / "data") == len(names)
        asked = Counter(path for path, _ in server.requests)
    assert asked.pop("/4/img_001.png") == 3
    assert set(asked.values()) == {1}


_HIDE = """
import importlib.abc, runpy, sys

class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] in {optional!r}:
            raise ModuleNotFoundError(f"No module named {{fullname!r}}", name=fullname)

sys.meta_path.insert(0, Hidden())
sys.argv = {command!r}
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
_OPTIONAL = [
    *("IPython", "bm3d", "cv2", "dill", "ipykernel", "jax", "jaxlib", "jupytext"),
    *("nbconvert", "pytest", "scico", "tensorboard", "torch"),
]


@pytest.mark.parametrize("what", ["rim-restore", "a table", "a training"])
def test_without_optional_packages(tmp_path, what):
    """As if they were not installed."""
    _save_photograph(tmp_path / "photo.png")
    output = tmp_path / "new"
    match what:
        case "rim-restore":
            command = ["paper_experiments.rim_restore", *_restoring(tmp_path)]
            output = tmp_path / "new.png"
        case "a table":
            command = ["paper_experiments.table2_denoise", *_measuring(output)]
        case "a training":
            arguments = [*jobs.TRAINING, "--num_patches=8", "--num_validations=1"]
            command = ["paper_experiments.train", "rim_denoise_paper", *arguments]
            command.append(f"--output_dir={output}")
    code = _HIDE.format(optional=_OPTIONAL, command=command)
    _run(sys.executable, "-c", code, PYTHONPATH=str(_ROOT))
    assert output.exists()


@pytest.fixture(name="elsewhere", scope="module")
def _elsewhere(tmp_path_factory):
    """The interpreter of an environment with the wheel that an sdist gives.

    What the project needs is taken from this environment.
    """
    folder = tmp_path_factory.mktemp("elsewhere")
    pytest.importorskip("build", reason="pip install build, which asks the network")
    tree = folder / "tree"
    ignored = shutil.ignore_patterns(".*", "*.egg-info", "build", "results", "tests")
    shutil.copytree(_ROOT, tree, ignore=ignored)
    build = [sys.executable, "-m", "build", "--outdir", folder / "dist", tree]
    subprocess.run(build, check=True, capture_output=True)
    assert len([*(folder / "dist").glob("*.tar.gz")]) == 1
    (wheel,) = (folder / "dist").glob("*.whl")
    shutil.rmtree(tree)
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / "bin" / "python"
    _run(python, "-m", "pip", "install", "--no-deps", "--no-index", wheel)
    (there,) = (folder / "env").glob("lib/*/site-packages")
    (there / "here.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return python


def test_the_wheel_installed_elsewhere(tmp_path, elsewhere):
    """It has the weights, the commands and the scripts, and nothing else is needed."""
    _run(elsewhere, "-m", "pip", "check", cwd=tmp_path)
    code = (
        "import rim_tf; from rim_tf import pretrained; print(rim_tf.__file__);"
        "paths = [*pretrained.WEIGHTS_FOLDER.glob('*.h5')];"
        "[rim_tf.load_pretrained(path.name.partition('.')[0]) for path in paths];"
        "print(len(paths))"
    )
    place, number = _run(elsewhere, "-c", code, cwd=tmp_path).splitlines()[-2:]
    assert place.startswith(str(elsewhere.parents[1]))
    assert int(number) == len([*(_ROOT / "rim_tf" / "weights").glob("*.h5")]) > 0
    _save_photograph(tmp_path / "photo.png")
    command = elsewhere.with_name("rim-restore")
    assert "denoise" in _run(command, "--help", cwd=tmp_path)
    _run(command, *_restoring(tmp_path), cwd=tmp_path)
    assert Image.open(tmp_path / "new.png").size == (48, 40)
    script = "paper_experiments.table2_denoise"
    _run(elsewhere, "-m", script, *_measuring("results"), cwd=tmp_path)
    assert (tmp_path / "results" / "table.md").exists()


def _save_photograph(path):
    Image.effect_noise((48, 40), 30).save(path)


def _restoring(folder):
    paths = [str(folder / name) for name in ("photo.png", "new.png")]
    return ["denoise", *paths, "--sigma=25", *jobs.QUICKLY]


def _measuring(output):
    data = ["--dataset=embedded", "--num_images=1"]
    return [*data, f"--output_dir={output}", *jobs.QUICKLY]


def _run(*command, cwd=None, **variables):
    """Runs a command to its good end; returns what it says."""
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", **variables}
    if not variables:
        # For pip, what lies there is installed already.
        environment.pop("PYTHONPATH", None)
    finished = subprocess.run(
        [str(part) for part in command],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=_MOST_SECONDS,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout
