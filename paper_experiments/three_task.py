"""Figure 3: models on random projections of patches, PSNR over the steps."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import keras
import numpy as np
from tqdm import tqdm

from paper_experiments import experiment
from rim_tf import metrics
from rim_tf.forward_models import (
    ForwardModel,
    FourierProjection,
    Inpainting,
    RandomProjection,
)
from rim_tf.restoration import iterate
from rim_tf.rim import RIM

# What the paper calls sigma = 1, where rows of A have norm 32; see
# `RandomProjection`.
SIGMA = 1 / 32
FRACTIONS = (0.2, 0.4, 0.6)
PATCH_SIZE = 32
_BATCH_SIZE = 100


def _masks_of_patches(
    kind: type[FourierProjection | Inpainting], p: float, seeds: Sequence[int]
) -> ForwardModel:
    shape = (PATCH_SIZE, PATCH_SIZE)
    masks = [kind.random(shape, p, seed).mask for seed in seeds]
    return kind(np.concatenate([keras.ops.convert_to_numpy(mask) for mask in masks]))


# From p and a seed for each patch to the operator. Each patch has a mask of its own:
# what can be reached on Fourier coefficients depends on whether the first is kept, the
# mean of the patch. One matrix is as good as another, and serves a whole batch.
TASKS: dict[str, Callable[[float, Sequence[int]], ForwardModel]] = {
    "Gaussian": lambda p, seeds: RandomProjection.gaussian(PATCH_SIZE, p, seeds[0]),
    "binary": lambda p, seeds: RandomProjection.binary(PATCH_SIZE, p, seeds[0]),
    "Fourier": functools.partial(_masks_of_patches, FourierProjection),
    # None of the models is trained on this one.
    "inpainting": functools.partial(_masks_of_patches, Inpainting),
}


class Panel(NamedTuple):
    """A panel of Figure 3: a task, and the share p of measurements kept."""

    task: str
    fraction: float

    @property
    def title(self) -> str:
        """What stands above the panel."""
        return f"{self.task}, p = {self.fraction:g}"


PANELS = [Panel(task, p) for p in FRACTIONS for task in TASKS]


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """PSNR in dB over t = 0 ... T.

    Attributes:
      psnr: Of each patch, `(T + 1, patches)`.
    """

    psnr: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean over patches, `(T + 1,)`."""
        return self.psnr.mean(axis=1)

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviation over patches, `(T + 1,)`."""
        return self.psnr.std(axis=1)


def measure(
    models: Mapping[str, RIM], patches: np.ndarray, num_steps: int, seed: int
) -> dict[Panel, dict[str, Curve]]:
    """Measures all models in all panels, on the same observations.

    Args:
      models: By name.
      patches: `(number, 32, 32, 1)` float32 in [0, 1].
      num_steps: T.
      seed: Seed of operators and noise.

    Returns:
      By panel and name of the model.
    """
    curves: dict[Panel, dict[str, Curve]] = {}
    total = len(PANELS) * len(models) * len(patches)
    with tqdm(total=total, unit="patch", desc="Figure 3") as bar:
        for panel in PANELS:
            curves[panel] = {
                name: _measure_panel(model, panel, patches, num_steps, seed, bar)
                for name, model in models.items()
            }
    return curves


def estimate_seconds(
    models: Mapping[str, RIM], patches: np.ndarray, num_steps: int
) -> float:
    """Says how long `measure` will take, from a few steps of each model."""
    batch = patches[:_BATCH_SIZE]
    per_pixel_step = sum(
        experiment.seconds_per_pixel_step(model, batch) for model in models.values()
    )
    pixels = np.prod(patches.shape[:3])
    return float(per_pixel_step * pixels * num_steps * len(PANELS))


def operator_seed(seed: int, number: int) -> int:
    """Returns the seed of an operator: another one for every seed and number."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0])


def observe(
    clean: np.ndarray, forward_model: ForwardModel, seed: int, number: int
) -> np.ndarray:
    """Returns y of clean images, with noise of level `SIGMA`.

    The noise is another one for every seed and number, and has nothing in common
    with the operator of `operator_seed`.
    """
    measured = keras.ops.convert_to_numpy(forward_model.forward(clean))
    # The 1 matters: [seed, 0] is the same stream as seed.
    generator = np.random.default_rng([seed, number, 1])
    noise = generator.standard_normal(measured.shape, np.float32)
    # Forward models ignore the noise of what they do not keep.
    return measured + np.float32(SIGMA) * noise


def estimates(
    model: RIM, observation: np.ndarray, forward_model: ForwardModel, num_steps: int
) -> list[np.ndarray]:
    """Returns x_0 ... x_T."""
    initial = model.link.forward(
        model.initial_eta(keras.ops.convert_to_tensor(observation), forward_model)
    )
    later = iterate(model, observation, forward_model, SIGMA, num_steps)
    return [keras.ops.convert_to_numpy(x) for x in (initial, *later)]


def _measure_panel(
    model: RIM,
    panel: Panel,
    patches: np.ndarray,
    num_steps: int,
    seed: int,
    bar: tqdm,
) -> Curve:
    values = []
    for number, start in enumerate(range(0, len(patches), _BATCH_SIZE)):
        clean = patches[start : start + _BATCH_SIZE]
        seeds = [operator_seed(seed, start + i) for i in range(len(clean))]
        forward_model = TASKS[panel.task](panel.fraction, seeds)
        observation = observe(clean, forward_model, seed, number)
        values.append(
            [
                metrics.psnr(estimate, clean)
                for estimate in estimates(model, observation, forward_model, num_steps)
            ]
        )
        bar.update(len(clean))
    return Curve(np.concatenate(values, axis=1))
