r"""Trains models by the names of their recipes, one after the other.

    python paper_experiments/train.py rim_denoise_paper
    python paper_experiments/train.py --list

A recipe (`recipes.py`) is a few stages, each from the weights of the one before. The
flags of a stage below replace its setting in every stage, and those of the network
(--cell, --features, --state_features, --gradient, --link) its own; the weights remember
which. To change one thing, and compare with `compare.py`:

    python paper_experiments/train.py rim_denoise_paper --output_dir=results/eta \
        --gradient=eta

Progress goes to OUTPUT_DIR/NAME/stage_1 and so on, the weights to
OUTPUT_DIR/NAME/NAME.weights.h5. The same command goes on with an interrupted training.

With KERAS_BACKEND=jax it needs no TensorFlow: give --data_dir a folder of images. Only
then several machines train together, by --coordinator, --num_processes, --process_id.
"""

import dataclasses
import functools
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import flags

from paper_experiments.common import cell_files, machine_flags
from paper_experiments.common.errors import UserError
from paper_experiments.common.run import Run, flags_of_script, start_script
from paper_experiments.common.wording import count, describe_seconds
from paper_experiments.recipes import RECIPES, Stage, Task

flags.DEFINE_bool("list", False, "Show the recipes, and train nothing.")
flags.DEFINE_string("train_images", None, "A folder of images to train on instead.")
flags.DEFINE_string(
    "initial_weights",
    None,
    "Trained weights to start the first stage from: a name, or the path of a "
    ".weights.h5. Those of the recipe if not given; none for a new network.",
)
flags.DEFINE_float(
    "minutes",
    None,
    "Stop at a checkpoint before so many minutes are over.",
    lower_bound=0.1,
)
flags.DEFINE_float(
    "checkpoint_minutes", 5.0, "Time between checkpoints.", lower_bound=0.0
)
flags.DEFINE_integer(
    "devices",
    1,
    "GPUs to train on, each with its share of every batch. Where there is no GPU, "
    "logical devices of the CPU, which is a trial and no faster. On several machines, "
    "those of each.",
    lower_bound=1,
)
flags.DEFINE_string(
    "coordinator",
    None,
    "Train on several machines, under JAX: HOST:PORT of process 0, a free port in a "
    "network you trust. Each process gets the same command but for --process_id. SLURM "
    "says all three flags itself.",
)
flags.DEFINE_integer(
    "num_processes",
    None,
    "How many processes train together; 1 alone: none, whatever SLURM says.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "process_id", None, "Which one this is, from 0, which writes.", lower_bound=0
)
flags.DEFINE_integer(
    "features",
    None,
    "Channels of the outer convolutions; of the paper's network 64.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "state_features", None, "Channels of the memory; there 256.", lower_bound=1
)
flags.DEFINE_enum(
    "gradient",
    None,
    ["x", "eta"],
    "What the gradient that the network sees is taken with respect to; x here.",
)
flags.DEFINE_string(
    "link", None, "Psi: sigmoid, identity, or what the file of --cell registers."
)
for _field in dataclasses.fields(Stage):
    if "enum_values" in _field.metadata:
        flags.DEFINE_enum(_field.name, None, **_field.metadata)
    elif _field.metadata:
        define = {str: flags.DEFINE_string, float: flags.DEFINE_float}
        define.get(_field.type, flags.DEFINE_integer)(
            _field.name, None, **_field.metadata
        )
_STAGE_FLAGS = [field.name for field in dataclasses.fields(Stage) if field.metadata]
# Of the network: arguments of a cell, and fields of `recipes.Task`.
_CELL_FLAGS, _TASK_FLAGS = ("features", "state_features"), ("cell", "gradient", "link")
# They do not change the weights, or the history has them apart.
_FLAGS_LEFT_OUT_OF_COMMAND = {
    *("checkpoint_minutes", "data_dir", "devices", "list", "minutes", "output_dir"),
    *("overwrite", "precision"),
    *machine_flags.NAMES,
}


def main(run: Run, names: Sequence[str]) -> None:
    """Trains the models of these names."""
    from rim_tf.training import devices, machines
    from rim_tf.training.callbacks import TimeIsUpError
    from rim_tf.training.settings import TrainingError

    is_first = machines.is_first()
    minutes = run.flags["minutes"]
    deadline = None if minutes is None else run.start + 60 * minutes
    paths = []
    try:
        with machines.losing_others():
            machines.check_same({"devices": run.flags["devices"]})
            with devices.data_parallel(run.flags["devices"]):
                for name in names:
                    print(f"\nTraining of {name}:")
                    paths.append(_train(run, name, deadline))
            machines.leave()
    except devices.DeviceError as error:
        raise UserError(f"--devices: {error}") from error
    except (TrainingError, machines.MachineError) as error:
        raise UserError(str(error)) from error
    except TimeIsUpError:
        machines.leave()
        paths = []
    if not is_first:
        return
    if not paths:
        print(
            f"\nStopped at a checkpoint in {run.output_dir}, before the minutes of "
            "--minutes were over. The same command goes on with it."
        )
        return
    print("\nTo test the weights:")
    commands = map(functools.partial(_test_command, run), names, paths)
    for command in dict.fromkeys(commands):
        print(f"  {command}")
    written = ", ".join(map(str, paths))
    print(f"\nWrote {written} after {describe_seconds(run.seconds)}.")


def _train(run: Run, name: str, deadline: float | None) -> Path:
    """Trains the model of a recipe; returns the file of its weights."""
    from paper_experiments.common import stages

    overrides = _given(run, _STAGE_FLAGS)
    network = _given(run, (*_CELL_FLAGS, *_TASK_FLAGS))
    plan = [dataclasses.replace(stage, **overrides) for stage in RECIPES[name].stages]
    task = _task(name, network)
    facts = {
        "recipe": name,
        "overrides": {**overrides, **network},
        "command": _command(name),
    }
    begin = _initial_weights(name, run.flags)
    training = stages.Training(run, name, task, plan, begin, deadline, network)
    return training.train(facts)


def _initial_weights(name: str, values: Mapping[str, Any]) -> str | None:
    """Returns the weights that a training begins from; None for a new network."""
    asked = values["initial_weights"]
    if asked is None:
        return RECIPES[name].initial_weights
    return None if asked == "none" else asked


def _given(run: Run, names: Sequence[str]) -> dict[str, Any]:
    """Returns the flags that were given, of those that replace what a recipe has."""
    return {name: run.flags[name] for name in names if run.flags[name] is not None}


def _task(name: str, network: Mapping[str, Any]) -> Task:
    """Returns the task of a recipe, with another network if flags ask for one."""
    task = RECIPES[name].task
    of_cell = {key: value for key, value in network.items() if key in _CELL_FLAGS}
    return dataclasses.replace(
        task,
        architecture={**task.architecture, **of_cell},
        **{key: value for key, value in network.items() if key in _TASK_FLAGS},
    )


def _command(name: str) -> str:
    """Returns the command that makes the same training."""
    arguments = [
        flag.serialize()
        for flag in flags_of_script().values()
        if flag.value != flag.default and flag.name not in _FLAGS_LEFT_OUT_OF_COMMAND
    ]
    return " ".join(["python paper_experiments/train.py", name, *arguments])


def _test_command(run: Run, name: str, path: Path) -> str:
    """Returns what to run to test weights; Figure 3 takes those of three models."""
    script = RECIPES[name].task.test
    tested, cell = str(path), ""
    if run.flags["cell"]:
        # As it was when the training began.
        file = cell_files.find(run.flags["cell"])
        cell = f" --cell={path.with_name(file.path.name)}:{file.class_name}"
        # Figure 3 has three cells of its own.
        script = script.replace("figure3_three_task", "table2_denoise")
    elif script == "figure3_three_task":
        # One command for the three; its name says which trio of the folder above.
        tested = str(path.parent.with_name(re.sub("^[a-z]+_", "rim_", name)))
    return f"python paper_experiments/{script}.py --weights={tested}{cell}"


def check(values: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raises a `UserError` if there is no such recipe, or a schedule is wrong."""
    if values["list"]:
        print("\n".join(_describe_recipes()))
        sys.exit()
    unknown = [name for name in names if name not in RECIPES]
    if unknown or not names:
        wrong = f"no recipe is called {unknown[0]}" if unknown else "name a recipe"
        raise UserError(f"{wrong}; there are {', '.join(RECIPES)}; see --list.")
    machine_flags.check(values)
    if values["cell"]:
        cell_files.find(values["cell"])
    # A cell's file may be what knows the weights.
    network = {*_CELL_FLAGS, *_TASK_FLAGS} - {"cell"}
    brought = sorted(name for name in network if values[name] is not None)
    for name in names:
        if brought and (begin := _initial_weights(name, values)):
            raise UserError(
                f"--{brought[0]}: {name} begins from {begin}, a network of its own; "
                "leave it out, or give --initial_weights=none."
            )


def _describe_recipes() -> list[str]:
    """Returns a line for each recipe, and one for each of its stages."""
    lines = []
    for name, recipe in RECIPES.items():
        seen = sum(stage.num_patches * stage.epochs for stage in recipe.stages)
        stages = count(len(recipe.stages), "stage")
        begin = f", from {recipe.initial_weights}" * bool(recipe.initial_weights)
        lines.append(f"{name}: {seen:,} patches seen in {stages}{begin}")
        lines += [f"  {_describe_stage(stage)}" for stage in recipe.stages]
    return lines


def _describe_stage(stage: Stage) -> str:
    """Says of a stage how much it trains, and what else is not the paper's."""
    times = count(stage.epochs, "time")
    always = f"{stage.num_patches:,} patches, {times}, T = {stage.steps_schedule}"
    others = {
        name: getattr(stage, name)
        for name in ("optimizer", "loss", "learning_rate", "patch_size")
        if getattr(stage, name) != getattr(Stage(), name)
    }
    others |= stage.problem
    return ", ".join([always, *(f"{name} {value}" for name, value in others.items())])


if __name__ == "__main__":
    start_script(main, check, use=["cell"], takes_names=True)
