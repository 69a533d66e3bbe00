"""The screen of a user shows what a script says, and nothing else."""

import io
import os
import sys


def print_any_name() -> None:
    """Prints as escapes what the screen's encoding lacks, as names of files may."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def check_backend() -> str:
    """Returns the backend that KERAS_BACKEND names.

    Raises:
      SystemExit: With one line, if it names one that is not for this project.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend not in ("tensorflow", "jax"):
        sys.exit(f"error: KERAS_BACKEND={backend}: give tensorflow, or jax.")
    return backend


def import_backend() -> None:
    """Keeps a page of TensorFlow's remarks about devices off a user's screen.

    They go past Python, straight to the process's error stream. Errors that matter
    come as exceptions.

    Raises:
      SystemExit: With one line, if KERAS_BACKEND names another backend.
    """
    if check_backend() == "jax":
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        import tensorflow  # noqa: F401
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
