"""Downloads the low-resolution images of Huang et al. (2015) from their repository."""

import hashlib
import http.client
import urllib.request
from concurrent import futures
from pathlib import Path

from tqdm import tqdm

from rim_tf import files

_URL = (
    "https://raw.githubusercontent.com/jbhuang0604/SelfExSR/"
    "18e00f2d1bd3941e9b8d4895d3541543ad86d5b2/data/BSD100/image_SRF_{factor}/{name}"
)
_TIMEOUT_SECONDS = 20
_NUM_CONNECTIONS = 8
_CHECKSUMS = Path(__file__).parent / "SHA256SUMS"


class SourceError(Exception):
    """The images could not be had; the message says what to do."""


def download(folder: str | Path) -> int:
    """Downloads `x<factor>/img_<number>_SRF_<factor>_LR.png` for factors 2, 3, 4.

    Images that are there already are kept, so that an interrupted download goes on.

    Args:
      folder: Where to write, made if need be.

    Returns:
      The number of images in the folder, 300.

    Raises:
      SourceError: If an image cannot be reached or is not the expected one.
    """
    folder = Path(folder).expanduser()
    expected = dict(reversed(line.split()) for line in _checksum_lines())
    missing = [n for n, checksum in expected.items() if _sum(folder / n) != checksum]
    with futures.ThreadPoolExecutor(_NUM_CONNECTIONS) as executor:
        jobs = [
            executor.submit(_fetch, name, expected[name], folder / name)
            for name in missing
        ]
        try:
            for job in tqdm(
                futures.as_completed(jobs), "downloading", len(jobs), unit="image"
            ):
                job.result()
        except SourceError:
            executor.shutdown(cancel_futures=True)
            raise
    return len(expected)


def _checksum_lines() -> list[str]:
    return _CHECKSUMS.read_text().splitlines()


def _sum(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _fetch(name: str, checksum: str, path: Path) -> None:
    """Downloads one image, such as `x2/img_001_SRF_2_LR.png`."""
    url = _URL.format(factor=name[1], name=Path(name).name)
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            data = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise SourceError(f"{url} could not be downloaded: {error}.") from error
    if hashlib.sha256(data).hexdigest() != checksum:
        raise SourceError(f"{url} is not the image that the checksum belongs to.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path) as temporary:
        temporary.write_bytes(data)
