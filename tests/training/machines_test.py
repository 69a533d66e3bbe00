"""Tests of what processes share; `tests/stress/machines_test.py` starts two of them."""

import types

import numpy as np
import pytest

from rim_tf.training import devices, machines


@pytest.fixture(name="process")
def _process(monkeypatch):
    """Makes this process one of several that are not there."""

    def make(process_id, num_processes, first=None):
        joined = types.SimpleNamespace(
            process_id=process_id, num_processes=num_processes
        )
        monkeypatch.setattr(machines, "_joined", joined)
        monkeypatch.setattr(machines, "_send", lambda make: first)

    return make


def test_one_process_has_every_batch_and_waits_for_nobody(tmp_path):
    order = np.arange(12)
    assert machines.share_of(order, 4).tolist() == order.tolist()
    assert machines.from_first(lambda: "own") == "own"
    assert machines.by_process(["cpu:0", "cpu:1"]) == [["cpu:0", "cpu:1"]]
    with machines.file_of_first(tmp_path / "file") as path:
        assert path == tmp_path / "file"
    machines.leave()
    assert machines.is_first()


def test_shares_make_up_every_batch(process):
    """In the order of the devices, which is that of the processes."""
    order = np.random.default_rng(0).permutation(24)
    shares = []
    for number in range(3):
        process(number, 3)
        shares.append(machines.share_of(order, 6).reshape(4, 2))
    assert np.concatenate(shares, axis=1).ravel().tolist() == order.tolist()


def test_values_and_files_are_those_of_the_first(process, tmp_path):
    process(1, 2, b'{"a": 1}')
    assert not machines.is_first()
    assert machines.from_first(lambda: pytest.fail("asked")) == {"a": 1}
    # There is no such file here.
    with machines.file_of_first(tmp_path / "last.weights.h5") as path:
        assert path.name == "last.weights.h5"
        assert path.read_bytes() == b'{"a": 1}'


def test_says_what_differs_from_the_first(process):
    process(1, 2, b'{"seed": 0, "images": ["a"], "precision": "float32"}')
    same = {"seed": 0, "images": ("a",), "precision": "float32"}
    machines.check_same(same)
    with pytest.raises(
        machines.MachineError, match=" differs from process 0 in seed, images;"
    ):
        machines.check_same({**same, "seed": 1, "images": ["b"]})


def test_names_the_loss_of_another_process(process):
    process(0, 2)
    with (
        pytest.raises(machines.MachineError, match=r"go on from .* UNKNOWN: Gloo"),
        machines.losing_others(),
    ):
        raise ValueError("UNKNOWN: Gloo all-reduce failed: Connection reset by peer")
    # A path may hold anything.
    message = "/home/gloor/coordination/log.csv is damaged"
    with pytest.raises(ValueError, match="damaged"), machines.losing_others():
        raise ValueError(message)


@pytest.mark.parametrize(
    ("groups", "number", "message"),
    [
        ([["gpu:0", "gpu:1"], ["gpu:2"]], 1, "the processes have 2, 1 devices"),
        ([["cpu:0"], ["cpu:1"]], 2, "2 devices are asked for, there are 1: cpu:0"),
    ],
)
def test_refuses_devices_that_not_all_processes_have(
    groups, number, message, process, monkeypatch
):
    process(0, 2)
    monkeypatch.setattr(machines, "by_process", lambda names: groups)
    with (
        pytest.raises(devices.DeviceError, match=message),
        devices.data_parallel(number),
    ):
        pass
