"""Figure 3: models on random projections of patches, PSNR over the steps."""

import dataclasses
import functools
import hashlib
import math
import time
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from tqdm import tqdm

from paper_experiments.common import durations, provenance
from paper_experiments.common.errors import UserError
from paper_experiments.common.image_sets import TestImages
from paper_experiments.common.run import Run, begin_anew_if_asked
from paper_experiments.common.table import Score, measured_on
from paper_experiments.common.wording import count, describe_seconds
from rim_tf import files, images, metrics
from rim_tf.forward_models import (
    ForwardModel,
    FourierProjection,
    Inpainting,
    RandomProjection,
)
from rim_tf.restoration import iterate
from rim_tf.rim import RIM
from rim_tf.training.patches import PatchSet

# What the paper calls sigma = 1, where rows of A have norm 32; see
# `RandomProjection`.
SIGMA = 1 / 32
FRACTIONS = (0.2, 0.4, 0.6)
PATCH_SIZE = 32
_PATCH_STRIDE = 4
_BATCH_SIZE = 100
# That of a patch with one pixel wrong by the last bit of a float32 just below 1. Better
# ones count as this: patches all black or white can be restored without any error, and
# an infinite PSNR has no mean.
_MOST_PSNR = -10 * math.log10(np.finfo(np.float32).epsneg ** 2 / PATCH_SIZE**2)


class _InpaintingFromAdjoint(Inpainting):
    """Inpainting that starts from A^T y as the other tasks, not from nearest pixels."""

    def initial_estimate(self, observation):
        return self.adjoint(observation)


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
    "inpainting": functools.partial(_masks_of_patches, _InpaintingFromAdjoint),
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


class PatchScores(NamedTuple):
    """What was measured.

    Attributes:
      psnr: PSNR in dB, `(panels, models, T + 1, patches)` float32.
      seconds: How long it took.
      commits: Commits of the programs that measured it; "" where unknown.
    """

    psnr: np.ndarray
    seconds: float
    commits: frozenset[str]


@dataclasses.dataclass(frozen=True, eq=False)
class PatchTest:
    """PSNR of all models in all panels, on the same observations.

    Every batch of patches is kept on disk when it is done, so that an interrupted
    measurement goes on where it was. What was measured with other weights, patches,
    settings or packages, or on another GPU, is measured again, but not what an earlier
    version of this program measured: the commits are told.

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
        return sum(len(self._clean(n)) for n in self._batches if self._read(n))

    def estimate_seconds(self) -> float:
        """Says how long the rest will take, from a few steps of each model."""
        num_patches = len(self.patches) - self.num_kept()
        if num_patches == 0:
            return 0.0
        batch = self.patches[:_BATCH_SIZE]
        per_pixel_step = sum(
            durations.seconds_per_pixel_step(model, batch)
            for model in self.models.values()
        )
        pixels = num_patches * PATCH_SIZE**2
        return float(per_pixel_step * pixels * self.num_steps * len(PANELS))

    def run(self) -> PatchScores:
        """Measures what was not measured before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        curves_of_a_patch = len(PANELS) * len(self.models)
        with tqdm(
            total=len(self.patches) * curves_of_a_patch,
            initial=self.num_kept() * curves_of_a_patch,
            unit="curve",
            desc="Figure 3",
        ) as bar:
            batches = [self._read(n) or self._measure(n, bar) for n in self._batches]
        return PatchScores(
            np.concatenate([batch.psnr for batch in batches], axis=-1),
            sum(batch.seconds for batch in batches),
            frozenset().union(*(batch.commits for batch in batches)),
        )

    @property
    def _batches(self) -> range:
        """Numbers of the batches."""
        return range(math.ceil(len(self.patches) / _BATCH_SIZE))

    def _clean(self, number: int) -> np.ndarray:
        """Returns the patches of a batch."""
        return self.patches[number * _BATCH_SIZE : (number + 1) * _BATCH_SIZE]

    def _read(self, number: int) -> PatchScores | None:
        """Returns what `_measure` kept of a batch, if there is no reason against it."""
        try:
            with np.load(self._path(number)) as kept:
                if kept["fingerprint"] != self._fingerprint(number):
                    return None
                commits = frozenset([str(kept["commit"])])
                return PatchScores(kept["psnr"], float(kept["seconds"]), commits)
        # There is none, or the machine stopped while it was written.
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
            return None

    def _measure(self, number: int, bar: tqdm) -> PatchScores:
        """Measures a batch, and keeps it."""
        begun = time.monotonic()
        psnr = np.stack([self._measure_panel(panel, number, bar) for panel in PANELS])
        seconds = time.monotonic() - begun
        commit = provenance.commit() or ""
        with files.replacing(self._path(number)) as temporary:
            np.savez(
                temporary,
                psnr=psnr,
                seconds=seconds,
                commit=commit,
                fingerprint=self._fingerprint(number),
            )
        return PatchScores(psnr, seconds, frozenset([commit]))

    def _measure_panel(self, panel: Panel, number: int, bar: tqdm) -> np.ndarray:
        """Returns the PSNR of a batch in a panel, `(models, T + 1, patches)`."""
        clean = self._clean(number)
        first = number * _BATCH_SIZE
        seeds = [operator_seed(self.seed, first + i) for i in range(len(clean))]
        forward_model = TASKS[panel.task](panel.fraction, seeds)
        observation = observe(clean, forward_model, self.seed, number)
        psnr = []
        for model in self.models.values():
            over_time = estimates(model, observation, forward_model, self.num_steps)
            psnr.append([_psnr(estimate, clean) for estimate in over_time])
            bar.update(len(clean))
        return np.float32(psnr)

    def _path(self, number: int) -> Path:
        return self.folder / f"batch_{number:03d}.npz"

    def _fingerprint(self, number: int) -> str:
        """Returns a hash of what is to be the same for the PSNR of a batch to be."""
        settings = (SIGMA, PANELS, self.num_steps, self.seed, self._models_fingerprint)
        digest = hashlib.sha256(repr(settings).encode() + self._clean(number).tobytes())
        return digest.hexdigest()

    @functools.cached_property
    def _models_fingerprint(self) -> str:
        return provenance.fingerprint(self.models)


def to_gray(test: TestImages) -> list[np.ndarray]:
    """Returns the images that have room for a patch, `(height, width, 1)` uint8.

    Raises:
      UserError: If there is none.
    """
    large = [im for im in test.images.values() if min(im.shape[:2]) >= PATCH_SIZE]
    if not large:
        raise UserError(
            "--images: no image is as large as a patch; give images of "
            f"{PATCH_SIZE}x{PATCH_SIZE} pixels or more."
        )
    return [images.to_gray(image) for image in large]


def draw_patches(gray: Sequence[np.ndarray], number: int, seed: int) -> PatchSet:
    """Returns test patches; a smaller number of them is a part of a larger one."""
    return PatchSet(gray, PATCH_SIZE, _PATCH_STRIDE, number, seed)


def measure(models: Mapping[str, RIM], patches: PatchSet, run: Run) -> PatchScores:
    """Measures all panels; says before how long it takes."""
    folder = run.values_folder
    measurement = PatchTest(models, patches.to_numpy(), run.num_steps, run.seed, folder)
    begin_anew_if_asked(run)
    num_kept = measurement.num_kept()
    rest = f", {num_kept} of them done before; the rest" if num_kept else ""
    seconds = measurement.estimate_seconds()
    print(
        f"Testing with {count(run.num_steps, 'step')} on "
        f"{count(len(patches), 'patch', 'patches')}{rest} takes about "
        f"{describe_seconds(seconds)}. {run.how_to_go_on} For a quick look: "
        "--num_test_patches=8 --num_steps=22."
    )
    return measurement.run()


def to_curves(
    psnr: np.ndarray, names: Collection[str]
) -> dict[Panel, dict[str, Curve]]:
    """Returns curves by panel and name of the model.

    Args:
      psnr: As `PatchScores` has it.
      names: Names of the models, in their order.
    """
    return {
        panel: dict(zip(names, map(Curve, of_panel), strict=True))
        for panel, of_panel in zip(PANELS, psnr, strict=True)
    }


def to_measured(
    curves: Mapping[Panel, Mapping[str, Curve]], dataset: str, steps: Sequence[int]
) -> list[Score]:
    """Returns PSNR at some t, with the value of each patch.

    Patches are numbered as they were drawn.
    """
    return [
        record
        for panel, by_model in curves.items()
        for row, curve in by_model.items()
        for t in steps
        for record in _measured_at(curve, t, dataset, row, panel)
    ]


def _measured_at(
    curve: Curve, t: int, dataset: str, row: str, panel: Panel
) -> list[Score]:
    values = {f"patch {number}": value for number, value in enumerate(curve.psnr[t])}
    condition = {"task": panel.task, "p": panel.fraction, "t": t}
    return measured_on({dataset: list(values)}, values, row, condition)


def operator_seed(seed: int, number: int) -> int:
    """Returns the seed of an operator: another one for every seed and number."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0])


def observe(
    clean: np.ndarray, forward_model: ForwardModel, seed: int, number: int
) -> np.ndarray:
    """Returns y of clean images, with noise of level `SIGMA`.

    The noise is another one for every seed and number, of a batch here, and has
    nothing in common with the operator of `operator_seed`. All panels see the same.
    """
    measured = keras.ops.convert_to_numpy(forward_model.forward(clean))
    # The 1 matters: [seed, 0] is the same stream as seed.
    generator = np.random.default_rng([seed, number, 1])
    noise = generator.standard_normal(measured.shape, np.float32)
    # Forward models ignore the noise of what they do not keep.
    return measured + np.float32(SIGMA) * noise


def _psnr(estimate: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Returns the PSNR of each patch, at most `_MOST_PSNR`."""
    return np.minimum(metrics.psnr(estimate, clean), _MOST_PSNR)


def estimates(
    model: RIM, observation: np.ndarray, forward_model: ForwardModel, num_steps: int
) -> list[np.ndarray]:
    """Returns x_0 ... x_T."""
    initial = model.link.forward(
        model.initial_eta(keras.ops.convert_to_tensor(observation), forward_model)
    )
    later = iterate(model, observation, forward_model, SIGMA, num_steps)
    return [keras.ops.convert_to_numpy(x) for x in (initial, *later)]
