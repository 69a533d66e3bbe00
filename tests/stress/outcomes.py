"""What must be true of the end of a command that got bad input."""

import hashlib
import os
import re
import stat
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.stress import processes

# Of computation; and of waiting, on a machine that does other things, too.
SECONDS = 10
_MOST_SECONDS = 100
# Python keeps what it compiles beside a file, libraries their settings at home.
_LEFT_OUT = {"__pycache__", ".cache", ".config", ".keras"}
# Where commands may write, below the folder of a case.
OUTPUT = "out"


class Case(NamedTuple):
    """A command with bad input.

    Attributes:
      command: A script, `rim-restore` or a function, and its arguments.
      names: One of these stands in the line that says what is wrong.
      must: "fail", "end" or "succeed".
      check: Looks at what a success left in the output folder.
    """

    command: Sequence[Any]
    names: Sequence[str] = ()
    must: str = "end"
    check: Callable[[Path], None] = lambda output: None


def run(case: Case, folder: Path) -> str:
    """Runs a case in its folder; returns what became of it.

    Raises:
      AssertionError: If that is not allowed.
    """
    before = _contents(folder)
    process = processes.confined(folder, SECONDS, *case.command)
    try:
        said, complaints = process.communicate(timeout=_MOST_SECONDS)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"it hangs: {case.command}") from None
    code = process.returncode
    about = f"{case.command}\nexit {code}\n{said[-1500:]}\n{complaints[-3000:]}"
    assert _contents(folder) == before, (
        f"it changed files that are not its own\n{about}"
    )
    assert code >= 0, f"it was ended by signal {-code}, 24 after {SECONDS} s\n{about}"
    assert "Traceback" not in complaints, about
    assert "Warning:" not in complaints, about
    if code == 0:
        assert case.must != "fail", f"it succeeded\n{about}"
        assert "error: " not in complaints, about
        case.check(folder / OUTPUT)
        return "succeeded"
    assert case.must != "succeed", f"it failed\n{about}"
    lines = _complaints(complaints)
    if not lines:
        # Of a folder, of which one file failed.
        lines = [line for line in said.splitlines() if line.startswith("*** Left out")]
        assert lines, f"it says nothing\n{about}"
    else:
        assert len(lines) == 1, about
    for line in lines:
        named = any(name in line for name in case.names)
        assert named, f"{line!r} has none of {case.names}\n{about}"
    return "refused"


def _complaints(text: str) -> list[str]:
    """Returns what is said of errors; progress bars and usage are no part of it."""
    lines = [line.rpartition("\r")[2] for line in text.splitlines()]
    return [line for line in lines if re.search("error: ", line)]


def _contents(folder: Path) -> dict[str, Any]:
    """Returns all that is below a folder, but for the output."""
    found = {}
    for top, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        if Path(top) == folder and OUTPUT in folders:
            folders.remove(OUTPUT)
        for name in (*folders, *names):
            path = os.path.join(top, name)
            about = os.lstat(path)
            found[path] = stat.S_IFMT(about.st_mode)
            if stat.S_ISLNK(about.st_mode):
                found[path] = os.readlink(path)
            elif stat.S_ISREG(about.st_mode):
                found[path] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return found
