"""Processes that run a script, and can be killed: forks of one that has TensorFlow.

To import TensorFlow takes seconds, in which a kill would do no harm.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

# What has no flags, which scripts define, and starts no threads.
_IMPORTED_BEFORE = [
    *("h5py", "keras", "matplotlib.pyplot", "skimage.restoration", "tensorflow"),
    *("rim_tf", "rim_tf.training.loop", "tensorboard", "tensorflow_datasets"),
]
os.environ["KERAS_BACKEND"] = "tensorflow"
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(_IMPORTED_BEFORE)


def start(*command: str | Path) -> "Process":
    """Starts a script, or `rim-restore`, with its arguments."""
    return Process([str(part) for part in command])


class Process:
    """A process as of `subprocess`, in what is used here.

    Args:
      command: A script, or `rim-restore`, and its arguments.
    """

    def __init__(self, command: list[str]):
        self.args = command
        self._said, self._complaints = (_temporary_path() for _ in range(2))
        self._process = _context.Process(
            target=_run, args=(command, self._said, self._complaints)
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


def _run(command: list[str], said: Path, complaints: Path) -> None:
    """Runs a command in a process that was made for it."""
    for descriptor, path in ((1, said), (2, complaints)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_TRUNC), descriptor)
    if command[0] == "rim-restore":
        from paper_experiments.rim_restore.command import main

        main(command[1:])
    else:
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")
