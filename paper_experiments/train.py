"""Trains models by the names of their recipes, one after the other.

    python paper_experiments/train.py rim_denoise_paper
    python paper_experiments/train.py --list

A recipe (`recipes.py`) is a few stages, each from the weights of the one before. The
flags of a stage below replace its setting in every stage; the weights remember which.
Progress goes to OUTPUT_DIR/NAME/stage_1 and so on, the weights to
OUTPUT_DIR/NAME/NAME.weights.h5. The same command goes on with an interrupted training.

With KERAS_BACKEND=jax it needs no TensorFlow: give --data_dir a folder of images.
"""

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

from paper_experiments.common import run
from paper_experiments.common.errors import UserError
from paper_experiments.common.wording import count, describe_seconds
from paper_experiments.recipes import RECIPES, Stage

_LIST = flags.DEFINE_bool("list", False, "Show the recipes, and train nothing.")
_TRAIN_IMAGES = flags.DEFINE_string(
    "train_images", None, "A folder of images to train on instead."
)
_INITIAL_WEIGHTS = flags.DEFINE_string(
    "initial_weights",
    None,
    "Trained weights to start the first stage from: a name, or the path of a "
    ".weights.h5.",
)
_MINUTES = flags.DEFINE_float(
    "minutes",
    None,
    "Stop at a checkpoint before so many minutes are over.",
    lower_bound=0.0,
)
_CHECKPOINT_MINUTES = flags.DEFINE_float(
    "checkpoint_minutes", 5.0, "Time between checkpoints.", lower_bound=0.0
)
_DEVICES = flags.DEFINE_integer(
    "devices",
    1,
    "GPUs to train on, each with its share of every batch. Where there is no GPU, "
    "logical devices of the CPU, which is a trial and no faster.",
    lower_bound=1,
)
# By the fields of a stage that they replace.
_STAGE_FLAGS = {
    "patches": flags.DEFINE_integer(
        "num_patches", None, "Training patches, a seeded sample.", lower_bound=1
    ),
    "epochs": flags.DEFINE_integer(
        "epochs", None, "Visits to each training patch.", lower_bound=1
    ),
    "batch_size": flags.DEFINE_integer(
        "batch_size",
        None,
        "Patches in a training batch; if the recipe does not say, 64 on a GPU and 16 "
        "on a CPU.",
        lower_bound=1,
    ),
    "steps": flags.DEFINE_string(
        "train_steps_schedule",
        None,
        "Steps T in training, such as 20, or 5:0.4,10:0.3,20:0.3 for T:share of the "
        "computation.",
    ),
    "loss": flags.DEFINE_enum(
        "loss",
        None,
        ["mse", "log_mse"],
        "mse is the paper's; log_mse weighs images that are easy to restore as much as "
        "others.",
    ),
    "optimizer": flags.DEFINE_enum(
        "optimizer",
        None,
        ["adam", "muon"],
        "adam is the reproduction's; muon needs fewer updates.",
    ),
    "learning_rate": flags.DEFINE_float(
        "learning_rate", None, "Peak learning rate.", lower_bound=0.0
    ),
    "warmup_updates": flags.DEFINE_integer(
        "warmup_updates", None, "Updates to reach the peak.", lower_bound=0
    ),
    "patch_size": flags.DEFINE_integer(
        "patch_size", None, "Height and width of a training patch.", lower_bound=8
    ),
    "patch_stride": flags.DEFINE_integer(
        "patch_stride", None, "Distance of neighbouring patches.", lower_bound=1
    ),
    "num_validation_patches": flags.DEFINE_integer(
        "num_validation_patches", None, "Patches of each validation.", lower_bound=1
    ),
    "num_validations": flags.DEFINE_integer(
        "num_validations", None, "Validations during a stage.", lower_bound=1
    ),
}

# They do not change the weights.
_FLAGS_LEFT_OUT_OF_COMMAND = {
    "checkpoint_minutes",
    "data_dir",
    "devices",
    "list",
    "minutes",
    "output_dir",
    "overwrite",
    "precision",
    "train_images",
}


def main(names: Sequence[str]) -> None:
    """Trains the models of these names."""
    start = time.monotonic()
    from rim_tf.training import devices
    from rim_tf.training.callbacks import TimeIsUpError
    from rim_tf.training.settings import TrainingError

    deadline = None if _MINUTES.value is None else start + 60 * _MINUTES.value
    if _DEVICES.value > 1:
        devices.split_cpu(_DEVICES.value)
    dtype = run.choose_arithmetic()
    try:
        with devices.data_parallel(_DEVICES.value):
            paths = [_train(name, dtype, deadline) for name in names]
    except devices.DeviceError as error:
        raise UserError(f"--devices: {error}") from error
    except TrainingError as error:
        raise UserError(str(error)) from error
    except TimeIsUpError:
        print(
            f"\nStopped at a checkpoint in {run.output_dir()}, before the minutes of "
            "--minutes were over. The same command goes on with it."
        )
        return
    print("\nTo test the weights:")
    for command in _test_commands(names, paths):
        print(f"  {command}")
    seconds = describe_seconds(time.monotonic() - start)
    print(f"Wrote {', '.join(map(str, paths))} after {seconds}.")


def _train(name: str, dtype: str, deadline: float | None) -> Path:
    """Trains a model; returns the path of its weights."""
    from paper_experiments.common import stages

    print(f"\nTraining of {name}:")
    recipe = RECIPES[name]
    plan = stages.Plan(
        name=name,
        task=recipe.task,
        stages=tuple(
            dataclasses.replace(stage, **_overrides()) for stage in recipe.stages
        ),
        folder=run.output_dir() / name,
        dtype=dtype,
        seed=run.seed(),
        initial_weights=_INITIAL_WEIGHTS.value,
        train_images=_TRAIN_IMAGES.value,
        checkpoint_minutes=_CHECKPOINT_MINUTES.value,
        num_devices=_DEVICES.value,
        deadline=deadline,
    )
    facts = {"recipe": name, "overrides": _overrides(), "command": _command(name)}
    stages.train(plan, facts)
    return plan.path


def _overrides() -> dict[str, Any]:
    """Returns what flags replace in all stages."""
    return {
        field: flag.value
        for field, flag in _STAGE_FLAGS.items()
        if flag.value is not None
    }


def _command(name: str) -> str:
    """Returns the command that makes the same training."""
    arguments = [
        flag.serialize()
        for flag in run.flags_of_script().values()
        if flag.value != flag.default and flag.name not in _FLAGS_LEFT_OUT_OF_COMMAND
    ]
    return " ".join(["python paper_experiments/train.py", name, *arguments])


def _test_commands(names: Sequence[str], paths: Sequence[Path]) -> list[str]:
    """Returns what to run to test weights; Figure 3 takes those of three models."""
    commands = {}
    for name, path in zip(names, paths, strict=True):
        script = RECIPES[name].task.test
        tested = path.parents[1] if script == "figure3_three_task" else path
        commands[f"python paper_experiments/{script}.py --weights={tested}"] = None
    return list(commands)


def check(names: Sequence[str]) -> None:
    """Raises a `UserError` if there is no such recipe."""
    if _LIST.value:
        print("\n".join(_describe_recipes()))
        sys.exit()
    unknown = [name for name in names if name not in RECIPES]
    if unknown or not names:
        wrong = f"no recipe is called {unknown[0]}" if unknown else "name a recipe"
        raise UserError(f"{wrong}; there are {', '.join(RECIPES)}; see --list.")


def _describe_recipes() -> list[str]:
    """Returns a line for each recipe, and one for each of its stages."""
    lines = []
    for name, recipe in RECIPES.items():
        seen = sum(stage.patches * stage.epochs for stage in recipe.stages)
        stages = count(len(recipe.stages), "stage")
        lines.append(f"{name}: {seen:,} patches seen in {stages}")
        lines += [f"  {_describe_stage(stage)}" for stage in recipe.stages]
    return lines


def _describe_stage(stage: Stage) -> str:
    """Says of a stage how much it trains, and what else is not the paper's."""
    times = count(stage.epochs, "time")
    always = f"{stage.patches:,} patches, {times}, T = {stage.steps}"
    said = {"patches", "epochs", "steps", "seed", "batch_size", "warmup_updates"}
    said |= {"num_validations", "num_validation_patches", "patch_stride"}
    others = [
        f"{field.name} {getattr(stage, field.name)}"
        for field in dataclasses.fields(Stage)
        if field.name not in said and getattr(stage, field.name) != field.default
    ]
    return ", ".join([always, *others])


if __name__ == "__main__":
    run.start_script(main, check, takes_names=True)
