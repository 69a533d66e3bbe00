"""Prepares BSDS-300 from an archive of few images, as `prepare_bsds300.py` does all.

python tests/stress/prepare_few.py ARCHIVE.tgz FOLDER [URL ...]

The archive tells what the images are. They come from the URLs, by default its own.
"""

import hashlib
import sys
import tarfile
from collections import Counter
from pathlib import Path

from absl import app

from data_prep import prepare_bsds300
from data_prep.bsds300 import source

_ARCHIVE, _FOLDER, *_URLS = sys.argv[1:]


def _checksums() -> dict[str, str]:
    with tarfile.open(_ARCHIVE) as tar:
        return {
            member.name: hashlib.sha256(tar.extractfile(member).read()).hexdigest()
            for member in tar
        }


if __name__ == "__main__":
    sums = _checksums()
    source._checksums = lambda: sums
    source.NUM_IMAGES = dict(Counter(Path(name).parent.name for name in sums))
    source._URLS = _URLS or [Path(_ARCHIVE).resolve().as_uri()]
    app.run(prepare_bsds300.main, [sys.argv[0], f"--data_dir={_FOLDER}"])
