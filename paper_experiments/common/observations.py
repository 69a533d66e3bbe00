"""Clean image, noise, noisy image: made here for tables, baselines and pictures."""

import dataclasses
from typing import Any

import numpy as np

from paper_experiments.common.image_sets import TestImages
from rim_tf import images, metrics, noise

_MAX_PIXEL = np.float32(255.0)


@dataclasses.dataclass(frozen=True)
class Observations:
    """How test images become noisy.

    Attributes:
      test: The test images.
      sigma: Standard deviation of the noise on the scale from 0 to 255.
      color: A key of `rim_tf.images.COLOR_CONVERSIONS`.
      quantized: Whether noisy images are clipped to [0, 255] and rounded.
      seed: Seed of the run.
    """

    test: TestImages
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
        return self.sigma / float(_MAX_PIXEL)

    def clean(self, image_id: str) -> np.ndarray:
        """Returns a test image, `(height, width, channels)` float32 in [0, 1]."""
        return to_unit_range(self.test.images[image_id], self.color)

    def noisy(self, image_id: str) -> np.ndarray:
        """Returns a test image with noise, of the shape and type of `clean`.

        The noise depends on the seed and on the position of the image in the whole
        test set, and is the same on every backend.
        """
        clean = self.clean(image_id)
        generator = np.random.default_rng([self.seed, self.test.numbers[image_id]])
        normal = generator.standard_normal(clean.shape, np.float32)
        noisy = clean + np.float32(self.unit_sigma) * normal
        return noise.round_to_8_bits(noisy, np) if self.quantized else noisy

    def psnr_of_noisy(self, image_id: str) -> float:
        """Returns the PSNR of a noisy image in dB, not clipped."""
        return psnr_of(self.noisy(image_id), self.clean(image_id), clip=False)


def to_unit_range(image: np.ndarray, color: str) -> np.ndarray:
    """Converts an RGB uint8 image to `(height, width, channels)` float32 in [0, 1]."""
    return np.float32(images.COLOR_CONVERSIONS[color](image)) / _MAX_PIXEL


def psnr_of(image: np.ndarray, clean: np.ndarray, clip: bool = True) -> float:
    """Returns the PSNR in dB of one image, see `rim_tf.metrics.psnr`."""
    (value,) = metrics.psnr(image[np.newaxis], clean[np.newaxis], clip=clip)
    return float(value)
