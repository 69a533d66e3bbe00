"""Writing files so that a reader never meets half of one."""

import contextlib
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class DamagedFileError(OSError, ValueError):
    """A file of this project holds something else; the message names the remedy."""


def write_text(path: str | Path, text: str) -> None:
    """Writes a text file in UTF-8; see `replacing`.

    What UTF-8 lacks, as the name of a folder may, becomes an escape.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: str | Path, value: Any, indent: int = 2) -> None:
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
        return json.loads(Path(path).read_text())
    except ValueError as error:
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

    Example:

        with files.replacing("photo.png") as temporary:
            image.save(temporary)
    """
    path = Path(path)
    # Keras looks at the end of a name, so what is temporary stands in front. A name
    # may have 255 bytes, which the temporary one must not exceed.
    temporary = path.with_name(f".writing-{os.getpid()}-{path.name[-40:]}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


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
