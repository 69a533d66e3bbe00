"""What must be true of folders, whatever happened."""

import csv
import json
import time
from pathlib import Path

import h5py
from PIL import Image

# How names of files begin that are not whole yet: ours, those of TensorFlow Datasets,
# and the folder that images are unpacked to.
_TEMPORARY = (".writing-", "incomplete.", "images.incomplete")


def temporary(folder: Path) -> list[Path]:
    """Returns files and folders that are temporary, without what is inside of those."""
    return [p for p in _paths(folder) if p.name.startswith(_TEMPORARY)]


def state(folder: Path) -> dict[Path, tuple[int, int]]:
    """Returns time and size of all files."""
    found = {}
    for path in _paths(folder):
        try:
            about = path.stat()
        # It was temporary.
        except OSError:
            continue
        found[path] = about.st_mtime_ns, about.st_size
    return found


def _paths(folder: Path) -> list[Path]:
    try:
        return sorted(folder.rglob("*"))
    # A folder went while it was looked through.
    except OSError:
        return []


def check_whole(folder: Path) -> None:
    """Reads every file that another process may read."""
    for path in _paths(folder):
        parts = path.relative_to(folder).parts
        is_temporary = any(part.startswith(_TEMPORARY) for part in parts)
        if path.is_file() and not is_temporary:
            _check_file(path)


def _check_file(path: Path) -> None:
    match path.suffix:
        case ".json":
            json.loads(path.read_text(encoding="utf-8"))
        case ".h5":
            with h5py.File(path) as file:
                file.visititems(lambda _, item: getattr(item, "nbytes", 0))
        case ".png" | ".jpg":
            with Image.open(path) as image:
                image.load()
        case ".csv":
            with path.open(newline="") as file:
                rows = list(csv.reader(file))
            assert len({len(row) for row in rows}) <= 1, path
        case ".md" | ".html":
            assert path.stat().st_size > 0, path


def wait_for_change(folder: Path, process, before: dict | None = None) -> bool:
    """Waits until a process writes; returns whether it did before its end."""
    before = state(folder) if before is None else before
    while process.poll() is None:
        if state(folder) != before:
            return True
        time.sleep(0.02)
    return False
