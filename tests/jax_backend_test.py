"""Runs the model's tests once more under JAX, in a world without TensorFlow."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import skimage.data

import rim_tf

_TESTS = Path(__file__).parent
_NEED_NO_TENSORFLOW = (
    "activations_test.py",
    "bicubic_test.py",
    "callbacks_test.py",
    "cells_test.py",
    "devices_test.py",
    "forward_models_test.py",
    "links_test.py",
    "metrics_test.py",
    "muon_test.py",
    "patches_test.py",
    "pretrained_test.py",
    "problems_test.py",
    "restoration_test.py",
    "rim_test.py",
    "schedules_test.py",
    "training_test.py",
)


_RESTORE = """
import sys
import numpy, rim_tf
observation = numpy.load(sys.argv[1])
model = rim_tf.load_pretrained("rim_denoise", "float32")
numpy.save(sys.argv[2], rim_tf.restore(model, observation, sigma=25 / 255))
"""


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="compares with TensorFlow")
def test_jax_restores_what_tensorflow_restores(tmp_path):
    pytest.importorskip("jax")
    clean = skimage.data.camera()[128:192, 200:263, None] / 255.0
    noisy = clean + 25 / 255 * np.random.default_rng(0).standard_normal(clean.shape)
    np.save(tmp_path / "noisy.npy", noisy[None])
    subprocess.run(
        [
            sys.executable,
            "-c",
            _RESTORE,
            tmp_path / "noisy.npy",
            tmp_path / "jax.npy",
        ],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        check=True,
    )
    model = rim_tf.load_pretrained("rim_denoise", "float32")
    restored = rim_tf.restore(model, noisy[None], sigma=25 / 255)
    np.testing.assert_allclose(np.load(tmp_path / "jax.npy"), restored, atol=1e-3)
    assert rim_tf.metrics.psnr(restored, clean[None])[0] > 25


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
