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


@pytest.fixture(name="check_refused")
def _check_refused(tmp_path: Path, run_script: Callable) -> Callable[..., None]:
    """Checks that a script refuses arguments with one line, and leaves no file."""

    def check(name: str, *arguments: str, message: str) -> None:
        output = tmp_path / "out"
        dataset = [] if "--dataset=bsds300" in arguments else ["--dataset=embedded"]
        finished = run_script(
            name,
            *dataset,
            f"--output_dir={output}",
            *arguments,
            expect_success=False,
        )
        complaints = [line for line in finished.stderr.splitlines() if message in line]
        assert len(complaints) == 1, finished.stderr
        assert not output.exists()

    return check


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


@pytest.fixture(name="small_weights")
def _small_weights(tmp_path: Path) -> Path:
    """The path of small untrained weights."""
    # Not above: TensorFlow would start before the environment is set.
    import rim_tf
    from rim_tf import pretrained
    from rim_tf.cells import RIMCell

    rim = rim_tf.RIM(RIMCell(features=4, state_features=6))
    rim.build()
    path = tmp_path / "small.weights.h5"
    history = {
        "settings": {"steps_schedule": [[20, 1.0]]},
        "patches_seen": 0,
        "data": "nothing",
        "seconds": 0.0,
    }
    pretrained.save_pretrained(rim, path, history)
    return path
