"""Tests that numbers depend on what they are measured of, and on nothing else.

Pixels are on the scale from 0 to 1, and all is in float32.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data

import rim_tf
from rim_tf.speed import windows
from tests.forward_models.cases import MODELS, kernel
from tests.stress import jobs

_ROOT = Path(__file__).parents[2]
_MOST_DECIBELS = 0.01
_MOST_OF_PIXELS = 1e-3
_MOST_SECONDS = 3600

_OPERATORS = {
    "denoising": rim_tf.forward_models.Denoising,
    "blur": lambda: rim_tf.forward_models.Blur(kernel(5, 5) / kernel(5, 5).sum()),
}


@pytest.mark.parametrize("kind", ["table", "figure 3"])
def test_the_same_seed_gives_the_same_values(tmp_path, kind):
    """In processes of their own."""
    job = _figure3() if kind == "figure 3" else jobs.make(kind, tmp_path)
    folders = tmp_path / "first", tmp_path / "second"
    for process in [job.start(folder) for folder in folders]:
        _, complaints = process.communicate(timeout=_MOST_SECONDS)
        assert process.returncode == 0, complaints
    first, second = map(job.result, folders)
    print(f"{kind}: {len(first)} values")
    assert len(first) >= 8
    assert first == second


def _figure3():
    def command(folder):
        flags = ["--dataset=embedded", "--num_test_patches=4", f"--output_dir={folder}"]
        return [jobs.SCRIPTS / "figure3_three_task.py", *flags, *jobs.QUICKLY]

    def result(folder):
        return jobs.values_per_image(folder / "result.json")

    return jobs.Job(command, result, result)


def test_backends_agree(tmp_path):
    """On each forward model of the tests, with trained networks."""
    pytest.importorskip("jax")
    by_backend = {name: _restore_all(name) for name in ("tensorflow", "jax")}
    of_tensorflow, of_jax = by_backend.values()
    assert set(of_tensorflow) == set(of_jax) == set(MODELS)
    differences = {
        name: np.abs(np.subtract(values, of_jax[name])).max()
        for name, values in of_tensorflow.items()
    }
    worst = max(differences, key=differences.get)
    print(
        f"{len(differences)} forward models: {differences[worst]:.1e} dB at most, of "
        f"{worst!r}; PSNR of {np.min([*map(min, of_jax.values())]):.1f} dB and more"
    )
    assert differences[worst] < _MOST_DECIBELS


def _restore_all(backend):
    finished = subprocess.run(
        [sys.executable, "-m", "tests.stress.restore_all"],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(_ROOT)},
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=_MOST_SECONDS,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])


@pytest.fixture(name="network", scope="module")
def _network():
    return rim_tf.load_pretrained("rim_3task", "float32")


@pytest.mark.parametrize("name", _OPERATORS)
def test_batch_size_and_order_of_images(network, name):
    operator = _OPERATORS[name]()
    observation = _observe(operator, 5, 48, 40)
    together = _restore(network, observation, operator)
    backwards = _restore(network, observation[::-1], operator)
    alone = [_restore(network, one[None], operator) for one in observation]
    _check_near("order", backwards[::-1], together)
    _check_near("batch size", np.concatenate(alone), together)


@pytest.mark.parametrize("name", _OPERATORS)
def test_windows(network, name, monkeypatch):
    operator = _OPERATORS[name]()
    observation = _observe(operator, 1, 120, 40)
    cell, whole = network.cell, _restore(network, observation, operator)
    monkeypatch.setattr(windows, "_MOST_PIXELS", 400)
    monkeypatch.setattr(windows, "_WINDOW_PIXELS", 400)
    rows, columns = windows._divide(120, 40, cell.stride, cell.reach, 400)
    assert len(rows) * len(columns) > 2
    _check_near("windows", _restore(network, observation, operator), whole)


def _restore(network, observation, operator):
    return rim_tf.restore(network, observation, operator, sigma=0.1)


def _observe(operator, number, height, width):
    """Returns what an operator, and noise, make of crops of a photograph."""
    photograph = skimage.data.camera()[: number * height, 200 : 200 + width] / 255
    images = photograph.reshape(number, height, width, 1).astype("float32")
    observation = np.asarray(operator.forward(images))
    noise = np.random.default_rng(0).normal(0, 0.1, observation.shape)
    return observation + noise.astype("float32")


def _check_near(what, actual, expected):
    difference = np.abs(actual - expected).max()
    print(f"{what}: {difference:.1e} of the scale of pixels")
    assert difference < _MOST_OF_PIXELS
