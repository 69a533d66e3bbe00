"""Tests of training on several devices, which two logical ones of the CPU stand for.

Run as a program, this file trains on as many devices as its argument says.
"""

import dataclasses
import os
import subprocess
import sys
import unittest.mock
from pathlib import Path

import keras
import numpy as np
import pytest

from rim_tf.problems import (
    AnyProblem,
    DenoisingProblem,
    SuperResolutionProblem,
    ThreeTaskProblem,
)
from rim_tf.training import callbacks, devices, loop, optimizers
from rim_tf.training.patches import PatchSet
from rim_tf.training.settings import TrainingSettings
from tests.training import small

_PROBLEMS = {
    "denoising": DenoisingProblem(),
    "three_task": ThreeTaskProblem(),
    "super_resolution": SuperResolutionProblem(),
    "any": AnyProblem(),
}
if keras.backend.backend() == "jax":
    # One program for the whole batch, so that other operators add nothing but minutes.
    _PROBLEMS = {name: _PROBLEMS[name] for name in ("denoising", "three_task")}
_SHORT = TrainingSettings(
    epochs=1,
    batch_size=4,
    steps_schedule=((2, 1.0),),
    warmup_updates=2,
    num_validations=2,
)
# One of them with two numbers of steps; each takes a while to compile.
_SETTINGS = {
    "denoising": dataclasses.replace(_SHORT, steps_schedule=((1, 0.5), (2, 0.5))),
    "three_task": _SHORT,
    "super_resolution": _SHORT,
    "any": _SHORT,
}


class _KillError(Exception):
    pass


def _train(problem: str, folder: Path) -> None:
    rows, columns = np.mgrid[0:40, 0:40]
    image = 127 + 100 * np.sin(rows / 4) * np.cos(columns / 3)
    patches = PatchSet([image.astype("uint8")[..., None]], 12, 2, num_patches=32)
    # So low that it matters whether the whole gradient is clipped, or parts of it.
    with unittest.mock.patch.object(optimizers, "CLIP_NORM", 0.01):
        loop.train(
            small.small_rim(),
            _PROBLEMS[problem],
            patches,
            patches.to_numpy()[:4],
            _SETTINGS[problem],
            folder,
        )


def _train_half(problem: str, folder: Path, monkeypatch) -> None:
    def kill(self, epoch, logs):
        self.save(logs)
        raise _KillError

    with monkeypatch.context() as patched:
        patched.setattr(callbacks.Checkpoint, "on_epoch_end", kill)
        with pytest.raises(_KillError):
            _train(problem, folder)


def test_two_devices_train_as_one_does(tmp_path, monkeypatch):
    """The same losses with the same batches, also of a training that one began."""
    for problem in _PROBLEMS:
        _train(problem, tmp_path / "one" / problem)
    _train_half("denoising", tmp_path / "resumed" / "denoising", monkeypatch)
    finished = subprocess.run(
        [sys.executable, __file__, "2", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(
                [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
            ),
        },
    )
    assert finished.returncode == 0, finished.stderr
    # Under JAX there is one program for the whole batch.
    replicas = "2" if keras.backend.backend() == "tensorflow" else "1"
    assert finished.stdout.split() == ["2", replicas]
    for folder in (*(f"two/{problem}" for problem in _PROBLEMS), "resumed/denoising"):
        expected = small.read_log(tmp_path / "one" / Path(folder).name)
        actual = small.read_log(tmp_path / folder)
        assert len(actual) == len(expected) == 2
        for name in ("loss", "val_psnr", "updates"):
            np.testing.assert_allclose(
                [float(row[name]) for row in actual],
                [float(row[name]) for row in expected],
                rtol=1e-4,
                err_msg=f"{name} of {folder}",
            )


def test_refuses_more_devices_than_there_are():
    number = len(keras.distribution.list_devices()) + 1
    with (
        pytest.raises(devices.DeviceError, match=f"{number} devices are asked for"),
        devices.data_parallel(number),
    ):
        pass


def test_refuses_no_devices():
    with (
        pytest.raises(ValueError, match="at least 1, not 0"),
        devices.data_parallel(0),
    ):
        pass


def _main(num_devices: int, folder: Path) -> None:
    devices.split_cpu(num_devices)
    with devices.data_parallel(num_devices):
        for problem in _PROBLEMS:
            _train(problem, folder / "two" / problem)
        _train("denoising", folder / "resumed" / "denoising")
        print(len(keras.distribution.list_devices("cpu")), devices.num_replicas())


if __name__ == "__main__":
    _main(int(sys.argv[1]), Path(sys.argv[2]))
