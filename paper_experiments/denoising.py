"""Restoring noisy test images with a RIM, and measuring how well it does."""

from collections.abc import Mapping
from typing import NamedTuple

import keras
import numpy as np
from tqdm import tqdm

from paper_experiments import experiment, figures, image_sets, reporting
from rim_tf import metrics
from rim_tf.restoration import iterate
from rim_tf.rim import RIM

_MAX_PIXEL = 255.0


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


def observe(clean: np.ndarray, sigma: float, seed: int, number: int) -> np.ndarray:
    """Returns a test image with noise added, not clipped and not rounded.

    Args:
      clean: `(height, width, channels)` float32 in [0, 1].
      sigma: Standard deviation of the noise on the scale from 0 to 255.
      seed: Seed of the run.
      number: Position of the image in the whole test set.
    """
    noise = experiment.test_noise(clean.shape, seed, number)
    return clean + np.float32(sigma / _MAX_PIXEL) * noise


def denoise(
    model: RIM,
    test: image_sets.TestImages,
    sigma: float,
    settings: experiment.Experiment,
    color: str = "gray",
    description: str = "",
) -> DenoisingResult:
    """Restores all test images at one noise level.

    Args:
      model: A trained RIM.
      test: The test images.
      sigma: Standard deviation of the noise on the scale from 0 to 255.
      settings: The run.
      color: A key of `rim_tf.images.COLOR_CONVERSIONS`.
      description: What stands before the progress bar.
    """
    shown_steps = figures.steps_to_show(settings.num_steps)
    psnr, observation_psnr, picture = {}, {}, None
    bar = tqdm(test.images.items(), desc=description, unit="image", leave=False)
    for image_id, image in bar:
        clean = experiment.to_unit_range(image, color)
        observation = observe(clean, sigma, settings.seed, test.numbers[image_id])
        estimates = iterate(
            model,
            observation[np.newaxis],
            sigma=sigma / _MAX_PIXEL,
            num_steps=settings.num_steps,
        )
        kept = {
            t: keras.ops.convert_to_numpy(estimate)[0]
            for t, estimate in enumerate(estimates, start=1)
            if t in shown_steps
        }
        psnr[image_id] = _psnr(kept[settings.num_steps], clean)
        bar.set_postfix_str(f"mean so far {np.mean(list(psnr.values())):.2f} dB")
        observation_psnr[image_id] = _psnr(observation, clean, clip=False)
        if picture is None:
            picture = figures.Restored(
                rf"$\sigma$ = {sigma:g}", clean, observation, kept
            )
    return DenoisingResult(psnr, observation_psnr, picture)


def to_measured(
    result: DenoisingResult, model: str, test: image_sets.TestImages, sigma: float
) -> list[reporting.Measured]:
    """Returns the means over each test set."""
    return [
        reporting.Measured(
            model=model,
            test_set=name,
            condition={"sigma": sigma, "quantized": False},
            metric="psnr",
            mean=float(np.mean([result.psnr[i] for i in ids])),
            num_images=len(ids),
            observation_mean=float(np.mean([result.observation_psnr[i] for i in ids])),
            per_image={i: round(result.psnr[i], 4) for i in ids},
        )
        for name, ids in test.sets.items()
    ]


def _psnr(image: np.ndarray, clean: np.ndarray, clip: bool = True) -> float:
    (value,) = metrics.psnr(image[np.newaxis], clean[np.newaxis], clip=clip)
    return float(value)
