"""Processes that measure: of a build, or of the peer."""

import contextlib
import dataclasses
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paper_experiments.common.errors import UserError
from paper_experiments.speed_comparison import figures, measure
from paper_experiments.speed_comparison.builds import Build

_MEASURE = Path(measure.__file__)


class FailedError(Exception):
    """A process that measures failed; the message says why in a line."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all measurements of a comparison have in common; see `measure.Settings`."""

    precision: str = "auto"
    batch_size: int = 16
    data_dir: str | None = None
    quick: bool = False


def measure_build(
    build: Build, name: str, settings: Settings, **more: int
) -> Mapping[str, Any]:
    """Runs a function of `measure.py` on a build.

    Args:
      build: The build.
      name: Name of the function.
      settings: How.
      **more: Other fields of `measure.Settings`.

    Returns:
      What it prints: "values", "lacks" and "remarks".

    Raises:
      FailedError: If it fails.
    """
    asked = {**dataclasses.asdict(settings), "tree": str(build.tree), **more}
    # What a user starts finds nothing of what runs this.
    environment = {**os.environ, "PYTHONPATH": str(build.tree)}
    asked["started"] = time.monotonic()
    command = [sys.executable, "-P", str(_MEASURE), name, json.dumps(asked)]
    return _json_of(command, environment)


def peer_command(peer: str) -> list[str]:
    """Returns the command that `--peer` asks for.

    Args:
      peer: FILE.py, perhaps with flags, and with another Python before it.

    Raises:
      UserError: If there is no such file.
    """
    words = [peer] if Path(peer).expanduser().exists() else shlex.split(peer)
    if words and words[0].endswith(".py"):
        words.insert(0, sys.executable)
    file = next((w for w in words if w.endswith(".py")), peer)
    path = Path(file).expanduser()
    if not path.is_file():
        raise UserError(f"--peer: {file} is not a file; give FILE.py, one that exists.")
    return [str(path.resolve()) if word == file else word for word in words]


def measure_peer(command: list[str]) -> Mapping[str, float]:
    """Runs the peer; returns the numbers that it prints.

    Raises:
      FailedError: If it fails, or its last line is no JSON of what is compared.
    """
    said = _json_of(command, dict(os.environ))
    if not {figures.PEER_TRAIN, figures.PEER_RESTORE} & set(said):
        raise FailedError(
            f"its JSON has neither {figures.PEER_TRAIN} nor {figures.PEER_RESTORE}"
        )
    return {key: float(v) for key, v in said.items() if type(v) in (int, float)}


def _json_of(command: list[str], environment: Mapping[str, str]) -> Any:
    """Runs a command; returns the JSON of its last line.

    It and its children end when this ends, interrupted or not.
    """
    try:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise FailedError(str(error)) from error
    try:
        said, complained = process.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode:
        lines = complained.strip().splitlines() or said.strip().splitlines()
        last = lines[-1] if lines else f"it ended with {process.returncode}"
        raise FailedError(last.removeprefix("RuntimeError: "))
    try:
        found = json.loads(said.strip().splitlines()[-1])
    except (IndexError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise FailedError("its last line is no JSON")
    return found
