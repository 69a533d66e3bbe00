"""Where the images of BSDS300 come from: a local folder or the network."""

import hashlib
import http.client
import re
import shutil
import tarfile
import tempfile
import urllib.request
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import logging
from tqdm import tqdm

from rim_tf import images

NUM_IMAGES = {"train": 200, "test": 100}
TIMEOUT_SECONDS = 20
_HERE = Path(__file__).parent


class _Archive(NamedTuple):
    url: str
    # The archive's folders of our splits.
    folders: dict[str, str]


_ARCHIVES = (
    _Archive(
        "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/bsds/"
        "BSDS300-images.tgz",
        {"train": "train", "test": "test"},
    ),
    # BSDS500 calls the test images of BSDS300 "val"; its "test" is new.
    _Archive(
        "https://github.com/BIDS/BSDS500/archive/refs/heads/master.tar.gz",
        {"train": "train", "val": "test"},
    ),
)


class SourceError(Exception):
    """The images are not where they should be; the message says what to do."""


# A damaged archive can fail at every layer of its reading.
_DOWNLOAD_ERRORS = (
    OSError,
    EOFError,
    SourceError,
    http.client.HTTPException,
    tarfile.TarError,
    zlib.error,
)


def read_ids(name: str) -> list[int]:
    """Returns the image ids of a list shipped with the project.

    Args:
      name: "foe68_test_ids", the 68 test images of Roth and Black (2005), or
        "validation_ids", 8 training images kept for validation, drawn once with
        `numpy.random.default_rng(0).choice(train_ids, 8, replace=False)`.
    """
    return [int(line) for line in (_HERE / f"{name}.txt").read_text().split()]


def find_images(folder: str | Path) -> Path | None:
    """Returns the folder that holds `train` and `test`, or None if there is none.

    Args:
      folder: A folder laid out as `BSDS300/images/{train,test}`, or one of those
        folders itself.
    """
    folder = Path(folder).expanduser()
    for candidate in (folder / "BSDS300" / "images", folder / "images", folder):
        if all((candidate / split).is_dir() for split in NUM_IMAGES):
            return candidate
    return None


def require_images(folder: str | Path) -> Path:
    """Does what `find_images` does and checks the number of images.

    Raises:
      SourceError: If there is no such folder or images are missing.
    """
    found = find_images(folder)
    if found is None:
        raise SourceError(f"{folder} is not laid out as BSDS300/images/{{train,test}}.")
    for split, number in NUM_IMAGES.items():
        present = len(list((found / split).glob("*.jpg")))
        if present != number:
            raise SourceError(
                f"{found / split} has {present} JPEG images instead of {number}."
            )
    return found


def image_files(folder: Path, split: str) -> list[tuple[int, Path]]:
    """Returns ids and files of a split, sorted by id.

    Args:
      folder: The folder that holds `train` and `test`.
      split: "train" or "test".
    """
    paths = list((folder / split).glob("*.jpg"))
    for path in paths:
        if not path.stem.isdecimal():
            raise SourceError(f"{path} is not named by an image id.")
    return sorted((int(path.stem), path) for path in paths)


def read_split(folder: Path, split: str) -> dict[str, np.ndarray]:
    """Returns the images of a split by id, `(height, width, 3)` uint8, RGB.

    Raises:
      SourceError: If a file is not an image, or not named by its id.
    """
    try:
        return {
            str(image_id): images.read_image(path)
            for image_id, path in image_files(folder, split)
        }
    except ValueError as error:
        raise SourceError(str(error)) from error


def warn_of_changed_files(folder: Path) -> list[str]:
    """Compares the files with the checksums shipped with the project.

    Args:
      folder: The folder that holds `train` and `test`.

    Returns:
      The names of files that differ or are missing; a warning names them, too.
    """
    changed = [
        name
        for name, expected in _checksums()
        if not (folder / name).is_file()
        or hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected
    ]
    for name in changed:
        logging.warning(
            "%s differs from the BSDS300 image that the reported numbers belong to.",
            folder / name,
        )
    return changed


def download(folder: str | Path) -> Path:
    """Downloads the images from Berkeley or, failing that, from a mirror.

    Args:
      folder: Where `BSDS300/images/{train,test}` is made. If it is there already,
        nothing is downloaded.

    Returns:
      The folder that holds `train` and `test`.

    Raises:
      SourceError: If no source could be reached.
    """
    target = Path(folder).expanduser() / "BSDS300" / "images"
    if target.is_dir():
        return require_images(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    for archive in _ARCHIVES:
        unpacked = target.with_name("images.incomplete")
        shutil.rmtree(unpacked, ignore_errors=True)
        try:
            with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
                path = Path(temporary) / "archive.tar.gz"
                _fetch(archive.url, path)
                _unpack(path, archive, unpacked)
            require_images(unpacked)
            warn_of_changed_files(unpacked)
            unpacked.rename(target)
            return target
        except _DOWNLOAD_ERRORS as error:
            failures.append(f"{archive.url}: {error}")
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)
    raise SourceError(f"BSDS300 could not be downloaded ({'; '.join(failures)}).")


def _checksums() -> Iterator[tuple[str, str]]:
    for line in (_HERE / "SHA256SUMS").read_text().splitlines():
        checksum, name = line.split()
        yield name.removeprefix("BSDS300/images/"), checksum


def _fetch(url: str, path: Path) -> None:
    with (
        urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response,
        path.open("wb") as file,
        tqdm(
            desc=f"downloading {url.rsplit('/', 1)[-1]}",
            total=int(response.headers.get("Content-Length") or 0) or None,
            unit="B",
            unit_scale=True,
        ) as bar,
    ):
        while block := response.read(1 << 16):
            file.write(block)
            bar.update(len(block))
        if bar.total is not None and bar.n < bar.total:
            raise SourceError(f"only {bar.n} of {bar.total} bytes came")


def _unpack(path: Path, archive: _Archive, folder: Path) -> None:
    """Takes the images out of an archive, and nothing else."""
    for split in archive.folders.values():
        (folder / split).mkdir(parents=True)
    pattern = re.compile(r"(?:^|/)images/(\w+)/(\d+\.jpg)$")
    with tarfile.open(path) as tar:
        for member in tar:
            match = pattern.search(member.name)
            if member.isfile() and match and match[1] in archive.folders:
                data = tar.extractfile(member).read()
                (folder / archive.folders[match[1]] / match[2]).write_bytes(data)
