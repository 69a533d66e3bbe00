"""Training on several machines: processes that share every batch, joined by JAX.

Each process has the whole model and its part of every batch, reads that part only, and
makes the same updates. Process 0 alone writes, and what it has read or decided the
others take from it, so they need no folder in common.

JAX ends a process that has lost another, or cannot find it, by an abort in C++ with
pages of text, which Python can neither catch nor replace: a `missed_heartbeat_callback`
ends in `std::bad_cast` (jaxlib 0.10.2). So a helper waits for the end of the process,
and says its last words, one line; what JAX says goes to a temporary file.
"""

import atexit
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

# How long JAX waits for the others at the start, in seconds: its own default.
_TIMEOUT = 300
_HELPER = (
    "import sys\n"
    "for words in sys.stdin: pass\n"
    "sys.stderr.write(words.replace(chr(9), chr(10)))"
)
_LOST = (
    "a process of this training has ended, or cannot be reached. Start all again: the "
    "same commands go on from the last checkpoint."
)
# What errors of JAX that are about other processes say, after one of its codes, such as
# "UNKNOWN: ". No message of this project begins so.
_OF_OTHERS = re.compile(r"[A-Z_]+: .*(?i:gloo|nccl|coordination)", re.S)


class MachineError(Exception):
    """Processes cannot train together, or no longer; the message says why."""


class _Joined:
    """This process, as one of several.

    Attributes:
      num_processes: How many there are.
      process_id: Which one this is, from 0.
    """

    def __init__(self, coordinator: str | None, **numbers: int | None):
        sys.stderr.flush()
        self._helper = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _HELPER],
            stdin=subprocess.PIPE,
            text=True,
            # Ctrl-C is not for it.
            start_new_session=True,
        )
        with tempfile.NamedTemporaryFile(
            prefix="rim_tf-jax-", suffix=".txt", delete=False
        ) as said:
            self._said_by_jax = Path(said.name)
            sys.stderr = os.fdopen(os.dup(2), "w", 1, errors="backslashreplace")
            os.dup2(said.fileno(), 2)
        atexit.register(self._end)
        where = f"at {coordinator}" if coordinator else "of this job"
        self._prepare_to_say(
            f"the processes {where} did not come together; JAX waits {_TIMEOUT} s for "
            "all. Start each with the same --coordinator, whose port must be free, the "
            "same --num_processes, and a --process_id of its own."
        )
        earlier = signal.getsignal(signal.SIGINT)
        if earlier is signal.default_int_handler:
            # Python would not see Ctrl-C while JAX waits.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        keras.distribution.initialize(coordinator, **numbers)
        if earlier is signal.default_int_handler:
            signal.signal(signal.SIGINT, earlier)
        # JAX takes it for a notice that the machine will be needed, and goes on.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._prepare_to_say(_LOST, is_after_bar=True)
        import jax

        self.num_processes, self.process_id = jax.process_count(), jax.process_index()

    def _prepare_to_say(self, text: str, is_after_bar: bool = False) -> None:
        """Chooses what is said should JAX end this process.

        Args:
          text: What has happened, and what to do.
          is_after_bar: Whether a progress bar may stand in the line.
        """
        # The helper makes a new line of a tabulator.
        begin = "\t" * is_after_bar
        said = f"{begin}error: {text} JAX's words: {self._said_by_jax}.\n"
        self._helper.stdin.write(said)
        self._helper.stdin.flush()

    def leave(self) -> None:
        """Waits until the others are done, too."""
        import jax

        jax.distributed.shutdown()
        atexit.unregister(self._end)
        self._helper.kill()
        self._helper.wait()
        self._forget()

    def _forget(self) -> None:
        """Removes what JAX has said."""
        # Windows removes no file that is in use.
        os.dup2(sys.stderr.fileno(), 2)
        with contextlib.suppress(OSError):
            self._said_by_jax.unlink()

    def _end(self) -> None:
        """Ends at once; else JAX waits for the others, which wait for this one."""
        self._helper.kill()
        self._forget()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(1)


_joined: _Joined | None = None


def join(
    coordinator: str | None = None,
    num_processes: int | None = None,
    process_id: int | None = None,
) -> None:
    """Makes this process one of several, under JAX; waits until all are there.

    To be called before JAX does anything. From then on `leave` ends the process well,
    and any other end ends those that are left, with one line each.

    Args:
      coordinator: Where process 0 listens, "host:port". It is open to all who reach
        it. None, as the others, for what SLURM says.
      num_processes: How many there are.
      process_id: Which one this is, from 0.
    """
    global _joined
    _joined = _Joined(coordinator, num_processes=num_processes, process_id=process_id)


def leave() -> None:
    """Waits until the other processes have done their work, too."""
    global _joined
    if _joined:
        _joined.leave()
    _joined = None


def num_processes() -> int:
    """Returns how many processes train together."""
    return _joined.num_processes if _joined else 1


def process_id() -> int:
    """Returns which of them this is; 0 writes."""
    return _joined.process_id if _joined else 0


def is_first() -> bool:
    """Says whether this is the process that writes."""
    return process_id() == 0


@contextlib.contextmanager
def losing_others() -> Iterator[None]:
    """Turns errors of JAX about other processes into a `MachineError`."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if num_processes() > 1 and _OF_OTHERS.match(str(error)):
            first_line = str(error).split("\n", 1)[0]
            raise MachineError(f"{_LOST} JAX's words: {first_line}") from error
        raise


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """For what one process does without the others, as Keras saves weights.

    Keras makes variables then, and a variable of all devices is made by all processes.
    """
    earlier = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(earlier)


def by_process(names: Sequence[str]) -> list[list[str]]:
    """Sorts the names of all devices by the processes that have them."""
    if num_processes() == 1:
        return [list(names)]
    import jax

    owners = [device.process_index for device in jax.devices()]
    return [
        [name for name, owner in zip(names, owners, strict=True) if owner == wanted]
        for wanted in range(num_processes())
    ]


def share_of(order: np.ndarray, batch_size: int) -> np.ndarray:
    """Returns this process's part of every batch.

    Args:
      order: `(updates * batch_size,)` numbers of patches.
      batch_size: Patches in a batch of all processes.

    Returns:
      `(updates * batch_size / num_processes(),)`.
    """
    number = num_processes()
    return order.reshape(-1, number, batch_size // number)[:, process_id()].ravel()


def from_first(make: Callable[[], Any]) -> Any:
    """Returns in all processes what `make` returns in the first.

    All must call it. Elsewhere `make` is not called.

    Args:
      make: Returns a JSON value.
    """
    if num_processes() == 1:
        return make()
    return json.loads(_send(lambda: json.dumps(make()).encode()))


@contextlib.contextmanager
def file_of_first(path: Path) -> Iterator[Path]:
    """Yields in all processes a path to what the first has in a file.

    Args:
      path: The file in the first process; elsewhere the name counts.
    """
    if num_processes() == 1:
        yield path
        return
    content = _send(path.read_bytes)
    if is_first():
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, path.name)
        copy.write_bytes(content)
        yield copy


def check_same(values: Mapping[str, Any]) -> None:
    """Makes sure that this process was started as the first was.

    Args:
      values: What must be the same; JSON values.

    Raises:
      MachineError: If some are not.
    """
    first = from_first(lambda: values)
    own = json.loads(json.dumps(values))
    differing = [name for name in first if own.get(name) != first[name]]
    if differing:
        raise MachineError(
            f"process {process_id()} differs from process 0 in {', '.join(differing)}; "
            "give both the same flags, images and versions."
        )


def _send(make: Callable[[], bytes]) -> bytes:
    """Returns in all processes the bytes that `make` returns in the first."""
    from jax.experimental.multihost_utils import broadcast_one_to_all

    content = np.frombuffer(make() if is_first() else b"", "uint8")
    size = int(broadcast_one_to_all(np.int32(len(content))))
    padded = np.zeros(size, "uint8")
    padded[: len(content)] = content
    return broadcast_one_to_all(padded).tobytes()
