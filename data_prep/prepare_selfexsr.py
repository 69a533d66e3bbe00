"""Downloads the small images that MATLAB made of BSDS-300's test images.

python data_prep/prepare_selfexsr.py

Only `tests/bicubic_test.py` needs them, to compare our kernel with MATLAB's bit by bit.
From the repository's folder they come to where it looks for them. It looks for BSDS-300
itself beside them: `../shared/data/BSDS300/images/{train,test}`. The images are from
Huang et al. (2015).
"""

import hashlib
import http.client
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from absl import app, flags
from tqdm import tqdm

from rim_tf import files

_FOLDER = flags.DEFINE_string(
    "folder", "../shared/data/SelfExSR_BSD100_LR", "Folder to write x2, x3 and x4 to."
)
_URL = (
    "https://raw.githubusercontent.com/jbhuang0604/SelfExSR/"
    "18e00f2d1bd3941e9b8d4895d3541543ad86d5b2/data/BSD100/image_SRF_{factor}/{name}"
)
_TIMEOUT_SECONDS = 15
_CHECKSUMS = Path(__file__).parent / "selfexsr" / "SHA256SUMS"


def download(folder: Path) -> int:
    """Downloads `x<factor>/img_<number>_SRF_<factor>_LR.png` for factors 2, 3, 4.

    Images that are there already are kept, so that an interrupted download goes on.

    Args:
      folder: Where to write, made if need be.

    Returns:
      The number of images in the folder, 300.

    Raises:
      OSError: If an image cannot be reached or written, or is not the expected one.
    """
    lines = _CHECKSUMS.read_text().splitlines()
    for line in tqdm(lines, "downloading", unit="image"):
        checksum, name = line.split()
        path = folder / name
        if not path.is_file() or _sha256(path.read_bytes()) != checksum:
            data = _fetch(name, checksum)
            path.parent.mkdir(parents=True, exist_ok=True)
            with files.replacing(path) as temporary:
                temporary.write_bytes(data)
    return len(lines)


def _fetch(name: str, checksum: str) -> bytes:
    """Returns the file of one image, such as `x2/img_001_SRF_2_LR.png`."""
    url = _URL.format(factor=name[1], name=Path(name).name)
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            data = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise OSError(f"{url} could not be downloaded: {error}.") from error
    if _sha256(data) != checksum:
        raise OSError(f"{url} is not the image that the checksum belongs to.")
    return data


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main(argv: Sequence[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}.")
    try:
        number = download(Path(_FOLDER.value).expanduser())
    except OSError as error:
        sys.exit(f"error: {error} Without these images the tests skip what needs them.")
    print(f"{number} images are in {_FOLDER.value}.")


if __name__ == "__main__":
    app.run(main)
