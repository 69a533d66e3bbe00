"""Results: measured beside reported, as a table and as JSON."""

import dataclasses
import json
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import numpy as np

from rim_tf.speed import precision
from rim_tf.training import muon

_REPORTED_FOLDER = Path(__file__).parent / "reported"
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


@dataclasses.dataclass(frozen=True)
class Measured:
    """The quality of a model on a test set under one condition.

    Attributes:
      model: Name of the row, for instance "RIM-denoise".
      test_set: Name of the test set, for instance "68".
      condition: For instance `{"sigma": 25, "quantized": False}`.
      metric: "psnr", in dB, or "ssim".
      mean: Mean over images.
      num_images: Number of images.
      per_image: The value of each image by id.
    """

    model: str
    test_set: str
    condition: Mapping[str, Any]
    metric: str
    mean: float
    num_images: int
    per_image: Mapping[str, float]

    @property
    def standard_error(self) -> float | None:
        """Standard error of the mean; None for a single image."""
        return standard_error(list(self.per_image.values()))


def standard_error(
    values: Sequence[float], clusters: Sequence[int] | None = None
) -> float | None:
    """Returns the standard error of the mean of values, which may come in clusters.

    Patches of the same image are alike: many of them say less than as many patches of
    other images.

    Args:
      values: `(number,)`.
      clusters: `(number,)`, to which cluster each belongs; each is one if None.

    Returns:
      The standard error for other clusters of the same kind; None if there is one only.
    """
    clusters = np.arange(len(values)) if clusters is None else clusters
    names, members = np.unique(clusters, return_inverse=True)
    number = len(names)
    if number < 2:
        return None
    deviations = np.bincount(members, weights=values - np.mean(values))
    variance = number / (number - 1) * np.square(deviations).sum() / len(values) ** 2
    return float(np.sqrt(variance))


def verdict(reproduced: bool) -> str:
    """Says whether something of the paper is reproduced."""
    return "reproduced" if reproduced else "NOT REPRODUCED"


def read_reported(name: str) -> dict[str, Any]:
    """Returns the paper's numbers of a table, with their provenance.

    Args:
      name: For instance "table2_denoise".
    """
    return json.loads((_REPORTED_FOLDER / f"{name}.json").read_text())


class Table:
    """A Markdown table whose rows can be printed one by one, as they are ready.

    Args:
      columns: Headings, the first of which is that of the row's name.
      first_width: Width of the first column in characters.
      width: Least width of the others.
    """

    def __init__(self, columns: Sequence[str], first_width: int, width: int = 5):
        self._widths = [first_width, *(max(len(c), width) for c in columns[1:])]
        self.lines = [
            self._line(columns),
            "|"
            + "|".join(
                ("-" * (width + 2)) if i == 0 else ("-" * (width + 1)) + ":"
                for i, width in enumerate(self._widths)
            )
            + "|",
        ]

    def add(self, name: str, values: Iterable[float | str | None]) -> str:
        """Adds a row; a value that is None leaves its field empty.

        Numbers are shown with two decimals, text as it is.

        Returns:
          The row as a line of text.
        """
        fields = [
            f"{value:.2f}" if isinstance(value, float) else value or ""
            for value in values
        ]
        self.lines.append(self._line([name, *fields]))
        return self.lines[-1]

    def _line(self, fields: Sequence[str]) -> str:
        first, *others = fields
        cells = [first.ljust(self._widths[0])]
        cells += [
            field.rjust(width)
            for field, width in zip(others, self._widths[1:], strict=True)
        ]
        return "| " + " | ".join(cells) + " |"


def count(number: int, noun: str, plural: str = "") -> str:
    """Returns a number of things in words, such as "1 image" or "20 images"."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"


def describe_seconds(seconds: float) -> str:
    """Returns a duration in words, such as "40 s" or "12 min"."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


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
    script: str,
    settings: Mapping[str, Any],
    dataset: str,
    seconds: float,
    measured: Sequence[Measured],
    reported: Mapping[str, Any],
    weights: Mapping[str, Any],
) -> str:
    """Returns all that there is to know about a run as JSON text."""
    return json.dumps(
        {
            "script": script,
            "settings": dict(settings),
            "versions": versions(),
            "seed": settings["seed"],
            "dataset": dataset,
            "seconds": round(seconds, 1),
            "measured": [dataclasses.asdict(record) for record in measured],
            "reported": reported,
            "weights": weights,
        },
        indent=1,
    )
