"""What tests share."""

import os
from pathlib import Path

import pytest

# Long lists of devices that TensorFlow did not find.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def bsds300_images():
    """The folder with `train` and `test` of BSDS-300; skips where there is none."""
    folder = _REPOSITORY.parent / "shared" / "data" / "BSDS300" / "images"
    if not folder.is_dir():
        pytest.skip("BSDS-300 is not in ../shared/data")
    return folder
