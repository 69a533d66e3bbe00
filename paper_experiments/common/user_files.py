"""Python files that a user names: they are run, and what is wrong is said in a line."""

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType


class ImportFailedError(Exception):
    """A file cannot be run; the message says why, in one line."""


def run(path: Path, may_import_beside: bool = True) -> ModuleType:
    """Runs a file; returns what it defines.

    Args:
      path: The file.
      may_import_beside: Whether it may import files that stand beside it.

    Raises:
      ImportFailedError: If it fails.
    """
    if may_import_beside and str(path.resolve().parent) not in sys.path:
        sys.path.append(str(path.resolve().parent))
    # No other module has such a name: that of the file may be a package's.
    name = f"user_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        said = describe(error, path)
        raise ImportFailedError(f"it cannot be imported: {said}") from error
    return module


def describe(error: BaseException, path: Path) -> str:
    """Says in a line what went wrong, and in which line of the file."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).resolve() == path.resolve()
    ]
    if isinstance(error, SyntaxError):
        lines = [error.lineno]
    where = f" in line {lines[-1]}" if lines else ""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}{where}{': ' * bool(said)}{said}"
