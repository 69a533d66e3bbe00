"""What is kept of a training on disk, and how it goes on from there."""

import csv
import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rim_tf import files
from rim_tf.training.settings import TrainingError, TrainingSettings

CHECKPOINT_FILE = "last.weights.h5"
BEST_FILE = "best.weights.h5"
LOG_FILE = "log.csv"
SETTINGS_FILE = "settings.json"
RUNS_FILE = "runs.json"
# What may change when a training goes on, since its result does not depend on it.
_FREE_SETTINGS = {"checkpoint_minutes"}
# Numbers of the log that are read again.
_NUMBERS = ("updates", "patches", "seconds", "val_psnr")


def remember_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Writes the settings, or compares them with those of an earlier run.

    Raises:
      TrainingError: If the folder has a training with other settings, or the file is
        damaged.
    """
    path = folder / SETTINGS_FILE
    if not path.exists():
        files.write_json(path, settings)
        return
    # Settings that it did not have yet were what is the default now.
    defaults = dataclasses.asdict(TrainingSettings())
    earlier = {**defaults, **_read(path, dict)}
    changed = [
        name
        # As JSON has them.
        for name, value in json.loads(json.dumps(settings)).items()
        if name not in _FREE_SETTINGS and earlier.get(name) != value
    ]
    if changed:
        raise TrainingError(
            f"{folder} has a training with other settings ({', '.join(changed)}); "
            "choose another folder, or delete it to begin anew."
        )


def remember_run(
    folder: Path, updates_done: int, provenance: Mapping[str, Any]
) -> None:
    """Adds a run to the list of those that a training took."""
    path = folder / RUNS_FILE
    runs = _read(path, list) if path.exists() else []
    runs.append({"from_update": updates_done, **provenance})
    files.write_json(path, runs)


def rewind_log(folder: Path, updates_done: int) -> float:
    """Removes rows of the log that are later than the checkpoint.

    Returns:
      The best validation PSNR of the others, in dB.
    """
    path = folder / LOG_FILE
    if not path.exists():
        return float("-inf")
    rows = _read_log(path, updates_done)
    if not rows:
        path.unlink()
        return float("-inf")
    with files.replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return max(float(row["val_psnr"]) for row in rows)


def summary(folder: str | Path) -> dict[str, Any]:
    """Returns the end and the best validation of a training, and the runs it took.

    Raises:
      TrainingError: If the log or the list of runs is damaged.
    """
    folder = Path(folder)
    rows = _read_log(folder / LOG_FILE)
    if not rows:
        raise _damaged(folder / LOG_FILE, "it has no validation")
    best = max(rows, key=lambda row: float(row["val_psnr"]))
    return {
        "updates": int(rows[-1]["updates"]),
        "patches_seen": int(rows[-1]["patches"]),
        "seconds": float(rows[-1]["seconds"]),
        "best_after_updates": int(best["updates"]),
        "validation_psnr": round(float(best["val_psnr"]), 3),
        "runs": _read(folder / RUNS_FILE, list),
    }


def _read(path: Path, kind: type) -> Any:
    """Returns what a JSON file of a training holds, a value of that kind.

    Raises:
      TrainingError: If it is damaged.
    """
    cure = "delete it; it is made anew"
    try:
        found = files.read_json(path, cure)
    except files.DamagedFileError as error:
        raise TrainingError(str(error)) from error
    if not isinstance(found, kind):
        raise TrainingError(f"{path} holds something else; {cure}.")
    return found


def _read_log(path: Path, updates: float = math.inf) -> list[dict[str, str]]:
    """Returns the rows of a log up to so many updates.

    Later ones may be those of a training that was lost.

    Raises:
      TrainingError: If they are not those of one.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
        if any(None in row or None in row.values() for row in rows):
            raise ValueError("a row is not whole")
        kept = [row for row in rows if int(row["updates"]) <= updates]
        numbers = [float(row[name]) for row in kept for name in _NUMBERS]
        if not all(map(math.isfinite, numbers)):
            raise ValueError("a number is not finite")
        if not all(row["patches"].isdecimal() for row in kept):
            raise ValueError("a number of patches is none")
    except (csv.Error, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    return kept


def _damaged(path: Path, reason: object) -> TrainingError:
    return TrainingError(
        f"{path} is damaged ({reason}); delete {path.parent} to begin this training "
        "anew."
    )
