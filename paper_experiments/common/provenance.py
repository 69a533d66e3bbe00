"""Where numbers come from: versions and commit of the code, history of the weights."""

import hashlib
import inspect
import platform
import subprocess
from collections.abc import Collection, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import keras

from paper_experiments.common.wording import count
from rim_tf.rim import PAPER_NUM_STEPS, RIM
from rim_tf.speed import precision
from rim_tf.training import muon, optimizers

_PAPER_PATCH_SIZES = {"luminance": 36}
_PAPER_PATCHES = 800_000
_PAPER_CELLS = ("RIMCell", "GDNCell", "FFNCell")
_PAPER_ARCHITECTURE = {
    **{"features": 64, "state_features": 256, "stride": 2, "dilation": 1},
    **{"link": "sigmoid", "gradient": "x", "sees_sigma": False},
}
# Of super-resolution, by the color of its images; a guess.
_PAPER_ARCHITECTURES = {
    "luminance": {
        **_PAPER_ARCHITECTURE,
        **{"state_features": 100, "stride": 1, "dilation": 2},
    }
}
_EIGHT_BITS = "observations of 8 bits"
# What flags of train.py replace in all stages and no other remark tells.
_TOLD_OVERRIDES = ("learning_rate", "warmup_updates", "patch_stride")
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
    """Says in a line of what network weights are, with how many patches, and how."""
    stages = stages_of(history)
    remarks = _remarks(history)
    how = f"with {', '.join(remarks)}" if remarks else "by the paper's recipe"
    data = ", ".join(dict.fromkeys(s.get("data", "unknown data") for s in stages))
    number = history.get("parameters")
    parameters = f"{number:,} parameters, " if number else ""
    return (
        f"Weights {history.get('name', 'without a name')}: {parameters}"
        f"{patches_seen(history):,} patches of {data} (the paper: about "
        f"{_PAPER_PATCHES:,}) in {count(len(stages), 'stage')}, {how}; history in the "
        "JSON file beside them."
    )


def not_the_papers(history: Mapping[str, Any]) -> list[str]:
    """Says what of weights is not the paper's: network, training, fewer patches.

    Args:
      history: As `weights.load` returns it.
    """
    seen = patches_seen(history)
    patches = [f"{seen:,} patches"] if seen < _PAPER_PATCHES else []
    # Whether the paper's model of colour was trained on them it does not say.
    expected = {_EIGHT_BITS} if history.get("color") == "rgb" else set()
    return [r for r in [*_remarks(history), *patches] if r not in expected]


def stages_of(history: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Returns the histories of a training's stages, the first one first."""
    stages = [history]
    while "initial_weights" in stages[0]:
        stages.insert(0, stages[0]["initial_weights"])
    return stages


def patches_seen(history: Mapping[str, Any]) -> int:
    """Returns how many patches all stages of a training saw."""
    return sum(stage.get("patches_seen", 0) for stage in stages_of(history))


def _remarks(history: Mapping[str, Any]) -> list[str]:
    """Says what network and training have that is not the paper's, each once."""
    overrides = history.get("overrides", {})
    told = [f"{key} {overrides[key]:g}" for key in _TOLD_OVERRIDES if key in overrides]
    of_stages = [remark for s in stages_of(history) for remark in _remarks_on_stage(s)]
    return list(dict.fromkeys([*_remarks_on_network(history), *of_stages, *told]))


def _remarks_on_network(history: Mapping[str, Any]) -> list[str]:
    """Says what of an architecture is not the paper's; nothing if it is not known."""
    architecture = history.get("architecture")
    if architecture is None:
        return []
    cell = architecture["cell"]
    if cell["class"] not in _PAPER_CELLS:
        # What else it has only its own file can tell.
        cell = {"class": cell["class"]}
    paper = _PAPER_ARCHITECTURES.get(history.get("color"), _PAPER_ARCHITECTURE)
    others = [
        f"{key} {value}"
        for key, value in {**cell, **architecture}.items()
        if paper.get(key, value) != value
    ]
    return [*([f"cell {cell['class']}"] if len(cell) == 1 else []), *others]


def _remarks_on_stage(stage: Mapping[str, Any]) -> list[str]:
    """Says what a stage has that is not the paper's."""
    settings = stage.get("settings", {})
    usual = _PAPER_PATCH_SIZES.get(stage.get("color"), 32)
    size = stage.get("patch_size", usual)
    schedule = settings.get("steps_schedule", [[PAPER_NUM_STEPS, 1.0]])
    optimizer = settings.get("optimizer", optimizers.ADAM)
    said = {
        "growing T": len(schedule) > 1,
        f"T = {schedule[0][0]}": len(schedule) == 1
        and schedule[0][0] != PAPER_NUM_STEPS,
        "Muon": optimizer == muon.NAME,
        f"optimizer {optimizer}": optimizer not in (optimizers.ADAM, muon.NAME),
        "loss log MSE": settings.get("loss") == "log_mse",
        f"patches of {size} x {size}": size != usual,
        _EIGHT_BITS: "quantized=True" in stage.get("problem", ""),
        "unknown settings": not settings,
    }
    return [remark for remark, holds in said.items() if holds]


def versions() -> dict[str, str | None]:
    """Returns the versions of what a result depends on, and the kind of machine."""
    found: dict[str, str | None] = {
        "python": platform.python_version(),
        "backend": keras.backend.backend(),
        "machine": platform.machine(),
        "processor": _processor(),
        "gpu": precision.gpu_name(),
        "commit": commit(),
    }
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def _processor() -> str | None:
    """Returns the processor's name; others round bfloat16 elsewhere."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return platform.processor() or None
    pairs = (line.partition(":") for line in path.read_text().splitlines())
    said = {key.strip(): value.strip() for key, _, value in pairs}
    # Under a hypervisor the name alone may be short of the generation.
    numbers = f"family {said.get('cpu family')}, model {said.get('model')}"
    return f"{said['model name']} ({numbers})" if "model name" in said else None


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
        kind = (
            *(type(model.cell).__name__, model.gradient, model.dtype_policy.name),
            *(model.normalize, model.fills_pixels),
        )
        digest.update(repr((name, *kind)).encode())
        if not type(model.cell).__module__.startswith("rim_tf."):
            # A cell of one's own, which no commit tells of.
            digest.update(Path(inspect.getfile(type(model.cell))).read_bytes())
        for weight in model.get_weights():
            digest.update(weight.tobytes())
    return digest.hexdigest()


def note_on_commits(commits: Collection[str]) -> list[str]:
    """Says so if what was kept of a measurement is of several versions."""
    if len(commits) < 2:
        return []
    commits = {commit or "unknown" for commit in commits}
    return [
        "* **Measured by several versions of the program**, whose commits are "
        f"{', '.join(sorted(commits))}; --overwrite measures all by one."
    ]
