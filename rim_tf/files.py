"""Writing files so that a reader never meets half of one."""

import contextlib
import errno
import functools
import json
import math
import os
import platform
import re
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def _machine() -> str:
    """Returns a name of this machine, or container: of where processes are known."""
    name = platform.node()
    with contextlib.suppress(OSError):
        # Containers may have the name of their host, and know no process of it.
        name += os.readlink("/proc/self/ns/pid")
    return f"{zlib.crc32(name.encode()):08x}"


# How names of temporary files begin; then come the machine's and the process's number.
_TEMPORARY = ".writing-"
_MACHINE = _machine()
_DAY = 24 * 60 * 60
# What HDF5 writes of a variable beside its values, at most.
_BYTES_BESIDE = 1 << 13
_REMEDIES = {
    errno.ENOSPC: "make room on that disk, and start again",
    errno.EDQUOT: "make room in your quota, and start again",
    errno.ENOENT: "its folder is gone: make it, or choose another, and start again",
}
# HDF5 puts what the system says into a long message of its own.
_FROM_HDF5 = re.compile(r"error message = '([^']*)'")


class DamagedFileError(OSError, ValueError):
    """A file of this project holds something else; the message names the remedy."""


class NotWrittenError(OSError):
    """A file could not be written; the message names it and the remedy."""


def write_text(path: str | Path, text: str) -> None:
    """Writes a text file in UTF-8; see `replacing`.

    What UTF-8 lacks, as the name of a folder may, becomes an escape.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: str | Path, value: Any, indent: int | None = 2) -> None:
    """Writes JSON for any reader: a number that is not finite becomes null."""
    write_text(path, json.dumps(_finite(value), indent=indent, allow_nan=False) + "\n")


def read_json(path: str | Path, remedy: str) -> Any:
    """Reads a JSON file of this project.

    Args:
      path: The file.
      remedy: What a reader is to do if it is damaged.

    Raises:
      DamagedFileError: If it holds no JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    # The latter of brackets in brackets.
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(f"{path} is damaged ({error}); {remedy}.") from error


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path that takes the place of `path` when all went well.

    What killed processes have left in the folder is removed.

    Raises:
      NotWrittenError: If the system refuses it.

    Example:

        with files.replacing("photo.png") as temporary:
            image.save(temporary)
    """
    path = Path(path)
    # Keras looks at the end of a name, so what is temporary stands in front. A name
    # may have 255 bytes, which the temporary one must not exceed.
    begin = f"{_TEMPORARY}{_MACHINE}-{os.getpid()}-"
    temporary = path.with_name(f"{begin}{path.name[-40:]}")
    _remove_stale(path.parent)
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise _named(error, path, temporary) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def append(path: Path, data: bytes) -> None:
    """Adds bytes to the end of a file, which is made if need be.

    Raises:
      NotWrittenError: If the system refuses it.
    """
    try:
        with path.open("ab") as file:
            file.write(data)
    except OSError as error:
        raise _named(error, path, path) from error


def save_weights(model: Any, path: str | Path) -> None:
    """Saves the weights of a Keras model, with its optimizer's; see `replacing`.

    HDF5 ends the whole process where a disk becomes full: room is looked for before.
    """
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *(optimizer.variables if optimizer else ())]
    size = sum(_BYTES_BESIDE + 4 * math.prod(each.shape) for each in variables)
    with replacing(path) as temporary:
        temporary.write_bytes(bytes(size))
        temporary.unlink()
        model.save_weights(temporary)


def _named(error: OSError, path: Path, temporary: Path) -> OSError:
    """Returns an error that names the file and the remedy, if it has none itself."""
    if isinstance(error, DamagedFileError | NotWrittenError):
        return error
    if error.filename not in (None, str(temporary)):
        return error
    reason, number = error.strerror or str(error), error.errno
    if number == errno.ENOENT and path.parent.is_dir():
        number = None
    if found := _FROM_HDF5.search(str(error)):
        reason = found[1]
    remedy = _REMEDIES.get(number, "mend that, or choose another folder")
    return NotWrittenError(f"{path} cannot be written: {reason}; {remedy}.")


@functools.cache
def _remove_stale(folder: Path) -> None:
    """Removes temporary files of processes that are no more; once for each folder.

    Of other machines, whose processes are not known here, and on Windows, those of
    another day.
    """
    pattern = re.compile(rf"{re.escape(_TEMPORARY)}([0-9a-f]{{8}})-(\d{{1,9}})-")
    with contextlib.suppress(OSError):
        for path in folder.glob(f"{_TEMPORARY}*"):
            if not (match := pattern.match(path.name)):
                continue
            is_left = match[1] == _MACHINE and not _is_alive(int(match[2]))
            if is_left or time.time() - path.stat().st_mtime > _DAY:
                path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    """Says whether there may be a process of that number."""
    # Elsewhere the question would end it.
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextlib.contextmanager
def making(folder: Path) -> Iterator[None]:
    """Makes a folder for what is to come, and takes it away again if nothing came.

    Parents that had to be made are treated alike.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()
