"""Where numbers come from: versions and commit of the code, history of the weights."""

import dataclasses
import json
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from paper_experiments.common.wording import describe_seconds
from rim_tf.speed import precision
from rim_tf.training import muon

if TYPE_CHECKING:
    # Not otherwise: benchmark_speed.py has a flag of the same name as one of run.py.
    from paper_experiments.common.run import Outcome, Run

_PAPER_PATCH_SIZE = 32
_PACKAGES = (
    "rim_tf",
    "keras",
    "tensorflow",
    "jax",
    "numpy",
    "pillow",
    "scikit-image",
)


def training_note(history: Mapping[str, Any]) -> str:
    """Says how weights were trained, beside what the paper did."""
    trainings = [history]
    while "initial_weights" in trainings[0]:
        trainings.insert(0, trainings[0]["initial_weights"])
    patches = sum(training.get("patches_seen", 0) for training in trainings)
    return (
        f"Weights {history.get('name', 'without a name')}, trained on {patches:,} "
        "patches (the paper: about 800,000, with T = 20): "
        f"{'; then '.join(map(_describe_training, trainings))}."
    )


def _describe_training(history: Mapping[str, Any]) -> str:
    settings = history.get("settings", {})
    schedule = settings.get("steps_schedule", [])
    steps = ", ".join(
        f"{t} for {share:.0%} of the computation" for t, share in schedule
    )
    if len(schedule) == 1:
        steps = str(schedule[0][0])
    remarks = []
    size = history.get("patch_size", _PAPER_PATCH_SIZE)
    if size != _PAPER_PATCH_SIZE:
        remarks.append(f"{size} x {size} pixels")
    if "quantized=True" in history.get("problem", ""):
        remarks.append("observations of 8 bits")
    remark = f" ({', '.join(remarks)})" if remarks else ""
    return (
        f"{history.get('patches_seen', 0):,} of {history.get('data', 'unknown data')}"
        f"{remark} in "
        f"{describe_seconds(history.get('seconds', 0))}, T = {steps or 'unknown'}"
        f"{', optimizer Muon' if settings.get('optimizer') == muon.NAME else ''}"
        f"{', loss log MSE' if settings.get('loss') == 'log_mse' else ''}"
    )


def versions() -> dict[str, str | None]:
    """Returns the versions of what a result depends on, and the kind of machine."""
    found: dict[str, str | None] = {
        "python": platform.python_version(),
        "backend": keras.backend.backend(),
        "machine": platform.machine(),
        "gpu": precision.gpu_name(),
        "commit": commit(),
    }
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def commit() -> str | None:
    """Returns the commit of the checkout, marked where files were changed."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()


def result_json(
    run: "Run", settings: Mapping[str, Any], dataset: str, outcome: "Outcome"
) -> str:
    """Returns all that there is to know about a run as JSON text."""
    return json.dumps(
        {
            "script": run.script,
            "settings": settings,
            "versions": versions(),
            "seed": run.seed,
            "dataset": dataset,
            "seconds": round(run.seconds, 1),
            "measured": [dataclasses.asdict(record) for record in outcome.measured],
            "reported": outcome.reported,
            "weights": outcome.weights,
        },
        indent=1,
    )
