"""Random projections: Gaussian, binary and Fourier (section 3.1)."""

import keras
import numpy as np
from keras import ops

from rim_tf import arguments
from rim_tf.forward_models.base import ForwardModel
from rim_tf.forward_models.pixels import select


class RandomProjection(ForwardModel):
    """Random projections of square patches (section 3.1).

        y = mask * (M x) / sqrt(d),  d = size^2

    x is `(batch, size, size, channels)`, y is `(batch, d, channels)`: a fixed
    number of measurements, of which the mask keeps some and sets the others to
    zero, so that shapes do not depend on how many are kept.

    The paper's entries of M have variance 1. Dividing A and sigma by sqrt(d)
    leaves the problem as it is, and gives measurements of the scale of a pixel:
    E[A A^T] = I for the kept measurements.

    Args:
      matrix: M, `(d, d)`.
      mask: 1 for the measurements that are kept, 0 for others: `(d,)`.

    Raises:
      ValueError: If the shapes of matrix and mask are not these, d is not the
        square of an integer, or the mask has values outside of [0, 1].
    """

    # That of E[A A^T]. The largest singular value of one A, about 1 + sqrt(p) for
    # the share p of kept measurements, is not the scale that networks learn on.
    norm = 1.0

    def __init__(self, matrix, mask):
        self.matrix = arguments.to_real(matrix, "The matrix of RandomProjection")
        self.mask = arguments.to_tensor(mask)
        arguments.check_mask(self.mask)
        shapes = tuple(self.matrix.shape), tuple(self.mask.shape)
        if len(shapes[1]) != 1 or shapes[0] != 2 * shapes[1]:
            raise ValueError(
                "RandomProjection needs a matrix (d, d) and a mask (d,), got the "
                f"shapes {shapes[0]} and {shapes[1]}."
            )
        (dimension,) = shapes[1]
        self.size = round(dimension**0.5)
        if self.size**2 != dimension:
            raise ValueError(
                f"RandomProjection needs a square patch, got {dimension} pixels."
            )
        self.image_shape = (self.size, self.size, None)
        self.observation_shape = (dimension, None)

    @classmethod
    def gaussian(cls, size: int, fraction: float, seed: int = 0) -> "RandomProjection":
        """Returns a model whose M has standard normal entries.

        Args:
          size: Height and width of the patches.
          fraction: Share p of the measurements that are kept, in (0, 1]; one is
            always kept.
          seed: Seed of the matrix.
        """
        rng = np.random.default_rng(seed)
        matrix = rng.standard_normal((size**2, size**2), np.float32)
        return cls(matrix, _first_rows(size**2, fraction))

    @classmethod
    def binary(cls, size: int, fraction: float, seed: int = 0) -> "RandomProjection":
        """Returns a model whose M has entries +1 and -1 with equal probability.

        See `gaussian` for the arguments.
        """
        rng = np.random.default_rng(seed)
        matrix = np.float32(2 * rng.integers(0, 2, (size**2, size**2)) - 1)
        return cls(matrix, _first_rows(size**2, fraction))

    def forward(self, image):
        image = self._image(image)
        flat = ops.reshape(image, (-1, self.size**2, ops.shape(image)[-1]))
        matrix = ops.cast(self.matrix, image.dtype)
        # One product with all images reads the matrix once.
        return self._masked(ops.einsum("md,bdc->bmc", matrix, flat))

    def adjoint(self, observation):
        kept = self._masked(self._observation(observation))
        matrix = ops.cast(self.matrix, kept.dtype)
        flat = ops.einsum("md,bmc->bdc", matrix, kept)
        return ops.reshape(flat, (-1, self.size, self.size, ops.shape(kept)[-1]))

    def _masked(self, measured):
        return select(ops.expand_dims(self.mask, -1), measured) / self.size


def _first_rows(number: int, fraction: float) -> np.ndarray:
    # All rows are drawn alike, so the first ones are as good as any.
    arguments.check_fraction(fraction)
    return np.float32(np.arange(number) < max(1, round(fraction * number)))


class FourierProjection(ForwardModel):
    """A random part of an image's Fourier coefficients (section 3.1).

    With F the orthonormal two-dimensional DFT of each channel,

        y = mask * (Re F x - Im F x)

    This is the Hartley transform, which holds the DFT of a real image in as many
    real numbers as there are pixels, and is its own inverse. The mask keeps with
    every frequency its negative, so that A^T A is the projection of x onto the
    kept frequencies, and white noise on y is white noise on them.

    x and y have the same shape, `(batch, height, width, channels)`.

    Args:
      mask: 1 for the frequencies that are kept, 0 for others, in the order of the
        DFT: `(height, width)`, or `(batch, height, width)` for one per image. It
        must be the same for a frequency and its negative, which is not checked.

    Raises:
      ValueError: If the mask has another rank, or values outside of [0, 1].
    """

    norm = 1.0

    def __init__(self, mask):
        self.mask = arguments.with_batch(mask, 3, "mask (height, width)")
        arguments.check_mask(self.mask)
        self.image_shape = (*self.mask.shape[1:], None)
        self.observation_shape = self.image_shape

    @classmethod
    def random(
        cls, shape: tuple[int, int], fraction: float, seed: int = 0
    ) -> "FourierProjection":
        """Returns a model that keeps a random share of the frequencies.

        Args:
          shape: Height and width of the images.
          fraction: Share p of the frequencies that are kept, in (0, 1]; one is
            always kept.
          seed: Seed of the choice.
        """
        arguments.check_fraction(fraction)
        shape = arguments.check_size(shape, "shape")
        values = np.random.default_rng(seed).uniform(size=shape)
        # A frequency and its negative take the value of one of them, so that they
        # stay or go together, and as often as a frequency that has no other.
        values = values.ravel()[representatives(shape)]
        number = max(1, round(fraction * values.size))
        return cls(np.float32(values <= np.sort(values, axis=None)[number - 1]))

    def forward(self, image):
        return self._masked(hartley(self._image(image, self.mask)))

    def adjoint(self, observation):
        return hartley(self._masked(self._observation(observation, self.mask)))

    def _masked(self, values):
        return select(ops.expand_dims(self.mask, -1), values)


def representatives(shape: tuple[int, int]) -> np.ndarray:
    """Returns for each frequency which of it and its negative comes first.

    Args:
      shape: Height and width of the images.

    Returns:
      Of this shape, numbers of frequencies in the order of the DFT.
    """
    numbers = np.arange(np.prod(shape)).reshape(shape)
    negatives = np.roll(numbers[::-1, ::-1], 1, axis=(0, 1))
    return np.minimum(numbers, negatives)


def hartley(images):
    """Returns the orthonormal Hartley transform of each channel; its own inverse.

    Args:
      images: `(batch, height, width, channels)` of any float dtype, which is kept.
    """
    dtype = keras.backend.standardize_dtype(images.dtype)
    # There is no FFT of half precision.
    wide = dtype if dtype == "float64" else "float32"
    images = ops.cast(ops.moveaxis(images, -1, 1), wide)
    real, imaginary = ops.fft2((images, ops.zeros_like(images)))
    height, width = ops.shape(images)[-2:]
    scale = 1 / ops.sqrt(ops.cast(height * width, wide))
    return ops.cast(ops.moveaxis(scale * (real - imaginary), 1, -1), dtype)
