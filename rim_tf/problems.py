"""Problems: what is drawn anew for every training batch (section 3).

A problem takes clean images and draws a forward model, noise levels and noise. It
runs inside the training step, on the accelerator.
"""

import dataclasses
from typing import Any, NamedTuple, Protocol

import keras
from keras import ops

from rim_tf.forward_models import Denoising, ForwardModel

PAPER_MAX_SIGMA = 55 / 255


class Measurement(NamedTuple):
    """An observation of a batch of images, and what is known about its making.

    Attributes:
      observation: y, float32.
      sigma: Noise level in the unit of y, `(batch,)` float32.
      forward_model: The operator A.
    """

    observation: Any
    sigma: Any
    forward_model: ForwardModel


class Problem(Protocol):
    """Draws a measurement of clean images."""

    def draw(self, clean, seed: keras.random.SeedGenerator) -> Measurement:
        """Draws forward model, noise level and noise for a batch of images.

        Args:
          clean: `(batch, height, width, channels)` float32 in [0, 1].
          seed: Where random numbers come from.
        """


@dataclasses.dataclass(frozen=True)
class DenoisingProblem:
    """Additive white noise whose level is uniform in [0, max_sigma] (section 3.2).

    Attributes:
      max_sigma: Largest standard deviation, on the scale of pixels from 0 to 1.
      quantized: Whether the noisy images are clipped to [0, 1] and rounded to 256
        levels, as those of the quantised tests.
    """

    max_sigma: float = PAPER_MAX_SIGMA
    quantized: bool = False

    def draw(self, clean, seed: keras.random.SeedGenerator) -> Measurement:
        """Draws one noise level per image, and the noise; see `Problem.draw`."""
        batch_size = ops.shape(clean)[0]
        sigma = keras.random.uniform((batch_size,), 0.0, self.max_sigma, seed=seed)
        noise = keras.random.normal(ops.shape(clean), seed=seed)
        observation = clean + ops.reshape(sigma, (-1, 1, 1, 1)) * noise
        if self.quantized:
            observation = ops.round(255.0 * ops.clip(observation, 0.0, 1.0)) / 255.0
        return Measurement(observation, sigma, Denoising())
