"""Where numbers come from: versions and commit of the code, history of the weights."""

import hashlib
import platform
import subprocess
from collections.abc import Collection, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import keras

from paper_experiments.common.wording import count
from rim_tf.rim import RIM
from rim_tf.speed import precision
from rim_tf.training import muon

_PAPER_PATCH_SIZES = {"luminance": 36}
_PACKAGES = (
    "rim_tf",
    "keras",
    "tensorflow",
    "jax",
    "numpy",
    "pillow",
    "scikit-image",
    "PyWavelets",
    "bm3d",
    "scico",
)


def training_note(history: Mapping[str, Any]) -> str:
    """Says in a line with how many patches, and how, weights were trained."""
    stages = [history]
    while "initial_weights" in stages[0]:
        stages.insert(0, stages[0]["initial_weights"])
    patches = sum(stage.get("patches_seen", 0) for stage in stages)
    # In the order of the stages, each once.
    remarks = dict.fromkeys(remark for stage in stages for remark in _remarks(stage))
    how = f"with {', '.join(remarks)}" if remarks else "by the paper's recipe"
    data = ", ".join(dict.fromkeys(s.get("data", "unknown data") for s in stages))
    return (
        f"Weights {history.get('name', 'without a name')}: {patches:,} patches of "
        f"{data} (the paper: about 800,000) in {count(len(stages), 'stage')}, {how}; "
        "history in the JSON file beside them."
    )


def _remarks(stage: Mapping[str, Any]) -> list[str]:
    """Says what a stage has that is not the paper's."""
    settings = stage.get("settings", {})
    usual = _PAPER_PATCH_SIZES.get(stage.get("color"), 32)
    size = stage.get("patch_size", usual)
    said = {
        "growing T": len(settings.get("steps_schedule", [])) > 1,
        "Muon": settings.get("optimizer") == muon.NAME,
        "loss log MSE": settings.get("loss") == "log_mse",
        f"patches of {size} x {size}": size != usual,
        "observations of 8 bits": "quantized=True" in stage.get("problem", ""),
        "unknown settings": not settings,
    }
    return [remark for remark, holds in said.items() if holds]


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


def fingerprint(models: Mapping[str, RIM], but: Collection[str] = ()) -> str:
    """Returns a hash of what estimates depend on: models, packages and machine.

    Most commits change something else: they are told, see `note_on_commits`.

    Args:
      models: By name.
      but: Which of `versions` does not matter, beside the commit.
    """
    left_out = dict.fromkeys(["commit", *but])
    digest = hashlib.sha256(repr({**versions(), **left_out}).encode())
    for name, model in models.items():
        kind = type(model.cell).__name__, model.gradient, model.dtype_policy.name
        digest.update(repr((name, *kind)).encode())
        for weight in model.get_weights():
            digest.update(weight.tobytes())
    return digest.hexdigest()


def note_on_commits(commits: Collection[str]) -> list[str]:
    """Says so if what was kept of a measurement is of several versions."""
    if len(commits) < 2:
        return []
    return [
        "* **Measured by several versions of the program**, whose commits are "
        f"{', '.join(sorted(commits))}; --overwrite measures all by one."
    ]
