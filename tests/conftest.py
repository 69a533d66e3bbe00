"""What tests share."""

import contextlib
import io
import os
import runpy
import subprocess
import sys
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from unittest import mock

import pytest

# Long lists of devices that TensorFlow did not find.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_REPOSITORY = Path(__file__).parents[1]
_SCRIPTS = _REPOSITORY / "paper_experiments"


@pytest.fixture
def bsds300_images():
    """The folder with `train` and `test` of BSDS-300; skips where there is none."""
    folder = _REPOSITORY.parent / "shared" / "data" / "BSDS300" / "images"
    if not folder.is_dir():
        pytest.skip("BSDS-300 is not in ../shared/data")
    return folder


@pytest.fixture(name="start_script", scope="session")
def _start_script() -> Callable[..., subprocess.Popen]:
    """Starts a script of `paper_experiments` as a user does."""

    def start(
        name: str, *arguments: object, backend: str = "tensorflow"
    ) -> subprocess.Popen:
        path = [str(_REPOSITORY), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            "KERAS_BACKEND": backend,
            # The scripts of this checkout take its packages, not installed ones.
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
        }
        # As if a user had not set it: scripts keep TensorFlow quiet themselves.
        environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
        return subprocess.Popen(
            [sys.executable, _SCRIPTS / f"{name}.py", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    return start


@pytest.fixture(name="run_script", scope="session")
def _run_script(start_script: Callable) -> Callable[..., subprocess.CompletedProcess]:
    """Runs a script of `paper_experiments` as a user does; it takes seconds."""

    def run(
        name: str, *arguments: object, expect_success: bool = True, **how: str
    ) -> subprocess.CompletedProcess:
        process = start_script(name, *arguments, **how)
        said = process.communicate()
        assert "Traceback" not in said[1], said[1]
        assert (process.returncode == 0) == expect_success, said[1]
        return subprocess.CompletedProcess(process.args, process.returncode, *said)

    return run


@pytest.fixture(name="run_here", scope="session")
def _run_here() -> Callable[..., subprocess.CompletedProcess]:
    """Runs a script in this process, where TensorFlow need not be started again."""
    # Not above: the files of `rim_tf` do without absl.
    from absl import app
    from absl.testing import flagsaver

    # Otherwise the flags of these would be forgotten with those of the first script.
    import paper_experiments.common.run  # noqa: F401

    app.define_help_flags()

    def run(
        name: str, *arguments: object, expect_success: bool = True
    ) -> subprocess.CompletedProcess:
        script = str(_SCRIPTS / f"{name}.py")
        argv = [script, *map(str, arguments)]
        said, complained, code = io.StringIO(), io.StringIO(), 0
        with (
            # It forgets the script's own flags, too.
            flagsaver.flagsaver(),
            mock.patch.object(sys, "argv", argv),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(complained),
        ):
            try:
                runpy.run_path(script, run_name="__main__")
            except SystemExit as end:
                code = end.code
        if isinstance(code, str):
            # As Python does at the end of a process.
            complained.write(f"{code}\n")
            code = 1
        finished = subprocess.CompletedProcess(
            argv, code or 0, said.getvalue(), complained.getvalue()
        )
        assert (not finished.returncode) == expect_success, finished.stderr
        return finished

    return run


@pytest.fixture(name="check_refused")
def _check_refused(tmp_path: Path, run_here: Callable) -> Callable[..., None]:
    """Checks that a script refuses arguments with one line, and leaves no file."""

    def check(name: str, *arguments: object, message: str) -> None:
        output = tmp_path / "out"
        finished = run_here(
            name,
            "--dataset=embedded",
            f"--output_dir={output}",
            *arguments,
            expect_success=False,
        )
        complaints = [line for line in finished.stderr.splitlines() if message in line]
        assert len(complaints) == 1, finished.stderr
        # What absl refuses has two lines more, which are its own.
        if complaints[0].startswith("error: "):
            assert finished.stderr == f"{complaints[0]}\n"
        assert not output.exists()

    return check


@pytest.fixture(name="functions_of", scope="session")
def _functions_of() -> Callable[[str], types.SimpleNamespace]:
    """Returns what a script defines, without running it."""
    from absl.testing import flagsaver

    import paper_experiments.common.run  # noqa: F401

    def load(name: str) -> types.SimpleNamespace:
        # Forgets its flags: `run_here` defines them again.
        with flagsaver.flagsaver():
            defined = runpy.run_path(str(_SCRIPTS / f"{name}.py"), run_name=name)
        return types.SimpleNamespace(**defined)

    return load


@pytest.fixture(name="small_weights", scope="session")
def _small_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of small untrained weights."""
    # Not above: TensorFlow would start before the environment is set.
    import rim_tf
    from rim_tf import pretrained
    from rim_tf.cells import RIMCell

    rim = rim_tf.RIM(RIMCell(features=4, state_features=6))
    rim.build()
    path = tmp_path_factory.mktemp("weights") / "small.weights.h5"
    history = {
        "settings": {"steps_schedule": [[20, 1.0]]},
        "patches_seen": 0,
        "data": "nothing",
        "seconds": 0.0,
    }
    pretrained.save_pretrained(rim, path, history)
    return path


@pytest.fixture(name="three_task_weights", scope="session")
def _three_task_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as train.py leaves it, of small untrained models for Figure 3."""
    import rim_tf
    from rim_tf import cells, pretrained

    folder = tmp_path_factory.mktemp("three_task")
    for kind in ("RIM", "GDN", "FFN"):
        name = f"{kind.lower()}_3task"
        model = rim_tf.RIM(getattr(cells, f"{kind}Cell")(features=4, state_features=6))
        model.build()
        (folder / name).mkdir()
        history = {"data": "nothing", "color": "gray"}
        pretrained.save_pretrained(model, folder / name / f"{name}.weights.h5", history)
    return folder


@pytest.fixture(name="small_bsds300", scope="session")
def _small_bsds300() -> Callable:
    """Makes small images as those of BSDS-300 come, of ids; the set 68 is 3096."""
    import numpy as np
    import skimage.data

    from paper_experiments.common import image_sets

    def make(others: Iterable[str]) -> image_sets.TestImages:
        corner, ids = skimage.data.chelsea()[90:126, 150:187], ["3096", *others]
        return image_sets.TestImages(
            "bsds300",
            {i: corner + np.uint8(n) for n, i in enumerate(ids)},
            {i: n for n, i in enumerate(ids)},
            {"68": ["3096"], "100": ids},
        )

    return make


@pytest.fixture(name="small_images", scope="session")
def _small_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two photographs of 64 x 72 pixels."""
    import skimage.data
    from PIL import Image

    folder = tmp_path_factory.mktemp("data") / "small"
    folder.mkdir()
    for name in ("astronaut", "chelsea"):
        image = getattr(skimage.data, name)()[100:164, 180:252]
        Image.fromarray(image).save(folder / f"{name}.png")
    return folder


@pytest.fixture(name="drawn")
def _drawn(monkeypatch: pytest.MonkeyPatch) -> list:
    """The figures that were saved."""
    # Not above: the files of `rim_tf` do without matplotlib.
    from paper_experiments.common import figures

    saved, save = [], figures.save
    monkeypatch.setattr(
        figures, "save", lambda figure, path: saved.append(figure) or save(figure, path)
    )
    return saved
