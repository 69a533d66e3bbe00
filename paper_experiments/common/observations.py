"""Restoring noisy test images with a RIM, and measuring how well it does."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from tqdm import tqdm

from paper_experiments import experiment, figures, image_sets, reporting
from rim_tf import metrics
from rim_tf.restoration import iterate
from rim_tf.rim import RIM

_MAX_PIXEL = 255.0


@dataclasses.dataclass(frozen=True)
class Observations:
    """How test images become noisy.

    Attributes:
      sigma: Standard deviation of the noise on the scale from 0 to 255.
      color: A key of `rim_tf.images.COLOR_CONVERSIONS`.
      quantized: Whether noisy images are clipped to [0, 255] and rounded.
      seed: Seed of the run.
    """

    sigma: float
    color: str
    quantized: bool
    seed: int

    @property
    def condition(self) -> dict[str, Any]:
        """What distinguishes the columns of a table."""
        return {"sigma": self.sigma, "quantized": self.quantized}

    @property
    def unit_sigma(self) -> float:
        """Standard deviation of the noise on the scale from 0 to 1."""
        return self.sigma / _MAX_PIXEL

    def clean(self, test: image_sets.TestImages, image_id: str) -> np.ndarray:
        """Returns a test image, `(height, width, channels)` float32 in [0, 1]."""
        return experiment.to_unit_range(test.images[image_id], self.color)

    def observe(self, clean: np.ndarray, number: int) -> np.ndarray:
        """Adds noise to a test image.

        Args:
          clean: `(height, width, channels)` float32 in [0, 1].
          number: Position of the image in the whole test set.
        """
        noise = experiment.test_noise(clean.shape, self.seed, number)
        noisy = clean + np.float32(self.unit_sigma) * noise
        if self.quantized:
            noisy = np.rint(np.clip(noisy, 0, 1) * _MAX_PIXEL) / np.float32(_MAX_PIXEL)
        return np.float32(noisy)


class DenoisingResult(NamedTuple):
    """What one noise level gave.

    Attributes:
      psnr: PSNR of the estimates by image id, in dB.
      observation_psnr: PSNR of the observations by image id.
      picture: Observation and estimates over time of the first image.
    """

    psnr: Mapping[str, float]
    observation_psnr: Mapping[str, float]
    picture: figures.Restored


def denoise(
    model: RIM,
    test: image_sets.TestImages,
    observations: Observations,
    num_steps: int,
    description: str = "",
) -> DenoisingResult:
    """Restores all test images at one noise level.

    Args:
      model: A trained RIM.
      test: The test images.
      observations: How they become noisy.
      num_steps: T.
      description: What stands before the progress bar.
    """
    shown_steps = figures.steps_to_show(num_steps)
    psnr, observation_psnr, picture = {}, {}, None
    bar = tqdm(test.images, desc=description, unit="image", leave=False)
    for image_id in bar:
        clean = observations.clean(test, image_id)
        noisy = observations.observe(clean, test.numbers[image_id])
        estimates = iterate(
            model,
            noisy[np.newaxis],
            sigma=observations.unit_sigma,
            num_steps=num_steps,
        )
        kept = {
            t: keras.ops.convert_to_numpy(estimate)[0]
            for t, estimate in enumerate(estimates, start=1)
            if t in shown_steps
        }
        psnr[image_id] = psnr_of(kept[num_steps], clean)
        bar.set_postfix_str(f"mean so far {np.mean(list(psnr.values())):.2f} dB")
        observation_psnr[image_id] = psnr_of(noisy, clean, clip=False)
        if picture is None:
            picture = figures.Restored(
                rf"$\sigma$ = {observations.sigma:g}", clean, noisy, kept
            )
    return DenoisingResult(psnr, observation_psnr, picture)


def to_measured(
    psnr: Mapping[str, float],
    model: str,
    test: image_sets.TestImages,
    observations: Observations,
) -> list[reporting.Measured]:
    """Returns the means over each test set, of those images that have a value."""
    measured = []
    for name, ids in test.sets.items():
        known = {i: psnr[i] for i in ids if i in psnr}
        if known:
            measured.append(
                reporting.Measured(
                    model=model,
                    test_set=name,
                    condition=observations.condition,
                    metric="psnr",
                    mean=float(np.mean(list(known.values()))),
                    num_images=len(known),
                    per_image={i: round(value, 4) for i, value in known.items()},
                )
            )
    return measured


def psnr_of(image: np.ndarray, clean: np.ndarray, clip: bool = True) -> float:
    """Returns the PSNR in dB of one image, see `rim_tf.metrics.psnr`."""
    (value,) = metrics.psnr(image[np.newaxis], clean[np.newaxis], clip=clip)
    return float(value)
