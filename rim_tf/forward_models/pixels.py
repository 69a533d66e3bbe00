"""Forward models of single pixels: denoising and inpainting."""

import functools
import warnings

import numpy as np
from keras import ops
from scipy import ndimage

from rim_tf import arguments
from rim_tf.forward_models.base import ForwardModel

_SMALL_SHARE = 0.05
# Of the pixels. Where fewer are known, `rim_3task` came nearer to the truth from A^T y
# than from an interpolation: by 0.7 to 1.1 dB where a fifth is known, at random.
LEAST_SHARE_TO_INTERPOLATE = 0.4


class Denoising(ForwardModel):
    """A = I: the observation is the image with noise added.

    x and y are `(batch, height, width, channels)` of any size.
    """

    norm = 1.0

    def forward(self, image):
        return self._image(image)

    def adjoint(self, observation):
        return self._observation(observation)


class Inpainting(ForwardModel):
    """Pixels are missing: y is x where the mask is 1, and 0 elsewhere.

    x and y have the same shape, `(batch, height, width, channels)`. What y holds
    where the mask is 0 has no influence, NaN included. A RIM starts from the nearest
    known pixels, or from A^T y where less than 40% is known, or if it has learnt that.

    Args:
      mask: 1 where a pixel is known, 0 where it is missing (scikit-image's
        `inpaint_biharmonic` has it the other way around): `(height, width,
        channels)`, or `(batch, height, width, channels)` for one per image.
        Channels may be 1 for all alike. Values between are allowed.

    Raises:
      ValueError: If the mask has another rank, or values outside of [0, 1].

    Warns:
      UserWarning: If less than a twentieth of the pixels is known.
    """

    fills_pixels = True

    def __init__(self, mask):
        self.mask = arguments.with_batch(mask, 4, "mask (height, width, channels)")
        arguments.check_mask(self.mask)
        known = arguments.known(self.mask)
        self._name = "Inpainting"
        if known is not None:
            self.norm = float(known.max())
            self._name += f" that knows {100 * known.mean():.3g}% of the pixels"
            if known.mean() < _SMALL_SHARE:
                warnings.warn(f"{self}; 1 means known, 0 missing.", stacklevel=2)
        height, width, channels = self.mask.shape[1:]
        self.image_shape = (height, width, None if channels == 1 else channels)
        self.observation_shape = self.image_shape

    @classmethod
    def random(
        cls, shape: tuple[int, int], fraction: float, seed: int = 0
    ) -> "Inpainting":
        """Returns a model that knows each pixel with probability `fraction`.

        Args:
          shape: Height and width.
          fraction: Share of the known pixels, in (0, 1].
          seed: Seed of the choice.
        """
        arguments.check_fraction(fraction)
        shape = arguments.check_size(shape, "shape")
        known = np.random.default_rng(seed).uniform(size=(*shape, 1)) < fraction
        return cls(np.float32(known))

    def __str__(self) -> str:
        return self._name

    def forward(self, image):
        return select(self.mask, self._image(image, self.mask))

    def adjoint(self, observation):
        return select(self.mask, self._observation(observation, self.mask))

    def initial_estimate(self, observation):
        observation = self._observation(observation, self.mask)
        if self.starts_from_adjoint:
            return self.adjoint(observation)
        mask = ops.cast(self.mask, observation.dtype)
        values = ops.where(mask == 0, 0, observation) / ops.where(mask == 0, 1, mask)
        shape, number = ops.shape(values), np.prod(self.mask.shape[1:3])
        flat = ops.reshape(values, (-1, number, shape[-1]))
        nearest = self._nearest.reshape(len(self._nearest), number, -1)
        nearest = ops.broadcast_to(nearest, ops.shape(flat))
        return ops.reshape(ops.take_along_axis(flat, nearest, axis=1), shape)

    def part(self, rows: slice, columns: slice) -> "Inpainting":
        """Returns the model of a part of the images, of the same norm."""
        with warnings.catch_warnings():
            # That little is known was said of the whole.
            warnings.simplefilter("ignore", UserWarning)
            part = Inpainting(self.mask[:, rows, columns])
        part.norm = self.norm
        part.starts_from_adjoint = self.starts_from_adjoint
        return part

    @functools.cached_property
    def starts_from_adjoint(self) -> bool:
        """See `ForwardModel`; also while a function of the mask is compiled."""
        mask = arguments.known(self.mask)
        return mask is None or (mask > 0).mean() < LEAST_SHARE_TO_INTERPOLATE

    @functools.cached_property
    def _nearest(self) -> np.ndarray:
        """Numbers of the nearest known pixels, of the mask's shape."""
        mask = arguments.known(self.mask)
        channels = np.moveaxis(mask, -1, 1)
        numbers = [[_nearest_known(channel) for channel in image] for image in channels]
        return np.moveaxis(np.int32(numbers), 1, -1)


def _nearest_known(mask: np.ndarray) -> np.ndarray:
    """Returns the number of the nearest known pixel for each, `(height, width)`.

    Known is here what the mask knows half as well as its best pixel, at least. Where
    it knows nothing, each pixel is its own nearest.
    """
    if not mask.any():
        return np.arange(mask.size).reshape(mask.shape)
    missing = mask < mask.max() / 2
    indices = ndimage.distance_transform_edt(
        missing, return_distances=False, return_indices=True
    )
    return np.ravel_multi_index(tuple(indices), mask.shape)


def select(mask, values):
    """Returns mask * values, and 0 where the mask is 0, whatever is there."""
    mask = ops.cast(mask, values.dtype)
    return mask * ops.where(mask == 0, 0, values)
