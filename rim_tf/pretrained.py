"""Trained weights: those shipped with the project, and your own.

A set of weights is two files side by side: `<name>.weights.h5`, in float16 to
keep it small, and `<name>.json` with the architecture and the history of the
weights: how they were trained, on what, for how long, and how well they did; and with
the checksum of the other file.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np

from rim_tf import cells, files
from rim_tf.rim import RIM

WEIGHTS_FOLDER = Path(__file__).parent / "weights"
# What the names of files of weights end in.
SUFFIX = ".weights.h5"


class WeightsNotFoundError(ValueError):
    """There are no weights of that name."""


def available() -> list[str]:
    """Returns the names of the weights shipped with the project."""
    return sorted(
        p.name.removesuffix(SUFFIX) for p in WEIGHTS_FOLDER.glob(f"*{SUFFIX}")
    )


def load_pretrained(name_or_path: str | Path, dtype: str | None = None) -> RIM:
    """Returns a trained RIM.

    Weights of strangers are safe to load: numbers are read, and names of the cells and
    links that are known already, and nothing that the files hold is executed. What is
    damaged, not finite, larger than it can be, or stands in other files, is refused. Of
    a `.keras` file the same is true of `keras.saving.load_model` as it is: functions in
    it are refused, unless you give `safe_mode=False`. Python files, such as one with a
    cell, are programs: read them first.

    Args:
      name_or_path: A name of `available()`, for instance "rim_denoise", or the
        path of a file `<name>.weights.h5` that stands beside `<name>.json`.
      dtype: "float32" or "mixed_bfloat16"; Keras' global policy if None. The
        weights and the estimates are float32 in either case.

    Raises:
      WeightsNotFoundError: If there are no such weights.
      ValueError: If the weights do not fit the architecture in the JSON file, are not
        finite, or the class of a cell or a link of your own is not known: import, or
        register, first. If a file is damaged, a `files.DamagedFileError`.

    Example:

        model = rim_tf.load_pretrained("rim_denoise")
        restored = rim_tf.restore(model, noisy, sigma=25 / 255)
    """
    path = _find(name_or_path)
    described = _read_json(path)
    # Before HDF5 looks into the file.
    if described["sha256"] not in (None, _checksum(path)):
        raise _damaged(path, f"its checksum is not that in {_json_path(path).name}")
    rim = _make(described["architecture"], path, dtype)
    _load_weights(rim, path)
    return rim


def _make(architecture: dict[str, Any], path: Path, dtype: str | None) -> RIM:
    """Returns the network that a description asks for, whose weights are not loaded."""
    number = 0
    try:
        rim = _from_architecture(architecture, dtype)
        number = _least_parameters(rim)
        # Of 16 bits, and not compressed.
        if 2 * number <= path.stat().st_size:
            rim.build()
            return rim
    # A description can make a class raise whatever it stumbles over.
    except Exception as error:
        raise ValueError(
            f"{_json_path(path)} has an architecture that is not known here: {error}"
        ) from error
    raise ValueError(
        f"{_json_path(path)} asks for {number:,} weights, more than {path.name} can "
        "hold."
    )


def _least_parameters(rim: RIM) -> int:
    """Returns how many parameters a network has at least, before there is any.

    A description may ask for more than there is memory. A cell of a user's class makes
    what that makes.
    """
    is_known = type(rim.cell) in (cells.RIMCell, cells.GDNCell, cells.FFNCell)
    return rim.cell.num_parameters if is_known else 0


def _load_weights(rim: RIM, path: Path) -> None:
    try:
        rim.load_weights(path)
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"{path} does not fit the architecture in {_json_path(path).name}: {error}"
        ) from error
    # Also a file that Git LFS has not fetched, which is a line of text. What is damaged
    # makes HDF5 raise whatever it stumbles over.
    except Exception as error:
        raise _damaged(path, error) from error
    if not all(np.isfinite(value).all() for value in rim.get_weights()):
        raise _damaged(path, "weights are not finite")


def _damaged(path: Path, reason: object) -> files.DamagedFileError:
    return files.DamagedFileError(
        f"{path} is damaged, or was not downloaded whole ({reason}); get it again."
    )


def _checksum(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise _damaged(path, error) from error


def read_history(name_or_path: str | Path) -> dict[str, Any]:
    """Returns how weights came to be: settings, data, duration, validation.

    Raises:
      WeightsNotFoundError: If there are no such weights.
    """
    return _read_json(_find(name_or_path))["history"]


def read_architecture(name_or_path: str | Path) -> dict[str, Any]:
    """Returns what network weights are of: its cell, link and gradient, T.

    Raises:
      WeightsNotFoundError: If there are no such weights.
    """
    return _read_json(_find(name_or_path))["architecture"]


def save_pretrained(rim: RIM, path: str | Path, history: dict[str, Any]) -> None:
    """Saves weights in float16, with architecture and history beside them.

    Keras' own `rim.save("mine.keras")` keeps all digits, and the optimizer, in a larger
    file.

    Args:
      rim: A built RIM, with a cell of `rim_tf.cells` or one of your own: a Keras layer
        whose class is registered by `keras.saving.register_keras_serializable`, and
        whose `get_config` returns what its `__init__` takes. Who loads it imports that
        class first; a link of your own is known after `rim_tf.links.register`.
      path: The weights file, ending in `.weights.h5`.
      history: What is to be known about the weights; goes to the JSON file.

    Raises:
      FloatingPointError: If a weight is beyond the range of float16.
      TypeError: If the history holds what JSON cannot, such as an array.
      ValueError: If the cell's class is not registered, or the path ends otherwise.

    Example:

        rim_tf.save_pretrained(rim, "mine.weights.h5", {"trained on": "my patches"})
        rim = rim_tf.load_pretrained("mine.weights.h5")
    """
    path = Path(path).expanduser()
    if not path.name.endswith(SUFFIX):
        raise ValueError(f"The path of weights ends in {SUFFIX}, not so {path}.")
    architecture = _architecture(rim)
    _check_history(history)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = rim.with_dtype("float16")
    with np.errstate(over="ignore"):
        values = [np.asarray(value, np.float16) for value in rim.get_weights()]
    if not all(np.isfinite(value).all() for value in values):
        raise FloatingPointError("A weight is not finite in float16.")
    half.set_weights(values)
    files.save_weights(half, path)
    described = {
        "architecture": architecture,
        "history": history,
        "sha256": _checksum(path),
    }
    files.write_json(_json_path(path), described)


def _check_history(history: dict[str, Any]) -> None:
    """Raises a `TypeError` if JSON cannot hold it, before any file is written."""
    try:
        json.dumps(history)
    except TypeError as error:
        raise TypeError(
            f"history must hold what JSON can: {error}; convert it, such as by float()."
        ) from error


def _architecture(rim: RIM) -> dict[str, Any]:
    config = rim.cell.get_config()
    layer_settings = keras.Layer().get_config()
    cell = {key: value for key, value in config.items() if key not in layer_settings}
    return {
        "cell": {"class": _name_of_class(type(rim.cell)), **cell},
        "link": rim.link.name,
        "gradient": rim.gradient,
        "num_steps": rim.num_steps,
        "normalize": rim.normalize,
        "fills_pixels": rim.fills_pixels,
    }


def _from_architecture(architecture: dict[str, Any], dtype: str | None) -> RIM:
    settings = dict(architecture["cell"])
    cell_class = _class_of_name(settings.pop("class"))
    return RIM(
        cell_class.from_config({**settings, "dtype": dtype}),
        link=architecture["link"],
        gradient=architecture["gradient"],
        num_steps=architecture["num_steps"],
        # Weights that were saved before these were there.
        normalize=architecture.get("normalize", True),
        fills_pixels=architecture.get("fills_pixels", True),
        dtype=dtype,
    )


def _name_of_class(cell_class: type) -> str:
    """Returns the name of one of `rim_tf.cells`, or that which Keras knows it by."""
    if getattr(cells, cell_class.__name__, None) is cell_class:
        return cell_class.__name__
    name = keras.saving.get_registered_name(cell_class)
    if keras.saving.get_registered_object(name) is not cell_class:
        raise ValueError(
            f"The cell's class {cell_class.__name__} has no name in files; write "
            '@keras.saving.register_keras_serializable("mine") above it.'
        )
    return name


def _class_of_name(name: str) -> type:
    found = getattr(cells, name, None) or keras.saving.get_registered_object(name)
    # Anybody can write a name: one of a class that is no cell is not to be called.
    is_layer = isinstance(found, type) and issubclass(found, keras.Layer)
    if not (is_layer and hasattr(found, "get_initial_state")):
        raise ValueError(
            f"The cell's class {name} is not known; import the module that defines it."
        )
    return found


def _find(name_or_path: str | Path) -> Path:
    path = Path(os.path.expanduser(name_or_path))
    if not path.name.endswith(SUFFIX):
        path = WEIGHTS_FOLDER / f"{name_or_path}{SUFFIX}"
        if not path.exists():
            raise WeightsNotFoundError(
                f"No weights are called {str(name_or_path)!r}; there are "
                f"{', '.join(available()) or 'none'}. "
                f"The path of a file ends in {SUFFIX}."
            )
    if not path.exists():
        raise WeightsNotFoundError(f"{path} does not exist.")
    if not _json_path(path).exists():
        raise WeightsNotFoundError(
            f"{path} needs {_json_path(path).name} beside it, which does not exist."
        )
    return path


def _json_path(weights_path: Path) -> Path:
    return weights_path.with_name(weights_path.name.removesuffix(SUFFIX) + ".json")


def _read_json(weights_path: Path) -> dict[str, Any]:
    path = _json_path(weights_path)
    described = files.read_json(path, "get it again")
    parts = {}
    for key in ("architecture", "history"):
        parts[key] = described.get(key) if isinstance(described, dict) else None
        if not isinstance(parts[key], dict):
            raise ValueError(
                f"{path} does not describe weights of this project: it has no {key}."
            )
    # Of older weights nothing is known.
    return {**parts, "sha256": described.get("sha256")}
