"""The models that a script tests: shipped ones, the user's, or trained by it."""

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import keras
from absl import flags

from paper_experiments import experiment, model_training, reporting
from paper_experiments.experiment import Experiment
from paper_experiments.user_errors import UserError
from rim_tf import pretrained
from rim_tf.problems import Problem
from rim_tf.rim import RIM

_WEIGHTS = flags.DEFINE_string(
    "weights",
    None,
    "Trained weights to test: a name or the path of a .weights.h5. For the models of "
    "Figure 3: a folder that holds NAME.weights.h5 or NAME/NAME.weights.h5 of each.",
)
_TRAIN = flags.DEFINE_bool(
    "train",
    False,
    "Train first. An interrupted training in --output_dir is continued.",
)
_INITIAL_WEIGHTS = flags.DEFINE_string(
    "initial_weights",
    None,
    "With --train: Trained weights to start from, as --weights.",
)
_TRAINING_FOLDER = "training"


def start(script: str) -> Experiment:
    """Starts a run, see `experiment.start`, with the devices of its training.

    Raises:
      UserError: If flags of the models are wrong or of no use, or those of the run.
    """
    if _TRAIN.value:
        if _WEIGHTS.value:
            raise UserError("--weights: not with --train, which makes new weights.")
        model_training.prepare()
    else:
        initial_weights = flags.FLAGS[_INITIAL_WEIGHTS.name]
        for flag in (initial_weights, *model_training.TRAINING_FLAGS):
            if flag.present:
                raise UserError(f"--{flag.name}: only with --train.")
    return experiment.start(script)


def chooses_weights() -> bool:
    """Says whether the user names weights, or asks for a training."""
    return _TRAIN.value or _WEIGHTS.value is not None


def obtain_model(
    run: Experiment,
    default_weights: str,
    problem: Problem,
    color: str,
    make_model: Callable[[], RIM],
) -> tuple[RIM, dict[str, Any]]:
    """Loads weights, or trains a model if --train is given.

    Args:
      run: What `start` returned.
      default_weights: Name of the shipped weights.
      problem: What the model is trained on.
      color: A key of `rim_tf.images.COLOR_CONVERSIONS`.
      make_model: Makes an untrained model.

    Returns:
      The model and the history of its weights.

    Raises:
      UserError: If there are no such weights, or the flags do not fit them or the
        training.
    """
    if not _TRAIN.value:
        name = _WEIGHTS.value or default_weights
        if name == default_weights and name not in pretrained.available():
            raise UserError(f"There are no weights {name} yet: give --train.")
        model, history = _load_weights("weights", name, run, color, make_model)
        print(f"Weights: {name}.")
        return model, {"name": str(name), **history}
    path, history = _train(
        run,
        default_weights,
        problem,
        color,
        make_model,
        run.output_dir / _TRAINING_FOLDER,
        _INITIAL_WEIGHTS.value,
    )
    print(f"Trained weights: {path}, to be tested with --weights={path}.")
    # Anew: the trained one may be spread over several devices.
    return pretrained.load_pretrained(path, run.dtype), history


def obtain_models(
    run: Experiment,
    problem: Problem,
    color: str,
    make_models: Mapping[str, Callable[[], RIM]],
) -> dict[str, tuple[RIM, dict[str, Any]]]:
    """Loads several shipped models, or trains all of them alike with --train.

    Args:
      run: What `start` returned.
      problem: What the models are trained on.
      color: A key of `rim_tf.images.COLOR_CONVERSIONS`.
      make_models: What makes an untrained model, by the name of its weights.

    Returns:
      By name, the model and the history of its weights.

    Raises:
      UserError: If there are no such weights, or flags are wrong.
    """
    flag = _INITIAL_WEIGHTS if _TRAIN.value else _WEIGHTS
    if flag.value:
        paths = _find_in_folder(flag, make_models)
    else:
        paths = {} if _TRAIN.value else {name: name for name in make_models}
    # All before the first training, so that none is in vain.
    loaded = {
        name: _load_weights(flag.name, path, run, color, make_models[name])
        for name, path in paths.items()
    }
    if _TRAIN.value:
        return _train_models(run, problem, color, make_models, paths)
    return loaded


def _train_models(
    run: Experiment,
    problem: Problem,
    color: str,
    make_models: Mapping[str, Callable[[], RIM]],
    initial_weights: Mapping[str, str],
) -> dict[str, tuple[RIM, dict[str, Any]]]:
    """Trains several models alike; see `obtain_models`."""
    folder = run.output_dir / _TRAINING_FOLDER
    trained = {}
    for name, make_model in make_models.items():
        print(f"\nTraining of {name}:")
        path, history = _train(
            run,
            name,
            problem,
            color,
            make_model,
            folder / name,
            initial_weights.get(name),
        )
        trained[name] = pretrained.load_pretrained(path, run.dtype), history
    print(f"Trained weights: {folder}, to be tested with --weights={folder}.")
    return trained


def _find_in_folder(
    flag: flags.FlagHolder[str], names: Iterable[str]
) -> dict[str, str]:
    """Returns by name the weights in the folder that a flag names."""
    folder = Path(flag.value).expanduser()
    found = {}
    for name in names:
        file = f"{name}.weights.h5"
        paths = [
            path for path in (folder / file, folder / name / file) if path.exists()
        ]
        if not paths:
            raise UserError(
                f"--{flag.name}: {folder} is to be a folder that holds {file} or "
                f"{name}/{file}."
            )
        found[name] = str(paths[0])
    return found


def _load_weights(
    flag: str,
    name: str,
    run: Experiment,
    color: str,
    make_model: Callable[[], RIM],
) -> tuple[RIM, dict[str, Any]]:
    """Loads the weights that a flag names, if they are for the task, and their history.

    A GDN or an FFN is refused in place of a RIM, and the other way round.
    """
    try:
        model = pretrained.load_pretrained(name, run.dtype)
        history = pretrained.read_history(name)
    except ValueError as error:
        raise UserError(f"--{flag}: {error}") from error
    channels = 3 if color == "rgb" else 1
    if model.cell.channels != channels:
        raise UserError(
            f"--{flag}: {name} restores images of "
            f"{reporting.count(model.cell.channels, 'channel')}, {run.script} "
            f"needs {channels}."
        )
    if history.get("color", color) != color:
        raise UserError(
            f"--{flag}: {name} was trained on {history['color']} images, "
            f"{run.script} needs {color}."
        )
    cell, needed = (type(rim.cell).__name__ for rim in (model, make_model()))
    if cell != needed:
        raise UserError(
            f"--{flag}: {name} is of another model: its cell is {cell}, not {needed}."
        )
    return model, history


def _train(
    run: Experiment,
    name: str,
    problem: Problem,
    color: str,
    make_model: Callable[[], RIM],
    folder: Path,
    initial_weights: str | None,
) -> tuple[Path, dict[str, Any]]:
    """Trains a model; returns the path of its weights, and their history."""
    if initial_weights and experiment.overwrites():
        _refuse_to_delete(initial_weights, folder)
    begin = functools.partial(_initial_model, run, color, make_model, initial_weights)
    return model_training.train(run, name, problem, color, begin, folder)


def _refuse_to_delete(initial_weights: str, folder: Path) -> None:
    """Raises if a training would delete what it is to start from."""
    source = Path(initial_weights).expanduser()
    # A missing file is reported where it is read.
    if source.exists() and source.resolve().is_relative_to(folder.resolve()):
        raise UserError(
            f"--overwrite: it would delete {initial_weights}, which is to start "
            "from; choose another --output_dir."
        )


def _initial_model(
    run: Experiment,
    color: str,
    make_model: Callable[[], RIM],
    initial_weights: str | None,
) -> tuple[RIM, dict[str, Any]]:
    """Returns the model that a training starts from, and what its history says."""
    if initial_weights is None:
        # The same for every model of a run.
        keras.utils.set_random_seed(run.seed)
        return make_model(), {}
    model, history = _load_weights(
        "initial_weights", initial_weights, run, color, make_model
    )
    name = Path(initial_weights).name
    return model, {"initial_weights": {"name": name, **history}}
