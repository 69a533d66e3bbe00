"""Processes that run a script, and can be killed: forks of one that has TensorFlow.

To import TensorFlow takes seconds, in which a kill would do no harm.
"""

import multiprocessing
import os
import resource
import runpy
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

# What has no flags, which scripts define, and starts no threads.
_IMPORTED_BEFORE = [
    *("h5py", "keras", "matplotlib.pyplot", "skimage.restoration", "tensorflow"),
    *("rim_tf", "rim_tf.training.loop", "tensorboard", "tensorflow_datasets"),
    "paper_experiments.rim_restore.run",
]
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Of a process that is to be kept from harm: of memory that it may ask for, in bytes.
_MOST_MEMORY = 6 << 30
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(_IMPORTED_BEFORE)


def start(*command: str | Path) -> "Process":
    """Starts a script, or `rim-restore`, with its arguments."""
    return Process([str(part) for part in command])


def confined(folder: Path, seconds: int, *command: Any) -> "Process":
    """Starts the same in a folder, which is its home, too.

    Args:
      folder: It.
      seconds: Of computation, after which the system ends it.
      *command: See `start`; or a function of a module, and its arguments.
    """
    return Process(list(command), (folder, seconds))


class Process:
    """A process as of `subprocess`, in what is used here.

    Args:
      command: A script, or `rim-restore`, and its arguments.
      bounds: See `confined`: its folder and its seconds.
    """

    def __init__(self, command: list[Any], bounds: tuple[Path, int] | None = None):
        self.args = command
        self._said, self._complaints = (_temporary_path() for _ in range(2))
        self._process = _context.Process(
            target=_run, args=(command, self._said, self._complaints, bounds)
        )
        self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, negative after a signal; None if it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Returns the exit code, or None if it runs."""
        return self._process.exitcode

    def kill(self) -> None:
        """Sends SIGKILL."""
        self._process.kill()

    def wait(self, timeout: float) -> int | None:
        """Waits for the end; returns the exit code, or None if it runs still."""
        self._process.join(timeout)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Waits for the end; returns what was printed, and the complaints."""
        self._process.join(timeout)
        if self._process.is_alive():
            self.kill()
            raise subprocess.TimeoutExpired(self.args, timeout)
        texts = [
            path.read_text(errors="replace") for path in (self._said, self._complaints)
        ]
        for path in (self._said, self._complaints):
            path.unlink()
        return tuple(texts)


def _temporary_path() -> Path:
    descriptor, path = tempfile.mkstemp(prefix="stress-")
    os.close(descriptor)
    return Path(path)


def _run(
    command: list[Any], said: Path, complaints: Path, bounds: tuple[Path, int] | None
) -> None:
    """Runs a command in a process that was made for it."""
    for descriptor, path in ((1, said), (2, complaints)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_TRUNC), descriptor)
    if bounds:
        _confine(*bounds)
    if isinstance(command[0], Callable):
        command[0](*command[1:])
    elif command[0] == "rim-restore":
        from paper_experiments.rim_restore.command import main

        main(command[1:])
    else:
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")


def _confine(folder: Path, seconds: int) -> None:
    import tensorflow as tf

    # To compile takes seconds, of which bad input needs none.
    tf.config.run_functions_eagerly(True)
    warnings.filterwarnings("ignore", "Even though the `tf.config")
    os.chdir(folder)
    os.environ["HOME"] = str(folder)
    for what, most in (
        (resource.RLIMIT_CPU, seconds + round(sum(os.times()[:2]))),
        (resource.RLIMIT_DATA, _MOST_MEMORY),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
