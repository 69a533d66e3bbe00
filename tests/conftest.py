"""What tests share."""

import os
import subprocess
import sys
from collections.abc import Callable
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


@pytest.fixture(name="run_script")
def _run_script() -> Callable[..., subprocess.CompletedProcess]:
    """Runs a script of `paper_experiments` as a user does."""

    def run(
        name: str,
        *arguments: object,
        expect_success: bool = True,
        backend: str = "tensorflow",
    ) -> subprocess.CompletedProcess:
        script = _REPOSITORY / "paper_experiments" / f"{name}.py"
        finished = subprocess.run(
            [sys.executable, script, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "KERAS_BACKEND": backend},
        )
        assert "Traceback" not in finished.stderr, finished.stderr
        assert (finished.returncode == 0) == expect_success, finished.stderr
        return finished

    return run


@pytest.fixture(name="tiny_training")
def _tiny_training() -> list[str]:
    """Flags of a training and a test that are over at once."""
    return [
        "--dataset=embedded",
        "--train",
        "--num_patches=4",
        "--epochs=1",
        "--batch_size=4",
        "--train_steps_schedule=1",
        "--num_validation_patches=4",
        "--num_validations=1",
        "--num_steps=1",
        "--num_images=1",
    ]
