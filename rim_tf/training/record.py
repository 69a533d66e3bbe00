"""What is kept of a training on disk, and how it goes on from there."""

import csv
import dataclasses
import json
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


def remember_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Writes the settings, or compares them with those of an earlier run.

    Raises:
      TrainingError: If the folder has a training with other settings.
    """
    text = json.dumps(settings, indent=2)
    path = folder / SETTINGS_FILE
    if not path.exists():
        files.write_text(path, text)
        return
    # Settings that it did not have yet were what is the default now.
    defaults = dataclasses.asdict(TrainingSettings())
    earlier = {**defaults, **json.loads(path.read_text())}
    changed = [
        name
        for name, value in json.loads(text).items()
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
    runs = json.loads(path.read_text()) if path.exists() else []
    runs.append({"from_update": updates_done, **provenance})
    files.write_text(path, json.dumps(runs, indent=2))


def rewind_log(folder: Path, updates_done: int) -> float:
    """Removes rows of the log that are later than the checkpoint.

    Returns:
      The best validation PSNR of the others, in dB.
    """
    path = folder / LOG_FILE
    if not path.exists():
        return float("-inf")
    rows = [row for row in _read_log(path) if int(row["updates"]) <= updates_done]
    if not rows:
        path.unlink()
        return float("-inf")
    with files.replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return max(float(row["val_psnr"]) for row in rows)


def summary(folder: str | Path) -> dict[str, Any]:
    """Returns the end and the best validation of a training, and the runs it took."""
    folder = Path(folder)
    rows = _read_log(folder / LOG_FILE)
    best = max(rows, key=lambda row: float(row["val_psnr"]))
    return {
        "updates": int(rows[-1]["updates"]),
        "patches_seen": int(rows[-1]["patches"]),
        "seconds": float(rows[-1]["seconds"]),
        "best_after_updates": int(best["updates"]),
        "validation_psnr": round(float(best["val_psnr"]), 3),
        "runs": json.loads((folder / RUNS_FILE).read_text()),
    }


def _read_log(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
