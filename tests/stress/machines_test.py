"""Trainings of two processes on this machine, which stand for two machines.

They are compared with one process, disturbed, and gone on with.
"""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

pytest.importorskip("jax", reason="several machines train under JAX only")

_ROOT = Path(__file__).parents[2]
_RECIPE = "rim_denoise_paper"
_UPDATES = 50
# Every update is a round of its own, so that the log has the loss of each.
_TRAINING = [
    *(sys.executable, _ROOT / "paper_experiments" / "train.py", _RECIPE),
    *("--dataset=embedded", "--patch_size=8", "--steps_schedule=1:0.5,2:0.5"),
    *("--batch_size=4", f"--num_patches={4 * _UPDATES}", "--epochs=1"),
    *(f"--num_validations={2 * _UPDATES}", "--num_validation_patches=2"),
    *("--precision=float32", "--checkpoint_minutes=0"),
]
# Muon is for kernels of 64 channels or more.
_NETWORKS = {
    "adam": ["--optimizer=adam", "--features=8", "--state_features=8"],
    "muon": ["--optimizer=muon", "--features=64", "--state_features=64"],
}
_LONGEST = 1800
# A process must notice within this that another is gone.
_NOTICED = 180


@pytest.fixture(name="environment", scope="module")
def _environment(tmp_path_factory):
    """Of all processes: what one has compiled the next need not."""
    return {
        **{name: value for name, value in os.environ.items() if "SLURM" not in name},
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")]),
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("compiled")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }


@pytest.fixture(name="one", scope="module", params=_NETWORKS)
def _one(request, tmp_path_factory, environment):
    """The flags of a network, and the folder of what one process made of it."""
    network = _NETWORKS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    process = _start([*network, f"--output_dir={folder}"], environment)
    _, complaints = process.communicate(timeout=_LONGEST)
    assert process.returncode == 0, complaints
    return network, folder


_started = []


@pytest.fixture(autouse=True)
def _no_process_is_left():
    yield
    for process in _started:
        process.kill()
    _started.clear()


def _start(flags, environment, command=_TRAINING):
    process = subprocess.Popen(
        [*command, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    _started.append(process)
    return process


def _start_both(folder, network, environment, command=_TRAINING):
    """Starts two processes that find each other by flags; none listens elsewhere."""
    address = f"127.0.0.1:{_free_port()}"
    return [
        _start(
            [
                *(*network, f"--output_dir={folder if number == 0 else folder / '1'}"),
                *(f"--coordinator={address}", "--num_processes=2"),
                f"--process_id={number}",
            ],
            {**environment, "JAX_COORDINATOR_BIND_ADDRESS": address},
            command,
        )
        for number in range(2)
    ]


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _finish(processes):
    said = [process.communicate(timeout=_LONGEST) for process in processes]
    for process, (_, complaints) in zip(processes, said, strict=True):
        assert process.returncode == 0, complaints
    return [text for text, _ in said]


def _log(folder):
    path = folder / _RECIPE / "stage_1" / "log.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = ("updates", "num_steps", "loss", "val_psnr", "learning_rate")
    return np.array([[float(row[name]) for name in names] for row in rows])


def _runs(folder):
    text = (folder / _RECIPE / "stage_1" / "runs.json").read_text()
    return [run["from_update"] for run in json.loads(text)]


def _assert_equal(folder, expected):
    actual, wanted = _log(folder), _log(expected)
    assert len(wanted) == _UPDATES
    assert set(wanted[:, 1]) == {1, 2}
    np.testing.assert_allclose(actual, wanted, rtol=1e-4)
    # For those who read the output of pytest -s.
    print(
        "largest relative difference", np.max(np.abs(actual[:, 2] / wanted[:, 2] - 1))
    )


def test_two_processes_have_the_losses_of_one(one, environment, tmp_path):
    """Growing T, and each optimizer; the second process writes nothing."""
    network, expected = one
    first, second = _finish(_start_both(tmp_path, network, environment))
    _assert_equal(tmp_path, expected)
    assert "To test the weights" in first
    assert "To test the weights" not in second
    assert not (tmp_path / "1").exists()


@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_process_that_is_gone_ends_the_other(one, victim, how, environment, tmp_path):
    """Within three minutes, with one line; the same commands go on."""
    network, expected = one
    if network != _NETWORKS["adam"] or (how, victim) == ("stopped", 0):
        pytest.skip("the others show it")
    processes = _start_both(tmp_path, network, environment)
    _wait_for_updates(tmp_path, processes)
    sent = signal.SIGKILL if how == "killed" else signal.SIGSTOP
    processes[victim].send_signal(sent)
    begun = time.monotonic()
    left = processes[1 - victim]
    try:
        _, complaints = left.communicate(timeout=_NOTICED)
    finally:
        for process in processes:
            process.kill()
    print(f"noticed after {time.monotonic() - begun:.1f} s")
    assert left.returncode != 0
    # Beside the progress bar.
    (line,) = [
        text
        for text in complaints.splitlines()
        if text.strip() and not text.startswith("training:")
    ]
    assert "a process of this training has ended" in line
    _finish(_start_both(tmp_path, network, environment))
    began = _runs(tmp_path)
    assert len(began) == 2
    assert began[1] > 0
    _assert_equal(tmp_path, expected)


def _wait_for_updates(folder, processes):
    """Waits for a checkpoint after a few updates."""
    path = folder / _RECIPE / "stage_1" / "last.weights.h5"
    end = time.monotonic() + _LONGEST
    while time.monotonic() < end and all(each.poll() is None for each in processes):
        time.sleep(0.2)
        if path.exists():
            with h5py.File(path) as file:
                if int(file["optimizer/vars/0"][()]) >= 5:
                    return
    raise AssertionError([each.communicate() for each in processes if each.poll()])


_IMPATIENT = """
import functools, runpy, sys
import jax
patient = jax.distributed.initialize
jax.distributed.initialize = functools.partial(patient, initialization_timeout=5)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_a_coordinator_that_is_not_there_is_named(environment, tmp_path):
    address = f"127.0.0.1:{_free_port()}"
    process = _start(
        [
            *(f"--output_dir={tmp_path}", f"--coordinator={address}"),
            *("--num_processes=2", "--process_id=1"),
        ],
        environment,
        [sys.executable, "-c", _IMPATIENT, *_TRAINING[1:]],
    )
    _, complaints = process.communicate(timeout=_LONGEST)
    assert process.returncode != 0
    (line,) = complaints.splitlines()
    assert line.startswith(f"error: the processes at {address} did not come together")


def test_slurm_needs_no_flags(environment, tmp_path):
    """What `srun` sets is set here; there is no SLURM."""
    port = _free_port()
    processes = [
        _start(
            [*_NETWORKS["adam"], f"--output_dir={tmp_path}", "--num_patches=8"],
            {
                **environment,
                "SLURM_JOB_ID": "1",
                "SLURM_STEP_NODELIST": "localhost",
                "SLURM_NTASKS": "2",
                "SLURM_STEP_NUM_TASKS": "2",
                "SLURM_PROCID": str(number),
                "SLURM_LOCALID": str(number),
                "JAX_COORDINATOR_PORT": str(port),
                "JAX_COORDINATOR_BIND_ADDRESS": f"127.0.0.1:{port}",
            },
        )
        for number in range(2)
    ]
    _finish(processes)
    assert _log(tmp_path)[-1, 0] == 2
