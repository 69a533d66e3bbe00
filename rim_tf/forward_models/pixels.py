"""Forward models of single pixels: denoising and inpainting."""

import warnings

import numpy as np
from keras import ops

from rim_tf import arguments
from rim_tf.forward_models.base import ForwardModel

_SMALL_SHARE = 0.05


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
    where the mask is 0 has no influence, NaN included.

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


def select(mask, values):
    """Returns mask * values, and 0 where the mask is 0, whatever is there."""
    mask = ops.cast(mask, values.dtype)
    return mask * ops.where(mask == 0, 0, values)
