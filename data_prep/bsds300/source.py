"""Where the images of BSDS300 come from: a local folder or the network."""

import contextlib
import hashlib
import http
import http.client
import shutil
import tarfile
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import numpy as np
from absl import logging
from tqdm import tqdm

from rim_tf import files, images

NUM_IMAGES = {"train": 200, "test": 100}
TIMEOUT_SECONDS = 15
_HERE = Path(__file__).parent
_URLS = (
    "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/bsds/BSDS300-images.tgz",
    "https://github.com/BIDS/BSDS500/archive/refs/heads/master.tar.gz",
)
# What is read of a download at once.
_CHUNK = 1 << 16


class SourceError(Exception):
    """The images are not where they should be; the message says what to do."""


_NETWORK_ERRORS = (OSError, http.client.HTTPException)
# A damaged archive can fail at every layer of its reading.
_ARCHIVE_ERRORS = (EOFError, tarfile.TarError, zlib.error)
# No image of it has so many.
_MOST_BYTES = 1 << 22


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
    """Does what `find_images` does, counts the images and warns of changed ones.

    Raises:
      SourceError: If there is no such folder or images are missing.
    """
    found = find_images(folder)
    if found is None:
        raise SourceError(f"{folder} is not laid out as BSDS300/images/{{train,test}}.")
    for split, number in NUM_IMAGES.items():
        present = len(_jpegs(found / split))
        if present != number:
            raise SourceError(
                f"{found / split} has {present} JPEG images instead of {number}."
            )
    warn_of_changed_files(found)
    return found


def _jpegs(folder: Path) -> list[Path]:
    # Macs put a hidden ._1.jpg beside 1.jpg, which is no image.
    return list(folder.glob("[!.]*.jpg"))


def read_split(folder: Path, split: str) -> dict[str, np.ndarray]:
    """Reads a split of the folder that holds `train` and `test`.

    Returns:
      The images by id, in the order of the ids: `(height, width, 3)` uint8, RGB.

    Raises:
      SourceError: If a file is not an image, or not named by its id.
    """
    paths = _jpegs(folder / split)
    for path in paths:
        if not path.stem.isdecimal():
            raise SourceError(f"{path} is not named by an image id.")
    paths.sort(key=lambda path: int(path.stem))
    try:
        return {path.stem: images.read_image(path) for path in paths}
    except ValueError as error:
        raise SourceError(str(error)) from error


def warn_of_changed_files(folder: Path) -> list[str]:
    """Returns the names of images that are missing or differ from their checksums.

    A warning names them, too. `folder` holds `train` and `test`.
    """
    changed = _changed_files(folder)
    for name in changed:
        logging.warning(
            "%s differs from the image that the reported numbers belong to.",
            folder / name,
        )
    return changed


def _changed_files(folder: Path) -> list[str]:
    changed = []
    for name, expected in _checksums().items():
        path = folder / name
        actual = path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest()
        if actual != expected:
            changed.append(name)
    return changed


def download(folder: str | Path) -> Path:
    """Downloads the images from Berkeley or, failing that, from a mirror.

    Images count only if they have their checksums. A connection that ends early is made
    anew for the rest. What a process leaves that is interrupted, or gives up, the next
    one goes on with.

    Args:
      folder: Where `BSDS300/images/{train,test}` is made. If it is there already,
        nothing is downloaded.

    Returns:
      The folder that holds `train` and `test`.

    Raises:
      SourceError: If no source could be reached, or none has the images.
    """
    target = Path(folder).expanduser() / "BSDS300" / "images"
    if target.is_dir():
        return require_images(target)
    failures = []
    for url in _URLS:
        try:
            with files.making(target.parent):
                return _download(url, target)
        except files.NotWrittenError:
            # No other source would help.
            raise
        except (SourceError, *_NETWORK_ERRORS, *_ARCHIVE_ERRORS) as error:
            failures.append(f"{url}: {' '.join(str(error).split())}")
    kept = any(_size(_archive(url, target.parent)) for url in _URLS)
    raise SourceError(
        f"BSDS300 could not be downloaded ({'; '.join(failures)})."
        + kept * " What came is kept: start again to go on."
    )


def _download(url: str, target: Path) -> Path:
    unpacked = target.with_name("images.incomplete")
    archive = _archive(url, target.parent)
    _fetch(url, archive)
    try:
        # What a killed process left.
        shutil.rmtree(unpacked, ignore_errors=True)
        _unpack(archive, unpacked)
        if changed := _changed_files(unpacked):
            raise SourceError(
                f"{len(changed)} of {len(_checksums())} images are missing or differ "
                f"from their checksums, such as {changed[0]}"
            )
        for other in _URLS:
            _archive(other, target.parent).unlink(missing_ok=True)
        return unpacked.rename(target)
    except files.NotWrittenError:
        raise
    except (SourceError, OSError, *_ARCHIVE_ERRORS):
        # Nothing more can come of it.
        archive.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def _archive(url: str, folder: Path) -> Path:
    """Returns where an archive is kept while it comes."""
    return folder / f"{url.rsplit('/', 1)[-1]}.incomplete"


def _checksums() -> dict[str, str]:
    """Returns the checksums of the images by name, such as `test/3096.jpg`."""
    lines = (_HERE / "SHA256SUMS").read_text().splitlines()
    return {
        name.removeprefix("BSDS300/images/"): checksum
        for checksum, name in map(str.split, lines)
    }


def _fetch(url: str, path: Path) -> None:
    """Downloads a file; goes on where a connection, or a process, has ended.

    As long as something comes, it tries again.
    """
    # TFDS' download manager waits for a silent server without a limit, and retries
    # for three minutes where there is no network; it begins anew each time.
    while True:
        begin = _size(path)
        try:
            return _fetch_rest(url, path, begin)
        except files.NotWrittenError:
            raise
        except (SourceError, *_NETWORK_ERRORS) as error:
            if begin and _is_beyond_the_end(error):
                if error.headers.get("Content-Range") == f"bytes */{begin}":
                    # All is here; a process was ended before it could unpack.
                    return
                path.unlink()
            elif _size(path) < begin + _CHUNK:
                raise


def _fetch_rest(url: str, path: Path, begin: int) -> None:
    """Downloads what follows the first `begin` bytes, which `path` holds."""
    request = urllib.request.Request(url)
    if begin:
        request.add_header("Range", f"bytes={begin}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        if begin and response.status != http.HTTPStatus.PARTIAL_CONTENT:
            # Not every server gives parts.
            path.unlink()
            begin = 0
        rest = int(response.headers.get("Content-Length") or 0)
        with tqdm(
            desc=f"downloading {url.rsplit('/', 1)[-1]}",
            initial=begin,
            total=begin + rest if rest else None,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
        ) as bar:
            while data := response.read(_CHUNK):
                files.append(path, data)
                bar.update(len(data))
    if _size(path) < begin + rest:
        raise SourceError(f"only {_size(path)} of {begin + rest} bytes came")


def _size(path: Path) -> int:
    """Returns the size of a file in bytes, 0 if there is none."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _is_beyond_the_end(error: Exception) -> bool:
    """Says whether the server's file is not longer than what is here."""
    is_http = isinstance(error, urllib.error.HTTPError)
    return is_http and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


def _unpack(archive: Path, folder: Path) -> None:
    """Takes the images out of an archive, and nothing else."""
    # By name: the mirror, BSDS500, calls the test images "val"; its "test" is new.
    wanted = {Path(name).name: folder / name for name in _checksums()}
    for split in NUM_IMAGES:
        (folder / split).mkdir(parents=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            path = wanted.get(Path(member.name).name)
            if path is not None and member.isfile():
                if member.size > _MOST_BYTES:
                    raise SourceError(f"{path.name} has {member.size} bytes")
                with files.replacing(path) as temporary:
                    temporary.write_bytes(tar.extractfile(member).read())
