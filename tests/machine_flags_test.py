"""Tests of the flags by which several machines train together."""

import pytest

from paper_experiments.common import machine_flags
from paper_experiments.common.errors import UserError
from rim_tf.training import machines

_NONE = dict.fromkeys(machine_flags.NAMES)
_TWO = {"coordinator": "a:4321", "num_processes": 2, "process_id": 1}


@pytest.fixture(name="joined")
def _joined(monkeypatch):
    """What `machines.join` was called with."""
    calls = []
    monkeypatch.setattr(machines, "join", lambda *arguments: calls.append(arguments))
    monkeypatch.delenv("SLURM_STEP_NUM_TASKS", raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    return calls


@pytest.mark.parametrize(
    ("values", "tasks", "expected"),
    [
        (_NONE, None, []),
        (_NONE, "1", []),
        (_NONE, "2", [(None, None, None)]),
        ({**_NONE, "num_processes": 1}, "2", []),
        (_TWO, None, [("a:4321", 2, 1)]),
        # A script without these flags.
        ({}, "2", []),
    ],
)
def test_joins_if_flags_or_slurm_say_so(values, tasks, expected, joined, monkeypatch):
    if tasks:
        monkeypatch.setenv("SLURM_STEP_NUM_TASKS", tasks)
    if values:
        machine_flags.check(values)
    machine_flags.join_if_asked(values)
    assert joined == expected


@pytest.mark.parametrize("coordinator", ["a", "a:0", "a:65536", "a,b:1", "a b:1", ":1"])
def test_a_coordinator_is_a_host_and_a_port(coordinator, joined):
    with pytest.raises(UserError, match=r"--coordinator: .* is not HOST:PORT"):
        machine_flags.check({**_TWO, "coordinator": coordinator})


def test_tensorflow_can_train_in_each_task_by_itself(joined, monkeypatch):
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    with pytest.raises(UserError, match="or --num_processes=1 for a training in each"):
        machine_flags.check(_NONE)
    machine_flags.check({**_NONE, "num_processes": 1})
