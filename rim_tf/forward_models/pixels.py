"""Forward models of single pixels: denoising and inpainting."""

import numpy as np
from keras import ops

from rim_tf import arguments
from rim_tf.forward_models.base import ForwardModel


class Denoising(ForwardModel):
    """A = I: the observation is the image with noise added.

    x and y are `(batch, height, width, channels)` of any size.
    """

    def forward(self, image):
        return self._image(image)

    def adjoint(self, observation):
        return self._observation(observation)


class Inpainting(ForwardModel):
    """Pixels are missing: y is x where the mask is 1, and 0 elsewhere.

    x and y have the same shape, `(batch, height, width, channels)`.

    Args:
      mask: 1 where a pixel is known, 0 where it is missing: `(height, width,
        channels)`, or `(batch, height, width, channels)` for one per image.
        Channels may be 1 for all alike.
    """

    def __init__(self, mask):
        self.mask = arguments.with_batch(mask, 4, "mask (height, width, channels)")
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

    def forward(self, image):
        image = self._image(image, self.mask)
        return ops.cast(self.mask, image.dtype) * image

    def adjoint(self, observation):
        observation = self._observation(observation, self.mask)
        return ops.cast(self.mask, observation.dtype) * observation
