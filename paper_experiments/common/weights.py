"""The models that a script tests: shipped ones, or the user's."""

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras

from paper_experiments.common import cell_files, provenance
from paper_experiments.common.errors import UserError
from paper_experiments.common.run import Run
from paper_experiments.common.wording import count
from rim_tf import pretrained
from rim_tf.cells import RIMCell
from rim_tf.rim import RIM


def load(
    name: str,
    run: Run,
    color: str,
    cell: type[RIMCell] = RIMCell,
    flag: str = "weights",
) -> tuple[RIM, dict[str, Any]]:
    """Loads weights, if they are for the task; --cell names a cell of one's own.

    Args:
      name: A name of shipped weights, or a path.
      run: The run, whose arithmetic they are loaded in.
      color: What images they restore, a key of `rim_tf.images.COLOR_CONVERSIONS`.
      cell: Class of the model's cell: a GDN or an FFN is refused in place of a RIM, and
        the other way round.
      flag: Name of the flag that names the weights.

    Returns:
      The model, and the history of its weights with their name, their architecture,
      the number of parameters, and what is not the paper's.

    Raises:
      UserError: If there are no such weights, or they are not for this.
    """
    try:
        history = pretrained.read_history(name)
        cell = _own_cell(run, history, name, flag) or cell
        model = pretrained.load_pretrained(name, run.dtype)
    except ValueError as error:
        raise UserError(f"--{flag}: {error}") from error
    channels = channels_of(color)
    its_channels = getattr(model.cell, "channels", channels)
    if its_channels != channels:
        raise UserError(
            f"--{flag}: {name} restores images of {count(its_channels, 'channel')}, "
            f"{run.script} needs {channels}."
        )
    if history.get("color", color) != color:
        raise UserError(
            f"--{flag}: {name} was trained on {history['color']} images, "
            f"{run.script} needs {color}."
        )
    if type(model.cell) is not cell:
        raise UserError(
            f"--{flag}: {name} is of another model: its cell is "
            f"{type(model.cell).__name__}, not {cell.__name__}."
        )
    history = {
        **history,
        # Not that of the recipe: other weights may have been trained by it.
        "name": str(name),
        "architecture": pretrained.read_architecture(name),
        "parameters": model.count_params(),
    }
    try:
        remarks = provenance.not_the_papers(history)
    # Anybody can write a history.
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"--{flag}: {name} has a history that is none of train.py ({error!r})."
        ) from error
    return model, {**history, "not_the_papers": remarks}


def channels_of(color: str) -> int:
    """Returns how many channels images have in a color, as `load` takes it."""
    return 3 if color == "rgb" else 1


def _own_cell(
    run: Run, history: Mapping[str, Any], name: str, flag: str
) -> type[keras.Layer] | None:
    """Returns the class that --cell names; None if there is none."""
    trained = history.get("cell")
    # Other weights of the run have the cells of the library.
    asked = run.flags.get("cell") if run.flags.get(flag) == name else None
    if asked is None:
        if trained:
            path = Path(name).expanduser().with_name(trained["file"])
            raise UserError(
                f"--{flag}: {name} has a cell of its own; give "
                f"--cell={path}:{trained['class']}."
            )
        return None
    file = cell_files.find(asked)
    if trained:
        cell_files.check_same(file, trained, name)
    return cell_files.load(file)


def row_of(row: str, usual: str, history: Mapping[str, Any]) -> str:
    """Returns the name of a table's row for weights that may be others.

    Args:
      row: The name for weights of the paper's network, trained as in the paper.
      usual: Name of the weights that the row is of.
      history: Of the weights, as `load` returns it.
    """
    name = history["name"]
    others = provenance.not_the_papers(history) or _is_of_another_task(history, usual)
    if name == usual or not others:
        return row
    path = Path(name)
    stem = path.name.removesuffix(pretrained.SUFFIX)
    if stem == path.name:
        return stem
    if path.parent.name == stem:
        # As train.py leaves it: the folder of the run tells more than the recipe.
        stem = f"{path.parents[1].name}/{stem}"
    return f"{stem} (yours)"


def _is_of_another_task(history: Mapping[str, Any], usual: str) -> bool:
    """Returns whether weights were trained on other problems than the usual ones."""
    histories = history, pretrained.read_history(usual)
    problems = [each.get("problem", "").partition("(")[0] for each in histories]
    return all(problems) and problems[0] != problems[1]


def find_in_folder(folder: str, names: Iterable[str]) -> dict[str, str]:
    """Returns by name the weights in a folder that --weights names.

    Args:
      folder: It holds `NAME.weights.h5` or, as train.py leaves it,
        `NAME/NAME.weights.h5` for each name; or the same of `NAME_paper`. Or it is
        such a `NAME` or `NAME_paper` itself, beside those of the other names.
      names: Names of weights.

    Raises:
      UserError: If one is missing.
    """
    names, parent, suffixes = list(names), Path(folder).expanduser(), ("", "_paper")
    found = _search(parent, names, suffixes)
    of_one = [s for s in suffixes if parent.name in {f"{name}{s}" for name in names}]
    if of_one and len(found) < len(names):
        parent, suffixes = parent.parent, of_one
        found = _search(parent, names, suffixes)
    for name in names:
        if name not in found:
            wanted = f"{name}{suffixes[0]}"
            raise UserError(
                f"--weights: {parent} is to be a folder that holds "
                f"{wanted}.weights.h5 or {wanted}/{wanted}.weights.h5."
            )
    return found


def _search(
    folder: Path, names: Iterable[str], suffixes: Iterable[str]
) -> dict[str, str]:
    """Returns the files of weights that a folder holds, by name."""
    found = {}
    for name, suffix in itertools.product(names, suffixes):
        file = f"{name}{suffix}{pretrained.SUFFIX}"
        for path in (folder / file, folder / f"{name}{suffix}" / file):
            if path.exists():
                found.setdefault(name, str(path))
    return found
