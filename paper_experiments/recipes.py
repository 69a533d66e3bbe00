"""Recipes: how each model is trained, as data.

A recipe is a task and the stages of its training. The defaults of a stage are the
paper's settings where it gives them, and `rim_tf.training.settings` otherwise; so a
recipe of the paper is one default stage. The others are those of the shipped weights.
`train.py NAME` trains one.
"""

import dataclasses
import functools
from typing import Any


def _setting(default: Any, meaning: str, **bounds: Any) -> Any:
    """A field of `Stage`, and what train.py's flag of the same name says and takes."""
    return dataclasses.field(default=default, metadata={"help": meaning, **bounds})


@dataclasses.dataclass(frozen=True)
class Stage:
    """A stage of a training, from the weights of the stage before.

    Attributes:
      problem: Arguments of the task's problem that are not its defaults.
      seed: Added to --seed.
      ...: As the flags of train.py, which replace them in every stage.
    """

    num_patches: int = _setting(
        400_000, "Training patches, a seeded sample.", lower_bound=1
    )
    epochs: int = _setting(2, "Visits to each training patch.", lower_bound=1)
    steps_schedule: str = _setting(
        "20",
        "Steps T in training, such as 20, or 5:0.4,10:0.3,20:0.3 for T:share of the "
        "computation.",
    )
    loss: str = _setting(
        "mse",
        "mse is the paper's; log_mse weighs images that are easy to restore as much as "
        "others.",
        enum_values=["mse", "log_mse"],
    )
    optimizer: str = _setting(
        "adam",
        "adam is the reproduction's; muon needs fewer updates; or any other optimizer "
        "of Keras, such as sgd.",
    )
    learning_rate: float = _setting(1e-3, "Peak learning rate.", lower_bound=0.0)
    warmup_updates: int = _setting(100, "Updates to reach the peak.", lower_bound=0)
    patch_size: int = _setting(
        32, "Height and width of a training patch.", lower_bound=8
    )
    patch_stride: int = _setting(4, "Distance of neighbouring patches.", lower_bound=1)
    batch_size: int | None = _setting(
        None,
        "Patches in a training batch; if the recipe does not say, 64 on a GPU and 16 "
        "on a CPU.",
        lower_bound=1,
    )
    num_validation_patches: int = _setting(
        1000, "Patches of each validation.", lower_bound=1
    )
    num_validations: int = _setting(20, "Validations during a stage.", lower_bound=1)
    problem: dict[str, Any] = dataclasses.field(default_factory=dict)
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Task:
    """What a model is trained for.

    Attributes:
      color: A key of `rim_tf.images.COLOR_CONVERSIONS`.
      problem: Name of a class of `rim_tf.problems`, which draws the batches.
      cell: Name of a class of `rim_tf.cells`, or FILE.py:CLASS.
      architecture: Arguments of the cell that are not its defaults.
      test: Script that tests the weights.
      normalize: See `rim_tf.RIM`, as the next three.
      link: Name of the link function Psi.
      gradient: "x" or "eta".
      fills_pixels: Not where it learns to begin at A^T y of pixels that are missing.
    """

    color: str
    problem: str
    cell: str
    test: str
    architecture: dict[str, Any] = dataclasses.field(default_factory=dict)
    normalize: bool = True
    link: str = "sigmoid"
    gradient: str = "x"
    fills_pixels: bool = True


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A task, and the stages of its training.

    Attributes:
      task: What the model is trained for.
      stages: Each goes on with the weights of the one before.
      initial_weights: What the first stage goes on with; None for a new network.
    """

    task: Task
    stages: tuple[Stage, ...]
    initial_weights: str | None = None


_DENOISE = Task("gray", "DenoisingProblem", "RIMCell", "table2_denoise")
_QUANTIZED = dataclasses.replace(_DENOISE, test="table2_quantized_denoise")
_RGB = Task("rgb", "DenoisingProblem", "RIMCell", "table1_rgb_denoise", {"channels": 3})
_RIM, _GDN, _FFN = (
    Task("gray", "ThreeTaskProblem", cell, "figure3_three_task")
    for cell in ("RIMCell", "GDNCell", "FFNCell")
)
_SUPER_RESOLUTION = Task(
    "luminance",
    "SuperResolutionProblem",
    "RIMCell",
    "table3_super_resolution",
    {"stride": 1, "dilation": 2, "state_features": 100},
    # It learns from operators whose largest singular values are 1/2 to 1/4.
    normalize=False,
)

# Its operators are mostly met with little noise.
_ANY = Task(
    *("gray", "AnyProblem", "RIMCell", "unseen_operators"),
    {"sees_sigma": True},
    fills_pixels=False,
)

_PAPER = (Stage(),)
_EIGHT_BITS = {"quantized": True}
# What the shipped weights' stages have in common.
_short = functools.partial(
    Stage, epochs=1, batch_size=16, num_validation_patches=256, num_validations=5
)
_muon = functools.partial(
    _short, optimizer="muon", learning_rate=7e-4, steps_schedule="10:0.45,20:0.55"
)
# A few larger patches at the end, so that the estimates of images larger than a patch
# do not fall after t = 10.
_LARGE_PATCHES = _muon(
    num_patches=1_200,
    steps_schedule="20",
    learning_rate=1e-4,
    warmup_updates=20,
    patch_size=64,
    patch_stride=8,
    batch_size=8,
    seed=5,
    num_validation_patches=32,
    num_validations=1,
)
_LARGE_PATCHES_BY_LOG = dataclasses.replace(
    _LARGE_PATCHES, loss="log_mse", num_validation_patches=64
)
_ON_A_GPU = _muon(
    num_patches=320_000,
    steps_schedule="10:0.3,20:0.7",
    learning_rate=1e-3,
    batch_size=64,
    num_validations=8,
)
_DENOISE_32 = (
    _short(
        num_patches=52_000, steps_schedule="5:0.4,10:0.3,20:0.3", num_validations=12
    ),
    _short(
        num_patches=56_000,
        steps_schedule="10:0.3,20:0.7",
        learning_rate=6e-4,
        seed=1,
        num_validation_patches=512,
        num_validations=10,
    ),
    dataclasses.replace(_ON_A_GPU, seed=2),
)
_THREE_TASKS = (
    _short(
        num_patches=20_000,
        steps_schedule="5:0.35,10:0.3,20:0.35",
        batch_size=8,
        num_validation_patches=128,
        num_validations=8,
    ),
    _muon(num_patches=16_000, learning_rate=1e-3, seed=1),
    _muon(num_patches=24_000, loss="log_mse", seed=2),
    _muon(num_patches=24_000, loss="log_mse", seed=3),
    dataclasses.replace(_ON_A_GPU, loss="log_mse", seed=4),
)

RECIPES = {
    "rim_denoise_paper": Recipe(_DENOISE, _PAPER),
    "rim_3task_paper": Recipe(_RIM, _PAPER),
    "gdn_3task_paper": Recipe(_GDN, _PAPER),
    "ffn_3task_paper": Recipe(_FFN, _PAPER),
    "rim_rgb_denoise_paper": Recipe(_RGB, (Stage(problem=_EIGHT_BITS),)),
    "rim_super_resolution_paper": Recipe(_SUPER_RESOLUTION, (Stage(patch_size=36),)),
    "rim_denoise": Recipe(_DENOISE, (*_DENOISE_32, _LARGE_PATCHES)),
    "rim_denoise_quantized": Recipe(
        _QUANTIZED,
        (
            *_DENOISE_32,
            _muon(
                num_patches=12_000,
                steps_schedule="20",
                learning_rate=2e-4,
                problem=_EIGHT_BITS,
                seed=4,
                num_validations=4,
            ),
        ),
    ),
    "rim_3task": Recipe(_RIM, _THREE_TASKS),
    "gdn_3task": Recipe(_GDN, _THREE_TASKS),
    "ffn_3task": Recipe(_FFN, _THREE_TASKS),
    # By the logarithm, so that images of little noise count. Large patches and more
    # steps at the end, so that estimates of large images do not drift; in large holes
    # they do so longest.
    "rim_any": Recipe(
        _ANY,
        (
            _muon(
                num_patches=30_000,
                steps_schedule="20",
                loss="log_mse",
                num_validations=10,
            ),
            dataclasses.replace(
                _LARGE_PATCHES_BY_LOG,
                num_patches=8_000,
                steps_schedule="20:0.5,40:0.5",
                learning_rate=3e-4,
                warmup_updates=100,
                seed=1,
                num_validations=4,
            ),
            dataclasses.replace(
                _LARGE_PATCHES_BY_LOG,
                num_patches=2_000,
                steps_schedule="20:0.3,50:0.7",
                learning_rate=2e-4,
                problem={"blocks_share": 0.35},
                seed=2,
                num_validations=2,
            ),
            dataclasses.replace(
                _LARGE_PATCHES_BY_LOG,
                steps_schedule="20:0.2,50:0.8",
                problem={"blocks_share": 0.6, "small_share": 0.6},
                seed=3,
            ),
            dataclasses.replace(
                _LARGE_PATCHES_BY_LOG,
                num_patches=1_800,
                patch_size=48,
                steps_schedule="50",
                learning_rate=2e-4,
                problem={
                    "blocks_share": 0.9,
                    "small_share": 0.8,
                    "spectral_share": 0.1,
                },
                seed=4,
            ),
        ),
        initial_weights="rim_3task",
    ),
    "rim_rgb_denoise": Recipe(
        _RGB,
        (
            _short(
                num_patches=32_000,
                steps_schedule="5:0.4,10:0.3,20:0.3",
                num_validations=8,
            ),
            _muon(num_patches=14_000, problem=_EIGHT_BITS, seed=1),
            _muon(num_patches=14_000, problem=_EIGHT_BITS, seed=2),
            _muon(num_patches=20_000, problem=_EIGHT_BITS, seed=3),
            _muon(num_patches=20_000, problem=_EIGHT_BITS, seed=4),
            dataclasses.replace(_LARGE_PATCHES, problem=_EIGHT_BITS),
        ),
    ),
    "rim_super_resolution": Recipe(
        _SUPER_RESOLUTION,
        (
            _short(
                num_patches=12_000,
                steps_schedule="5:0.5,10:0.3,20:0.2",
                patch_size=36,
                batch_size=8,
                num_validation_patches=128,
                num_validations=20,
            ),
            _short(
                num_patches=24_000,
                steps_schedule="10:0.5,20:0.5",
                learning_rate=6e-4,
                patch_size=36,
                batch_size=8,
                seed=1,
                num_validation_patches=128,
                num_validations=8,
            ),
            _muon(num_patches=14_000, patch_size=36, seed=2),
        ),
    ),
}
