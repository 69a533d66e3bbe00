"""One script per table of the paper, and what the scripts share."""

import os
import sys


def _import_tensorflow_quietly() -> None:
    """Keeps a page of TensorFlow's remarks about devices off a user's screen.

    They go past Python, straight to the process's error stream. Errors that matter
    come as exceptions.
    """
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


if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
    _import_tensorflow_quietly()
