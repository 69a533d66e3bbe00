"""One of two results that are compared: what a script measured, and its training."""

import csv
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from paper_experiments.common.errors import UserError
from paper_experiments.common.run import RESULT_FILE
from rim_tf import pretrained

# Between the name of a row and the step of its estimate.
_STEP = ", t = "


class Condition(NamedTuple):
    """Where two results meet: what was measured under the same name.

    Attributes:
      test_set: Name of the test set.
      what: For instance `(("sigma", 25), ("quantized", False))`, and the step t where
        a script measures several.
      metric: "psnr", in dB, or "ssim".
    """

    test_set: str
    what: tuple[tuple[str, Any], ...]
    metric: str

    def __str__(self) -> str:
        what = ", ".join(f"{name} {value}" for name, value in self.what)
        return f"{self.metric.upper()}, {self.test_set}" + f": {what}" * bool(what)


class Training(NamedTuple):
    """A training, as far as it is known.

    Attributes:
      history: Of the weights, with their architecture.
      log: Rows of its validations.
      has_all_stages: Whether these are of all stages, as in the folder of a training,
        or of the last one.
    """

    history: Mapping[str, Any]
    log: list[dict[str, float]]
    has_all_stages: bool = True


class Side(NamedTuple):
    """One of the two results.

    Attributes:
      path: What the user named.
      settings: By which the observations of a test are known; none of a training.
      values: By row and condition the value of each image, infinite if it was restored
        without error; nothing of a training.
      trainings: By row; of a training by its name.
    """

    path: str
    settings: Mapping[str, Any]
    values: Mapping[str, Mapping[Condition, Mapping[str, float]]]
    trainings: Mapping[str, Training]


def read(path: str) -> Side:
    """Reads a `result.json`, the folder of one, or a folder of train.py.

    Raises:
      UserError: If it is none of these, or holds several trainings.
    """
    given = Path(path).expanduser()
    file = given / RESULT_FILE if given.is_dir() else given
    is_test = file.is_file() and file.suffix == ".json"
    if not (is_test or given.is_dir()):
        raise UserError(f"{path}: there is no such file or folder.")
    try:
        return _of_test(path, file) if is_test else _of_training(path, given)
    # Anybody can write such files.
    except (AttributeError, KeyError, TypeError, ValueError, csv.Error) as error:
        kind = "the result of a table script" if is_test else "a training of train.py"
        raise UserError(
            f"{file if is_test else given} is not {kind} ({error!r})."
        ) from error


def _of_test(path: str, file: Path) -> Side:
    result = _read_json(file)
    rows = [r for r, h in result["weights"].items() if "measured_before" not in h]
    values = {row: _values(result["measured"], row) for row in rows}
    settings = {
        **{key: result[key] for key in ("script", "dataset", "seed")},
        **{k: result["settings"].get(k) for k in ("num_steps", "precision_used")},
    }
    trainings = {row: _training_of(result["weights"][row]) for row in rows}
    return Side(path, settings, {r: v for r, v in values.items() if v}, trainings)


def _values(
    measured: list[dict[str, Any]], row: str
) -> dict[Condition, dict[str, float]]:
    found = {}
    for record in measured:
        name, _, step = record["model"].partition(_STEP)
        if name != row:
            continue
        what = {**record["condition"], **({"t": int(step)} if step else {})}
        condition = Condition(record["test_set"], tuple(what.items()), record["metric"])
        found[condition] = {
            image: math.inf if value is None else float(value)
            for image, value in record["per_image"].items()
        }
    return found


def _training_of(history: Mapping[str, Any]) -> Training:
    """Returns the training of weights that a result names, and their log if found."""
    name = str(history.get("name", ""))
    path = Path(name).expanduser()
    if not name.endswith(pretrained.SUFFIX):
        path = pretrained.WEIGHTS_FOLDER / f"{name}{pretrained.SUFFIX}"
    return Training(history, *_read_log(path))


def _of_training(path: str, folder: Path) -> Side:
    found = sorted(
        weights
        for pattern in (f"*{pretrained.SUFFIX}", f"*/*{pretrained.SUFFIX}")
        for weights in folder.glob(pattern)
        if weights.with_name(f"{_name(weights)}.json").exists()
    )
    if len(found) != 1:
        there = ", ".join(map(_name, found)) or "none (is the training done?)"
        raise UserError(
            f"{path}: a folder with {RESULT_FILE} is wanted, or with one training "
            f"that is done; there are {there}."
        )
    (weights,) = found
    described = _read_json(weights.with_name(f"{_name(weights)}.json"))
    history = {**described["history"], "architecture": described["architecture"]}
    training = Training(history, *_read_log(weights))
    return Side(path, {}, {}, {_name(weights): training})


def _name(weights: Path) -> str:
    return weights.name.removesuffix(pretrained.SUFFIX)


def _read_log(weights: Path) -> tuple[list[dict[str, float]], bool]:
    """Returns the validations, patches and seconds added up; whether of all stages."""
    stages = sorted(
        weights.parent.glob("stage_*/log.csv"),
        key=lambda path: int(path.parent.name.removeprefix("stage_")),
    )
    last = weights.with_name(f"{_name(weights)}.log.csv")
    rows, patches, seconds = [], 0.0, 0.0
    for path in stages or ([last] if last.exists() else []):
        with path.open(newline="") as file:
            stage = [{k: float(v) for k, v in r.items()} for r in csv.DictReader(file)]
        # Anybody can write a log: the last two are drawn.
        if any({"val_psnr", "loss"} - r.keys() for r in stage):
            raise ValueError(f"{path} is no log of a training")
        rows += [
            {**r, "patches": r["patches"] + patches, "seconds": r["seconds"] + seconds}
            for r in stage
        ]
        if stage:
            patches, seconds = rows[-1]["patches"], rows[-1]["seconds"]
    return rows, bool(stages)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    # The latter of brackets in brackets.
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} holds no JSON ({error}); make it again.") from error
