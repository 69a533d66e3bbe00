"""Figure 3: models on random projections of patches, PSNR over the steps."""

import dataclasses
import functools
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from tqdm import tqdm

from paper_experiments import experiment, reporting
from rim_tf import files, metrics
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


@dataclasses.dataclass(frozen=True, eq=False)
class Measurement:
    """PSNR of all models in all panels, on the same observations.

    Every batch of patches is kept on disk when it is done, so that an interrupted
    measurement goes on where it was. What was measured with other weights, patches,
    settings or versions is measured again.

    Attributes:
      models: By name.
      patches: `(number, 32, 32, 1)` float32 in [0, 1].
      num_steps: T.
      seed: Seed of operators and noise.
      folder: Where batches are kept.
    """

    models: Mapping[str, RIM]
    patches: np.ndarray
    num_steps: int
    seed: int
    folder: Path

    def num_kept(self) -> int:
        """Returns how many patches were measured before."""
        return sum(
            len(self._clean(number))
            for number in self._batches
            if self._read(number) is not None
        )

    def estimate_seconds(self) -> float:
        """Says how long `run` will take, from a few steps of each model."""
        batch = self.patches[:_BATCH_SIZE]
        per_pixel_step = sum(
            experiment.seconds_per_pixel_step(model, batch)
            for model in self.models.values()
        )
        pixels = (len(self.patches) - self.num_kept()) * PATCH_SIZE**2
        return float(per_pixel_step * pixels * self.num_steps * len(PANELS))

    def run(self) -> dict[Panel, dict[str, Curve]]:
        """Measures what was not measured before.

        Returns:
          By panel and name of the model.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        curves_of_a_patch = len(PANELS) * len(self.models)
        psnr = []
        with tqdm(
            total=len(self.patches) * curves_of_a_patch,
            initial=self.num_kept() * curves_of_a_patch,
            unit="curve",
            desc="Figure 3",
        ) as bar:
            for number in self._batches:
                kept = self._read(number)
                psnr.append(self._measure(number, bar) if kept is None else kept)
        by_panel = np.concatenate(psnr, axis=-1)
        return {
            panel: {
                name: Curve(curve)
                for name, curve in zip(self.models, by_model, strict=True)
            }
            for panel, by_model in zip(PANELS, by_panel, strict=True)
        }

    @property
    def _batches(self) -> range:
        """Numbers of the batches."""
        return range(math.ceil(len(self.patches) / _BATCH_SIZE))

    def _clean(self, number: int) -> np.ndarray:
        """Returns the patches of a batch."""
        return self.patches[number * _BATCH_SIZE : (number + 1) * _BATCH_SIZE]

    def _read(self, number: int) -> np.ndarray | None:
        """Returns what `_measure` kept of a batch, if it would be the same today."""
        path = self._path(number)
        if not path.exists():
            return None
        with np.load(path) as kept:
            same = kept["fingerprint"] == self._fingerprint(number)
            return kept["psnr"] if same else None

    def _measure(self, number: int, bar: tqdm) -> np.ndarray:
        """Returns the PSNR of a batch, `(panels, models, T + 1, patches)`."""
        psnr = np.stack([self._measure_panel(panel, number, bar) for panel in PANELS])
        with files.replacing(self._path(number)) as temporary:
            np.savez(temporary, psnr=psnr, fingerprint=self._fingerprint(number))
        return psnr

    def _measure_panel(self, panel: Panel, number: int, bar: tqdm) -> np.ndarray:
        clean = self._clean(number)
        first = number * _BATCH_SIZE
        seeds = [operator_seed(self.seed, first + i) for i in range(len(clean))]
        forward_model = TASKS[panel.task](panel.fraction, seeds)
        observation = observe(clean, forward_model, self.seed, number)
        psnr = []
        for model in self.models.values():
            over_time = estimates(model, observation, forward_model, self.num_steps)
            psnr.append([metrics.psnr(estimate, clean) for estimate in over_time])
            bar.update(len(clean))
        return np.float32(psnr)

    def _path(self, number: int) -> Path:
        return self.folder / f"batch_{number:03d}.npz"

    def _fingerprint(self, number: int) -> str:
        """Returns a hash of all that the PSNR of a batch depends on."""
        settings = repr((self.num_steps, self.seed, self._models_fingerprint))
        digest = hashlib.sha256(settings.encode() + self._clean(number).tobytes())
        return digest.hexdigest()

    @functools.cached_property
    def _models_fingerprint(self) -> str:
        # Another commit changes something else more often than these numbers.
        versions = {**reporting.versions(), "commit": None}
        digest = hashlib.sha256(repr(versions).encode())
        for name, model in self.models.items():
            digest.update(f"{name} {model.dtype_policy.name}".encode())
            for weight in model.get_weights():
                digest.update(weight.tobytes())
        return digest.hexdigest()


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
