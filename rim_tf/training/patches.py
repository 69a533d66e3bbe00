"""Training patches: a seeded sample of image patches, in a seeded order.

A patch has a number; a training run is a sequence of numbers. So any position of
a run can be reached at once, which is how an interrupted training goes on, and
every patch of an epoch may stand beside every other.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np

from rim_tf.images import check_image

if TYPE_CHECKING:
    import tensorflow as tf

_MAX_PIXEL = np.float32(255.0)


class PatchSet:
    """A seeded sample of the square patches of a list of images.

    Corners lie on a grid of `stride` pixels from the top left of each image. A smaller
    sample is the beginning of a larger one of the same seed.

    Args:
      images: Arrays `(height, width, channels)` uint8, of any sizes.
      size: Height and width of a patch in pixels.
      stride: Distance of neighbouring patches in pixels.
      num_patches: Size of the sample; a number beyond what there is takes all
        patches, None takes them without a sample, row by row.
      seed: Seed of the sample.

    Raises:
      ValueError: If no image is as large as a patch, the images differ in their
        number of channels or are not such arrays, or size or stride is less than 1.
    """

    def __init__(
        self,
        images: Sequence[np.ndarray],
        size: int = 32,
        stride: int = 4,
        num_patches: int | None = None,
        seed: int = 0,
    ):
        if min(size, stride) < 1:
            raise ValueError(
                f"size and stride must be 1 or more, got {size} and {stride}."
            )
        for image in images:
            check_image(image)
        channels = {image.shape[-1] for image in images}
        if len(channels) != 1:
            raise ValueError(
                f"Images must have the same number of channels, got {sorted(channels)}."
            )
        self.size = size
        self.channels = channels.pop()
        # All images as one long line of pixels: a patch is then the index of its
        # corner and the width of its image, whatever the sizes of the images.
        self._pixels = np.concatenate([im.reshape(-1, self.channels) for im in images])
        self._ends = np.cumsum([im.shape[0] * im.shape[1] for im in images])
        corners, widths = _corners(images, size, stride)
        if not len(corners):
            raise ValueError(f"No image is as large as {size} x {size} pixels.")
        if num_patches is not None:
            sample = np.random.default_rng(seed).permutation(len(corners))[:num_patches]
            corners, widths = corners[sample], widths[sample]
        self._corners, self._widths = corners, widths

    def __len__(self) -> int:
        return len(self._corners)

    def gather(self, numbers: np.ndarray) -> np.ndarray:
        """Returns the patches of these numbers.

        Args:
          numbers: `(batch,)` integers from 0 to `len(self) - 1`.

        Returns:
          `(batch, size, size, channels)` float32 in [0, 1].
        """
        span = np.arange(self.size)
        rows = self._corners[numbers, None] + span * self._widths[numbers, None]
        return self._pixels[rows[:, :, None] + span] / _MAX_PIXEL

    def images_of(self, numbers: np.ndarray) -> np.ndarray:
        """Returns from which image patches are.

        Args:
          numbers: `(batch,)` integers from 0 to `len(self) - 1`.

        Returns:
          `(batch,)` int64, positions in the images that the set was made from.
        """
        return np.searchsorted(self._ends, self._corners[numbers], side="right")

    def to_numpy(self) -> np.ndarray:
        """Returns all patches, `(number, size, size, channels)` float32 in [0, 1]."""
        return self.gather(np.arange(len(self)))

    def order(self, epochs: int, seed: int) -> np.ndarray:
        """Returns the patch numbers of a training run, shuffled anew every epoch.

        Args:
          epochs: How often each patch is visited.
          seed: Seed of the order.

        Returns:
          `(epochs * len(self),)` int64.
        """
        return np.concatenate(
            [
                np.random.default_rng([seed, epoch]).permutation(len(self))
                for epoch in range(epochs)
            ]
        )

    def batches(self, order: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
        """Yields the patches of `order` in batches; an incomplete one is left out."""
        for start in range(0, len(order) - batch_size + 1, batch_size):
            yield self.gather(order[start : start + batch_size])

    def feed(
        self, order: np.ndarray, batch_size: int
    ) -> "tf.data.Dataset | Iterator[tuple[np.ndarray]]":
        """Returns batches for Keras `fit`: a `dataset` under TensorFlow only."""
        if keras.backend.backend() == "tensorflow":
            return self.dataset(order, batch_size)
        # Keras wants tuples from a generator.
        return ((batch,) for batch in self.batches(order, batch_size))

    def dataset(self, order: np.ndarray, batch_size: int) -> "tf.data.Dataset":
        """Does what `batches` does as a parallel, prefetching `tf.data` pipeline.

        Args:
          order: Patch numbers, from `order`.
          batch_size: Patches in a batch.

        Returns:
          A dataset of `(batch_size, size, size, channels)` float32 in [0, 1].
        """
        import tensorflow as tf

        with tf.device("CPU"):
            pixels = tf.constant(self._pixels)
            corners = tf.constant(self._corners)
            widths = tf.constant(self._widths)
        span = tf.range(self.size, dtype=tf.int64)

        def gather(numbers):
            first = tf.gather(corners, numbers)[:, None]
            rows = first + span * tf.gather(widths, numbers)[:, None]
            patches = tf.gather(pixels, rows[:, :, None] + span)
            return tf.cast(patches, tf.float32) / _MAX_PIXEL

        return (
            tf.data.Dataset.from_tensor_slices(order)
            .batch(batch_size, drop_remainder=True)
            .map(gather, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .prefetch(tf.data.AUTOTUNE)
        )


def _corners(
    images: Sequence[np.ndarray], size: int, stride: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns index of the corner, and width of the image, of every patch."""
    corners, widths = [], []
    first_pixel = 0
    for image in images:
        height, width = image.shape[:2]
        rows = np.arange(0, height - size + 1, stride)
        columns = np.arange(0, width - size + 1, stride)
        grid = first_pixel + rows[:, None] * width + columns
        corners.append(grid.ravel())
        widths.append(np.full(grid.size, width))
        first_pixel += height * width
    return np.concatenate(corners), np.concatenate(widths)
