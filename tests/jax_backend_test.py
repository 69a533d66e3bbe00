"""Runs the model's tests once more under JAX, in a world without TensorFlow."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

_TESTS = Path(__file__).parent
_NEED_NO_TENSORFLOW = (
    "callbacks_test.py",
    "cells_test.py",
    "forward_models_test.py",
    "links_test.py",
    "metrics_test.py",
    "patches_test.py",
    "pretrained_test.py",
    "problems_test.py",
    "restoration_test.py",
    "rim_test.py",
    "schedules_test.py",
    "training_test.py",
)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="runs under JAX already")
def test_everything_runs_under_jax_without_tensorflow():
    pytest.importorskip("jax")
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no_tensorflow",
            *(str(_TESTS / name) for name in _NEED_NO_TENSORFLOW),
        ],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "PYTHONPATH": os.pathsep.join([str(_TESTS), *sys.path]),
        },
        cwd=_TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert " passed" in finished.stdout
