"""Problems: what is drawn anew for every training batch (section 3).

A problem takes clean images and draws a forward model, noise levels and noise. It
runs inside the training step, on the accelerator.
"""

import dataclasses
import functools
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np
from keras import ops

from rim_tf import bicubic, noise, random_operators
from rim_tf.forward_models import (
    Denoising,
    FilteredProjection,
    ForwardModel,
    RandomProjection,
)
from rim_tf.forward_models.downsampling import Resizing
from rim_tf.forward_models.projections import representatives
from rim_tf.noise import PAPER_MAX_SIGMA


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
        normal = keras.random.normal(ops.shape(clean), seed=seed)
        observation = noise.add_noise(clean, sigma, normal)
        if self.quantized:
            observation = noise.round_to_8_bits(observation)
        return Measurement(observation, sigma, Denoising())


@dataclasses.dataclass(frozen=True)
class ThreeTaskProblem:
    """Random projections of three kinds, one of them for each batch (section 3.1).

    Gaussian, binary or Fourier, with a new operator for every batch. The share p of
    measurements that are kept is uniform in [min_fraction, max_fraction], and the
    noise level of each image in [0, max_sigma]. How projections are scaled is said in
    `RandomProjection`; the Fourier projection is that of `FourierProjection`, its
    measurements in a row.

    All kinds are one product with a matrix, so that a training step is compiled once.

    Attributes:
      min_fraction: Smallest p.
      max_fraction: Largest p.
      max_sigma: Largest standard deviation of the noise.
    """

    min_fraction: float = 0.1
    max_fraction: float = 0.9
    max_sigma: float = PAPER_MAX_SIGMA

    def draw(self, clean, seed: keras.random.SeedGenerator) -> Measurement:
        """Draws operator, noise levels and noise; see `Problem.draw`.

        Args:
          clean: `(batch, size, size, channels)` float32 in [0, 1].
          seed: Where random numbers come from.
        """
        forward_model = self._draw_operator(clean.shape[1], seed)
        batch_size = ops.shape(clean)[0]
        sigma = keras.random.uniform((batch_size,), 0.0, self.max_sigma, seed=seed)
        measured = forward_model.forward(clean)
        normal = keras.random.normal(ops.shape(measured), seed=seed)
        # Measurements that are not kept have no noise either.
        kept = ops.expand_dims(forward_model.mask, -1) * normal
        observation = noise.add_noise(measured, sigma, kept)
        return Measurement(observation, sigma, forward_model)

    def _draw_operator(self, size: int, seed) -> RandomProjection:
        dimension = size**2
        fraction = keras.random.uniform(
            (), self.min_fraction, self.max_fraction, seed=seed
        )
        gaussian = keras.random.normal((dimension, dimension), seed=seed)
        matrices = (
            lambda: gaussian,
            lambda: ops.sign(gaussian),
            lambda: ops.convert_to_tensor(_fourier_matrix(size)),
        )
        kind = keras.random.randint((), 0, len(matrices), seed=seed)
        matrix = ops.switch(kind, matrices)
        # Each is kept with probability p, a frequency together with its negative.
        values = keras.random.uniform((dimension,), seed=seed)
        is_fourier = ops.equal(kind, len(matrices) - 1)
        first = representatives((size, size)).ravel()
        values = ops.where(is_fourier, ops.take(values, first), values)
        return RandomProjection(matrix, ops.cast(values <= fraction, "float32"))


@functools.lru_cache(maxsize=2)
def _fourier_matrix(size: int) -> np.ndarray:
    """Returns `FourierProjection` as a matrix M of `RandomProjection`."""
    frequencies = np.arange(size)
    angles = 2 * np.pi / size * np.outer(frequencies, frequencies)
    angles = angles[:, None, :, None] + angles[None, :, None, :]
    return np.float32(np.cos(angles) + np.sin(angles)).reshape(size**2, size**2)


@dataclasses.dataclass(frozen=True)
class AnyProblem:
    """Forward models of a family, one for each image: `FilteredProjection`.

    Denoising, inpainting, blur, skipped rows and columns, Fourier and random
    projections, and one after the other. Not of the paper; `random_operators` says what
    is drawn.

    Attributes:
      max_sigma: Largest standard deviation of the noise.
      small_sigma: Blurs and masks are mostly met with little noise, so a share of the
        levels is below this; their roots are uniform, since the less the noise, the
        less of it an estimate may add.
      small_share: Which share; the rest is uniform in [0, max_sigma].
      spectral_share: Share of the Fourier and random projections.
      blocks_share: Share of the masks that lack blocks, where nothing is spectral.
    """

    max_sigma: float = PAPER_MAX_SIGMA
    small_sigma: float = 8 / 255
    small_share: float = 0.25
    spectral_share: float = 0.2
    blocks_share: float = 0.1

    def draw(self, clean, seed: keras.random.SeedGenerator) -> Measurement:
        """Draws operators, noise levels and noise; see `Problem.draw`.

        Args:
          clean: `(batch, size, size, channels)` float32 in [0, 1].
          seed: Where random numbers come from.
        """
        forward_model = self._draw_operators(ops.shape(clean)[0], clean.shape[1], seed)
        sigma = self._draw_sigma(ops.shape(clean)[0], seed)
        measured = forward_model.forward(clean)
        normal = keras.random.normal(ops.shape(measured), seed=seed)
        # Measurements that are not kept have no noise either.
        kept = ops.expand_dims(forward_model.mask, -1) * normal
        observation = noise.add_noise(measured, sigma, kept)
        return Measurement(observation, sigma, forward_model)

    def _draw_operators(self, batch_size, size: int, seed) -> FilteredProjection:
        drawn = batch_size, size, seed
        kernels = random_operators.kernels(*drawn)
        masks = random_operators.masks(*drawn, blocks_share=self.blocks_share)
        spectral = random_operators.spectral_masks(*drawn)
        signs = random_operators.signs(*drawn)
        is_spectral = self._draw_share(self.spectral_share, batch_size, seed)
        share = ops.reshape(is_spectral, (-1, 1, 1))
        masks = (1 - share) * masks + share * spectral
        return FilteredProjection(kernels, masks, signs, is_spectral)

    def _draw_sigma(self, batch_size, seed):
        is_small = self._draw_share(self.small_share, batch_size, seed)
        uniform = keras.random.uniform((batch_size,), seed=seed)
        small = self.small_sigma * ops.square(uniform)
        return is_small * small + (1 - is_small) * self.max_sigma * uniform

    def _draw_share(self, share: float, batch_size, seed):
        """Returns 1 for a share of the images, 0 for the others."""
        value = keras.random.uniform((batch_size,), seed=seed)
        return ops.cast(value < share, "float32")


@dataclasses.dataclass(frozen=True)
class SuperResolutionProblem:
    """Bicubic down-sampling by one of a few factors, rounded to 8 bits (section 3.3).

    A batch has one factor. There is no noise but that of rounding, and sigma is 0.

    Attributes:
      factors: What is drawn from; each divides height and width of the images.
    """

    factors: tuple[int, ...] = (2, 3, 4)

    def draw(self, clean, seed: keras.random.SeedGenerator) -> Measurement:
        """Draws one factor for the batch; see `Problem.draw`.

        Raises:
          ValueError: If a factor does not divide height or width.
        """
        number = keras.random.randint((), 0, len(self.factors), seed=seed)
        forward_model = _bicubic_of_one_shape(clean.shape[1:3], self.factors, number)
        observation = noise.round_to_8_bits(forward_model.forward(clean))
        sigma = ops.zeros((ops.shape(clean)[0],))
        return Measurement(observation, sigma, forward_model)


def _bicubic_of_one_shape(size: tuple[int, int], factors: tuple[int, ...], number):
    """Returns bicubic down-sampling whose y has the same shape for all factors.

    Otherwise the training step would be compiled for each of them. What a larger
    factor leaves of the shape is zero.

    Args:
      size: Height and width of x.
      factors: Some factors.
      number: Which of them, a tensor.
    """
    return Resizing(
        *(
            [_padded_matrices(n, factors, number, down) for n in size]
            for down in (True, False)
        )
    )


def _padded_matrices(size: int, factors: tuple[int, ...], number, down: bool):
    """Returns the matrix of one factor for one axis, padded by zeros."""
    if any(size % factor for factor in factors):
        raise ValueError(
            f"Images of super-resolution by {factors} need sizes that all of these "
            f"divide, got {size}."
        )
    small = size // min(factors)
    matrices = np.zeros((len(factors), *((small, size) if down else (size, small))))
    for matrix, factor in zip(matrices, factors, strict=True):
        sizes = (size, size // factor) if down else (size // factor, size)
        values = bicubic.resize_matrix(*sizes)
        matrix[: values.shape[0], : values.shape[1]] = values
    return ops.take(ops.convert_to_tensor(matrices, "float32"), number, axis=0)
