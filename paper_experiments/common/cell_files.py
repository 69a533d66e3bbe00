"""A cell of one's own: --cell=FILE.py:CLASS.

The file may register a link of its own, too. What is wrong with either is found before
a training begins.
"""

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from paper_experiments.common import user_files
from paper_experiments.common.errors import UserError

if TYPE_CHECKING:
    import keras

    from rim_tf.rim import RIM

# What a trial restores, beside the channels.
_TRIAL_SIZE = 16


class CellFile(NamedTuple):
    """A file, and the class in it.

    Attributes:
      path: The file.
      class_name: A class of it, or one that it imports.
    """

    path: Path
    class_name: str

    def to_json(self) -> dict[str, str]:
        """Returns what a training must remember: the file by its content, too."""
        return {
            "file": self.path.name,
            "class": self.class_name,
            "sha256": hashlib.sha256(self.path.read_bytes()).hexdigest(),
        }


def find(asked: str) -> CellFile:
    """Returns what --cell names; without running it.

    Raises:
      UserError: If it is no FILE.py:CLASS, or there is no such file.
    """
    name, colon, class_name = asked.rpartition(":")
    if not (colon and name.endswith(".py") and class_name.isidentifier()):
        raise UserError(f"--cell: give FILE.py:CLASS, not {asked}.")
    path = Path(name).expanduser()
    if not path.is_file():
        raise UserError(f"--cell: there is no file {path}.")
    return CellFile(path, class_name)


def load(file: CellFile) -> "type[keras.Layer]":
    """Runs a file; returns its class.

    Raises:
      UserError: If it cannot be run, or has no layer of Keras of that name.
    """
    import keras

    try:
        module = user_files.run(file.path)
    except user_files.ImportFailedError as error:
        raise UserError(f"--cell: {file.path.name}: {error}.") from error
    found = getattr(module, file.class_name, None)
    if not (isinstance(found, type) and issubclass(found, keras.Layer)):
        raise UserError(
            f"--cell: {file.path.name} has no class {file.class_name} that is a "
            "keras.Layer."
        )
    return found


def make(file: CellFile, settings: dict[str, Any], dtype: str) -> "keras.Layer":
    """Returns a cell of a user's class.

    Args:
      file: The file.
      settings: Arguments of its class: those of the recipe's cell that are not the
        defaults, and what flags say.
      dtype: Keras dtype policy.

    Raises:
      UserError: If the class does not take them, or fails otherwise.
    """
    cell_class = load(file)
    try:
        return cell_class(**settings, dtype=dtype)
    except Exception as error:
        asked = ", ".join(f"{key}={value}" for key, value in settings.items())
        said = user_files.describe(error, file.path)
        raise UserError(
            f"--cell: {file.class_name}({asked or 'no arguments'}) fails: {said}."
        ) from error


def build_and_check(file: CellFile, model: "RIM", channels: int) -> None:
    """Builds the model, saves it, loads it and makes steps, before a long training.

    Args:
      file: Where the model's cell comes from.
      model: Not built yet.
      channels: Of the images.

    Raises:
      UserError: If that fails, or a loaded model makes other steps.
    """
    import numpy as np

    try:
        with _short_errors():
            step, again = _before_and_after_saving(model, channels)
    except Exception as error:
        raise UserError(
            f"--cell: {file.class_name}: {user_files.describe(error, file.path)}"
        ) from error
    if not np.array_equal(step, again):
        raise UserError(
            f"--cell: {file.class_name} makes other steps after it was saved and "
            "loaded; does get_config return all arguments of __init__?"
        )


@contextlib.contextmanager
def _short_errors() -> Iterator[None]:
    """Keeps Keras from wrapping what a cell says into a page."""
    import keras

    was_wrapping = keras.config.is_traceback_filtering_enabled()
    keras.config.disable_traceback_filtering()
    try:
        yield
    finally:
        if was_wrapping:
            keras.config.enable_traceback_filtering()


def _before_and_after_saving(model: "RIM", channels: int) -> tuple[Any, Any]:
    """Returns what a model makes of random numbers, and what it makes once loaded."""
    from rim_tf import pretrained

    model.build()
    weights = model.get_weights()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trial.weights.h5"
        pretrained.save_pretrained(model, path, {})
        # What is saved has 16 bits.
        model.load_weights(path)
        step = _make_step(model, channels)
        model.set_weights(weights)
        loaded = pretrained.load_pretrained(path, model.dtype_policy.name)
    return step, _make_step(loaded, channels)


def _make_step(model: "RIM", channels: int) -> Any:
    """Returns the estimate of random numbers after two steps."""
    import numpy as np

    shape = (1, _TRIAL_SIZE, _TRIAL_SIZE, channels)
    noisy = np.random.default_rng(0).uniform(size=shape).astype("float32")
    *_, last = model.iterate(*model.prepare(noisy, 0.1), num_steps=2)
    return np.asarray(last)


def check_same(file: CellFile, trained: dict[str, str], name: str) -> None:
    """Makes sure that a file is still the one that weights were trained with.

    Args:
      file: What --cell names now.
      trained: `CellFile.to_json` of then.
      name: Of the weights, for the message.

    Raises:
      UserError: If it has changed.
    """
    if file.to_json() != {**trained, "file": file.path.name}:
        raise UserError(
            f"--cell: {file.path}:{file.class_name} is not what {name} was trained "
            f"with: {trained['class']} of another {trained['file']}; the one of then "
            "stands beside the weights."
        )
