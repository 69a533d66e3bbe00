"""The flags of train.py by which several machines train together."""

import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from absl import logging

from paper_experiments.common import quiet
from paper_experiments.common.errors import UserError

# The arguments of `rim_tf.training.machines.join`.
NAMES = ("coordinator", "num_processes", "process_id")
_HIGHEST_PORT = 2**16 - 1


def check(values: Mapping[str, Any]) -> None:
    """Raises a `UserError` if several machines are asked for that cannot be had."""
    given = [name for name in NAMES if values[name] is not None]
    if _is_alone(values) or not (given or _is_one_of_several(values)):
        return
    if quiet.check_backend() != "jax":
        what = f"--{given[0]}" if given else "SLURM's several tasks"
        alone = "" if given else ", or --num_processes=1 for a training in each task"
        raise UserError(
            f"{what}: TensorFlow trains on one machine only; for several set "
            f"KERAS_BACKEND=jax, with JAX installed{alone}."
        )
    missing = [f"--{name}" for name in NAMES if name not in given]
    if given and missing:
        raise UserError(f"--{given[0]}: it needs {' and '.join(missing)}, too.")
    if given:
        _check_coordinator(values["coordinator"])
    if given and values["process_id"] >= values["num_processes"]:
        raise UserError(
            f"--process_id: {values['process_id']} is not below --num_processes, which "
            f"is {values['num_processes']}."
        )


def _check_coordinator(coordinator: str) -> None:
    match = re.fullmatch(r"[^\s,]+:(\d{1,5})", coordinator)
    if not match or not 0 < int(match[1]) <= _HIGHEST_PORT:
        raise UserError(
            f"--coordinator: {coordinator} is not HOST:PORT, such as 10.0.0.1:4321."
        )


def join_if_asked(values: Mapping[str, Any]) -> None:
    """Makes this process one of several, if flags or SLURM say so.

    To be called before the backend starts.
    """
    if not _is_one_of_several(values):
        return
    from rim_tf.training import machines

    machines.join(*(values[name] for name in NAMES))
    # It has kept the one that is JAX's now.
    logging.get_absl_handler().python_handler.stream = sys.stderr


def _is_one_of_several(values: Mapping[str, Any]) -> bool:
    # Other scripts have no such flags.
    if "coordinator" not in values or _is_alone(values):
        return False
    tasks = int(os.environ.get("SLURM_STEP_NUM_TASKS", 1))
    return values["coordinator"] is not None or tasks > 1


def _is_alone(values: Mapping[str, Any]) -> bool:
    """Says whether a task of SLURM is to train by itself."""
    return [values[name] for name in NAMES] == [None, 1, None]
