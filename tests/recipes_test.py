"""Tests of the recipes: those of the paper, and those of the shipped weights."""

import dataclasses
import re
from pathlib import Path

import pytest

from paper_experiments import recipes
from paper_experiments.recipes import RECIPES, Stage
from rim_tf import cells, images, pretrained, problems
from rim_tf.speed import precision
from rim_tf.training import settings
from rim_tf.training.settings import TrainingSettings, parse_steps_schedule

_SCRIPTS = Path(recipes.__file__).parent
_OF_PAPER = sorted(name for name in RECIPES if name.endswith("_paper"))
# What a CPU can do of the paper's recipe, as TRAINING.md says.
_TWENTIETH = {
    **{"num_patches": 40_000, "epochs": 1, "batch_size": 16},
    "num_validation_patches": 250,
}


def _trainings(name):
    """Returns the histories of a recipe's stages, oldest first."""
    histories = [pretrained.read_history(name)]
    others = RECIPES[name].initial_weights
    while histories[0].get("initial_weights", {"name": others})["name"] != others:
        histories.insert(0, histories[0]["initial_weights"])
    return histories


def _stages():
    """Returns name, stage and history of each stage of the shipped weights."""
    for name in pretrained.available():
        for number, stage in enumerate(RECIPES[name].stages):
            if name in _OF_PAPER:
                stage = dataclasses.replace(stage, **_TWENTIETH)
            yield pytest.param(name, number, stage, id=f"{name}-{number + 1}")


@pytest.mark.parametrize("name", pretrained.available())
def test_shipped_weights_have_a_recipe_of_as_many_stages(name):
    assert len(RECIPES[name].stages) == len(_trainings(name))


@pytest.mark.parametrize(("name", "number", "stage"), _stages())
def test_each_stage_is_that_of_the_shipped_weights(name, number, stage):
    history = _trainings(name)[number]
    # A history that is older than a setting has none: it was what is the default.
    trained = {**dataclasses.asdict(TrainingSettings()), **history["settings"]}
    schedule = [list(pair) for pair in parse_steps_schedule(stage.steps_schedule)]
    assert trained["steps_schedule"] == schedule
    for key in (
        *("epochs", "batch_size", "loss", "optimizer", "learning_rate"),
        *("warmup_updates", "num_validations", "seed"),
    ):
        assert trained[key] == getattr(stage, key), key
    for key in ("num_patches", "num_validation_patches", "patch_size", "patch_stride"):
        assert history[key] == getattr(stage, key), key
    assert trained.get("clip_norm", settings.CLIP_NORM) == settings.CLIP_NORM
    assert history["color"] == RECIPES[name].task.color
    assert history["data"] == "bsds300"


@pytest.mark.parametrize(("name", "number", "stage"), _stages())
def test_each_problem_is_that_of_the_shipped_weights(name, number, stage):
    history = _trainings(name)[number]
    problem = getattr(problems, RECIPES[name].task.problem)(**stage.problem)
    # The oldest histories tell the greatest noise only, from 0 to 255.
    if "problem" not in history:
        assert history["max_sigma"] == 255 * problem.max_sigma
        assert not stage.problem
    else:
        # What was added since stands at the end.
        assert repr(problem).startswith(history["problem"].removesuffix(")"))
        assert all(f"{k}={v}" in history["problem"] for k, v in stage.problem.items())


@pytest.mark.parametrize("name", _OF_PAPER)
def test_the_papers_are_one_stage_of_defaults(name):
    (stage,) = RECIPES[name].stages
    ours = {
        # The only test of it is on observations of 8 bits.
        "rim_rgb_denoise_paper": Stage(problem={"quantized": True}),
        # The smallest size that 2, 3 and 4 divide, above that of the others.
        "rim_super_resolution_paper": Stage(patch_size=36),
    }
    assert stage == ours.get(name, Stage())


def test_every_model_has_a_recipe_of_the_paper():
    """But the one that was trained on, and the one for any forward model."""
    ours = {name for name in RECIPES if name not in _OF_PAPER}
    assert ours == {*pretrained.available()} - {*_OF_PAPER}
    assert {f"{name}_paper" for name in ours} - {*_OF_PAPER} == {
        "rim_denoise_quantized_paper",
        "rim_any_paper",
    }
    for name in _OF_PAPER:
        assert RECIPES[name].task == RECIPES[name.removesuffix("_paper")].task


@pytest.mark.parametrize("name", RECIPES)
def test_tasks_are_of_what_there_is(name):
    task = RECIPES[name].task
    assert task.color in images.COLOR_CONVERSIONS
    assert (_SCRIPTS / f"{task.test}.py").exists()
    # Its weights are tested by the script that tests the shipped ones.
    tested = re.sub("_paper$", "", name)
    assert f'"{tested}"' in (_SCRIPTS / f"{task.test}.py").read_text()


@pytest.mark.parametrize("name", pretrained.available())
def test_models_have_the_architecture_of_the_shipped_weights(name):
    task = RECIPES[name].task
    shipped = pretrained.load_pretrained(name).cell
    built = getattr(cells, task.cell)(**task.architecture)
    assert type(built) is type(shipped)
    one, other = built.get_config(), shipped.get_config()
    for config in (one, other):
        # Names count the cells of a process, and arithmetic is the machine's.
        config.pop("name"), config.pop("dtype")
    assert one == other


def test_a_stage_has_the_defaults_of_a_training():
    """But the batch size, which depends on the machine."""
    defaults = dataclasses.asdict(TrainingSettings())
    stage = dataclasses.asdict(Stage())
    shared = (defaults.keys() & stage.keys()) - {"batch_size", "steps_schedule"}
    assert len(shared) == 7
    assert {name: stage[name] for name in shared} == {
        name: defaults[name] for name in shared
    }
    schedule = tuple(parse_steps_schedule(stage["steps_schedule"]))
    assert schedule == defaults["steps_schedule"]


def test_flags_offer_what_rim_tf_has():
    """They are repeated, so that --help need not wait for Keras."""
    offered = {
        field.name: field.metadata["enum_values"]
        for field in dataclasses.fields(Stage)
        if "enum_values" in field.metadata
    }
    assert offered == {"loss": list(settings.LOSSES)}


def test_flags_offer_the_arithmetic_that_rim_tf_has():
    from absl import flags

    from paper_experiments.common import run

    (flag,) = (
        flag
        for flag in flags.FLAGS.get_flags_for_module(run.__name__)
        if flag.name == "precision"
    )
    assert flag.parser.enum_values == list(precision.PRECISIONS)
