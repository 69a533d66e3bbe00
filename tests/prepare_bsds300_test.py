"""Tests of the command line of data_prep/prepare_bsds300.py."""

import subprocess
import sys
from pathlib import Path

_SCRIPT = Path(__file__).parents[1] / "data_prep" / "prepare_bsds300.py"


def test_wrong_folder_gives_one_line(tmp_path):
    finished = subprocess.run(
        [
            sys.executable,
            _SCRIPT,
            f"--source_dir={tmp_path}",
            f"--data_dir={tmp_path}/d",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode != 0
    assert "is not laid out as BSDS300/images/{train,test}" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not (tmp_path / "d").exists()
