"""Runs the library's tests once more under JAX, in a world without TensorFlow.

Those of them that need no `keras.ops` and nothing that a backend does are left out.
"""

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
# What runs in one process, the costliest first, and which of its tests: others say
# nothing of a backend, or what a quicker one says already.
_GROUPS = {
    # That a training can be interrupted anywhere shows its seed, too.
    "loop": (
        ["training/loop_test.py"],
        "not 1] and not 9] and not learns and not one_seed and not in_time"
        " and not during_a_validation",
    ),
    "devices": (["training/devices_test.py"], ""),
    "model": (
        [
            *("arguments_test.py", "bicubic_test.py", "cells_test.py", "links_test.py"),
            *("losses_test.py", "noise_test.py", "pretrained_test.py"),
            *("restoration_test.py", "rim_test.py", "speed/backend_test.py"),
        ],
        "not matlabs and not published and not saved_models and not shipped"
        " and not parameters and not refused",
    ),
    "forward models": (
        ["forward_models", "likelihood_test.py", "problems_test.py"],
        "not restores and not holds and not scale_of and not equally and not refuse"
        " and not -float16 and (not singular_value or fourier)",
    ),
    "training": (
        [
            f"training/{name}_test.py"
            for name in (
                *("callbacks", "growing", "muon", "patches"),
                *("schedules", "unrolled"),
            )
        ],
        "not learns and not shipped and not Cell-3",
    ),
}
_NOT_UNDER_JAX = pytest.mark.skipif(
    keras.backend.backend() == "jax", reason="runs under JAX already"
)

_RESTORE = """
import sys
import numpy, rim_tf
observation = numpy.load(sys.argv[1])
model = rim_tf.load_pretrained("rim_denoise", "float32")
numpy.save(sys.argv[2], rim_tf.restore(model, observation, sigma=25 / 255, num_steps=8))
"""


def _run_under_jax(*arguments: object) -> subprocess.CompletedProcess:
    """Runs Python with JAX and with what is imported from the repository."""
    pytest.importorskip("jax")
    root = _TESTS.parent
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            # To compile is most of the work here, and half of it to make fast code.
            "XLA_FLAGS": "--xla_backend_optimization_level=0",
            "PYTHONPATH": os.pathsep.join([str(root), *filter(None, sys.path)]),
        },
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


@_NOT_UNDER_JAX
def test_jax_restores_what_tensorflow_restores(tmp_path):
    clean = skimage.data.camera()[128:192, 200:263, None] / 255.0
    noisy = clean + 25 / 255 * np.random.default_rng(0).standard_normal(clean.shape)
    np.save(tmp_path / "noisy.npy", noisy[None])
    finished = _run_under_jax(
        "-c", _RESTORE, tmp_path / "noisy.npy", tmp_path / "jax.npy"
    )
    assert finished.returncode == 0, finished.stderr
    model = rim_tf.load_pretrained("rim_denoise", "float32")
    restored = rim_tf.restore(model, noisy[None], sigma=25 / 255, num_steps=8)
    np.testing.assert_allclose(np.load(tmp_path / "jax.npy"), restored, atol=1e-3)
    assert rim_tf.metrics.psnr(restored, clean[None])[0] > 25


@_NOT_UNDER_JAX
@pytest.mark.parametrize("name", _GROUPS)
def test_runs_under_jax_without_tensorflow(name):
    paths, selection = _GROUPS[name]
    finished = _run_under_jax(
        "-m",
        "pytest",
        *("-p", "tests.no_tensorflow"),
        *("-k", selection),
        *(_TESTS / path for path in paths),
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert " passed" in finished.stdout
