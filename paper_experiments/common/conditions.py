"""What a denoising table measures, and under which conditions."""

import dataclasses
from collections.abc import Mapping

from paper_experiments.common.table import short


@dataclasses.dataclass(frozen=True)
class DenoisingTable:
    """A table of denoising results, or a half of one.

    Attributes:
      color: A key of `rim_tf.images.COLOR_CONVERSIONS`.
      sigmas: Noise levels on the scale from 0 to 255.
      quantized: Whether noisy images are clipped and rounded to 8 bits.
      weights: Names of shipped weights by the names of their rows. `--weights` is
        about the first row, and pictures show the first that is measured.
    """

    color: str
    sigmas: tuple[int, ...]
    quantized: bool
    weights: Mapping[str, str]

    @property
    def rows(self) -> list[str]:
        """Names of the rows as --rows has them."""
        return [short(row) for row in self.weights]
