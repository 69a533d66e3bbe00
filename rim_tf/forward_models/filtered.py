"""One operator for many tasks: y = M T (k * x), all of its members of one shape."""

import keras
import numpy as np
from keras import ops

from rim_tf import arguments
from rim_tf.forward_models.base import ForwardModel
from rim_tf.forward_models.pixels import select
from rim_tf.forward_models.projections import hartley


class FilteredProjection(ForwardModel):
    """A convolution, then an orthonormal transform, of which a mask keeps a part.

        y = mask * T(k * x)

    T is the identity, or the Hartley transform of the image times random signs. With
    it come denoising, inpainting, blur, skipped rows, sub-sampling, Fourier and random
    projections, and what they make one after the other. All are Fourier transforms
    and products, so that a training step is compiled once for all of them.

    x and y have the same shape, `(batch, height, width, channels)`. The norm is that of
    the convolution alone: 1 for a kernel that is not negative and sums to 1.

    Args:
      kernel: k, which continues on the other side of the image, with its center at
        `(0, 0)`: `(height, width)`, or `(batch, height, width)` for one per image, as
        of the next two.
      mask: 1 for what is kept of y, 0 for the rest, which is 0.
      signs: 1 and -1.
      is_spectral: 1 where T is the Hartley transform, 0 where it is the identity: a
        number, or `(batch,)`.

    Raises:
      ValueError: If kernel, mask or signs have another rank or size than each other, or
        the mask has values outside of [0, 1].
    """

    def __init__(self, kernel, mask, signs, is_spectral):
        named = {"kernel": kernel, "mask": mask, "signs": signs}
        kernel, self.mask, self.signs = (
            arguments.with_batch(
                arguments.to_real(values, name), 3, f"{name} (height, width)"
            )
            for name, values in named.items()
        )
        sizes = {tuple(v.shape[1:]) for v in (kernel, self.mask, self.signs)}
        if len(sizes) != 1:
            raise ValueError(
                "kernel, mask and signs must have one height and width, got "
                f"{', '.join(map(str, sorted(sizes)))}."
            )
        arguments.check_mask(self.mask)
        # F k, as real and imaginary part.
        self.transfer = _fourier(ops.cast(kernel, "float32"))
        real, imaginary = map(arguments.known, self.transfer)
        if real is not None:
            self.norm = float(np.hypot(real, imaginary).max())
        is_spectral = arguments.to_real(is_spectral, "is_spectral")
        is_spectral = ops.cast(is_spectral, "float32")
        self.is_spectral = ops.reshape(is_spectral, (-1, 1, 1, 1))
        self.image_shape = (*self.mask.shape[1:], None)
        self.observation_shape = self.image_shape

    def forward(self, image):
        filtered = self._filter(self._image(image, self.mask))
        spectrum = hartley(self._with_signs(filtered))
        return self._masked(self._either(filtered, spectrum))

    def adjoint(self, observation):
        kept = self._masked(self._observation(observation, self.mask))
        image = self._either(kept, self._with_signs(hartley(kept)))
        return self._filter(image, conjugate=True)

    def map_operators(self, function) -> "FilteredProjection":
        """Returns the model whose tensors of single images are those of a function."""
        mapped = object.__new__(type(self))
        vars(mapped).update(vars(self))
        mapped.mask, mapped.signs = function(self.mask), function(self.signs)
        mapped.is_spectral = function(self.is_spectral)
        mapped.transfer = tuple(map(function, self.transfer))
        return mapped

    def _filter(self, images, conjugate: bool = False):
        """Convolves with the kernel, or with its mirror image."""
        dtype = keras.backend.standardize_dtype(images.dtype)
        wide = "float64" if dtype == "float64" else "float32"
        real, imaginary = (ops.cast(part, wide) for part in self.transfer)
        if conjugate:
            imaginary = -imaginary
        channels = ops.cast(ops.moveaxis(images, -1, 1), wide)
        a, b = _fourier(channels)
        a, b = (
            a * real[:, None] - b * imaginary[:, None],
            a * imaginary[:, None] + b * real[:, None],
        )
        filtered, _ = ops.ifft2((a, b))
        return ops.cast(ops.moveaxis(filtered, 1, -1), dtype)

    def _with_signs(self, images):
        return ops.cast(ops.expand_dims(self.signs, -1), images.dtype) * images

    def _either(self, image, spectrum):
        share = ops.cast(self.is_spectral, image.dtype)
        return (1 - share) * image + share * spectrum

    def _masked(self, values):
        return select(ops.expand_dims(self.mask, -1), values)


def _fourier(images) -> tuple:
    """Returns real and imaginary part of the DFT over the last two axes."""
    return ops.fft2((images, ops.zeros_like(images)))
