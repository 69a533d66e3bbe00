"""What the user can mend: said in one line that names the flag and the remedy."""

import contextlib
import errno
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path


class UserError(Exception):
    """Something that the user can mend; shown as one line."""


def check_writable(folder: Path, culprit: str, name: str = "", size: int = 0) -> None:
    """Makes sure before the work that its results can be written.

    Args:
      folder: Where files are to be written.
      culprit: What the complaint begins with: the flag and its value.
      name: Of the file, where one is to be written.
      size: How many bytes there must be room for.

    Raises:
      UserError: If files cannot be written there.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            # A name that is too long is found here.
            (folder / name).stat()
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(size))
    except OSError as error:
        is_full = error.errno == errno.ENOSPC
        remedy = "; make room on that disk, and start again" if is_full else ""
        raise UserError(f"{culprit} cannot be written: {error}{remedy}") from error


@contextlib.contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Prints what the library warns of, each once, as lines for a user."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
    for text in dict.fromkeys(str(warning.message) for warning in caught):
        print(f"*** {text}")
