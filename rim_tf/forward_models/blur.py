"""Blur: convolution with a known kernel."""

import functools

import numpy as np
from keras import ops

from rim_tf import arguments, bicubic
from rim_tf.forward_models.base import ForwardModel


class Blur(ForwardModel):
    """Convolution of each channel with a kernel.

    x and y have the same shape, `(batch, height, width, channels)`, of any size not
    smaller than the kernel. The RIM starts from A^T y: y itself, sharper but shifted
    where the kernel is not centred, led to no better estimates.

    Args:
      kernel: `(rows, columns)`. Its center is at `(rows // 2, columns // 2)`.
      boundary: What lies beyond the border: "circular" continues on the other side,
        "symmetric" mirrors the image.

    Raises:
      ValueError: If the kernel has not two axes or no number, or the boundary is
        unknown.
    """

    BOUNDARIES = ("circular", "symmetric")

    def __init__(self, kernel, boundary: str = "circular"):
        arguments.check_boundary(boundary, self.BOUNDARIES)
        self.kernel = arguments.to_real(kernel, "The kernel of Blur")
        if len(self.kernel.shape) != 2 or 0 in self.kernel.shape:
            raise ValueError(
                "Blur needs a kernel (rows, columns), got the shape "
                f"{tuple(self.kernel.shape)}."
            )
        self.boundary = boundary
        known = arguments.known(self.kernel)
        if boundary == "circular" and known is not None and (known >= 0).all():
            # An image that is constant is enlarged most.
            self.norm = float(known.sum(dtype="float64")) or None

    def forward(self, image):
        image = self._image(image)
        padded = bicubic.apply_matrices(image, *self._paddings(image))
        return _correlate(padded, self.kernel[::-1, ::-1])

    def adjoint(self, observation):
        observation = self._observation(observation)
        rows, columns = self._paddings(observation)
        height, width = self.kernel.shape
        margins = [[0, 0], [height - 1] * 2, [width - 1] * 2, [0, 0]]
        padded = _correlate(ops.pad(observation, margins), self.kernel)
        return bicubic.apply_matrices(padded, rows.T, columns.T)

    def _paddings(self, image) -> list[np.ndarray]:
        """Returns the matrices that continue both axes beyond the border."""
        sizes, kernel_sizes = tuple(image.shape[1:3]), tuple(self.kernel.shape)
        known = None not in (*kernel_sizes, *image.shape[1:])
        if not known or any(map(int.__lt__, sizes, kernel_sizes)):
            raise ValueError(
                f"Blur with a kernel of {kernel_sizes} needs known height, width and "
                f"channels, not smaller than the kernel; got {tuple(image.shape)}."
            )
        return [
            _continuation(size, kernel_size, self.boundary)
            for size, kernel_size in zip(sizes, kernel_sizes, strict=True)
        ]


def _correlate(images, kernel):
    """Correlates each channel with the kernel, where it fits in whole."""
    kernel = ops.cast(kernel, images.dtype)[..., None, None]
    kernel = ops.repeat(kernel, images.shape[-1], axis=2)
    return ops.depthwise_conv(
        images, kernel, padding="valid", data_format="channels_last"
    )


@functools.lru_cache(maxsize=16)
def _continuation(size: int, kernel_size: int, boundary: str) -> np.ndarray:
    """Returns the `(size + kernel_size - 1, size)` matrix that pads one axis.

    Do not write to it.
    """
    before = kernel_size - 1 - kernel_size // 2
    indices = np.arange(size + kernel_size - 1) - before
    if boundary == "circular":
        indices %= size
    else:
        indices = bicubic.mirrored(indices, size)
    return np.eye(size)[indices]
