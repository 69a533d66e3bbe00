"""The forward models of the table, and the observations that they make."""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np

from paper_experiments.common.observations import to_unit_range
from paper_experiments.unseen import kernels, masks
from rim_tf.forward_models import (
    BicubicDownsampling,
    Blur,
    Denoising,
    ForwardModel,
    FourierProjection,
    Inpainting,
    Scaled,
)

# Height and width of images are to be multiples of it, for the sake of bicubic x 3.
_MULTIPLE = 3
# What the largest kernel needs.
LEAST_SIZE = 33
SEEN, NEVER, BESIDE = "family seen, draw new", "never seen", "beside the twelve"


class Operator(NamedTuple):
    """A forward model of the table. Its draw is the same for all images and seeds.

    Attributes:
      name: What it is called in files.
      title: What it is called in table and picture.
      origin: One of `SEEN`, `NEVER` and `BESIDE`.
      sigma: Standard deviation of the noise, in the unit of y, on the scale from 0 to
        255.
      make: From the height and width of images to the forward model.
    """

    name: str
    title: str
    origin: str
    sigma: float
    make: Callable[[tuple[int, int]], ForwardModel]

    @property
    def unit_sigma(self) -> float:
        """Standard deviation of the noise on the scale from 0 to 1."""
        return self.sigma / 255


class Problem(NamedTuple):
    """An image to be restored.

    Attributes:
      model: The forward model A, of any scale.
      observation: y, `(1, *observation_shape)` float32.
      sigma: Standard deviation of the noise on the scale from 0 to 1, more than 0.
      clean: The true image, `(height, width, 1)` float32 in [0, 1]. Classics tune
        their strength on it.
      where: Image and forward model, for messages.
    """

    model: ForwardModel
    observation: np.ndarray
    sigma: float
    clean: np.ndarray
    where: str = ""


def _blur(kernel: np.ndarray, boundary: str = "circular") -> Callable:
    return lambda shape: Blur(kernel, boundary)


OPERATORS = (
    Operator(
        "gaussian", "Gaussian blur, 1.6", SEEN, 2, _blur(kernels.gaussian(15, 1.6))
    ),
    Operator(
        "motion_15", "motion, 15 pixels", SEEN, 2.55, _blur(kernels.motion(15, 1))
    ),
    Operator(
        "motion_25", "motion, 25 pixels", SEEN, 2.55, _blur(kernels.motion(25, 2))
    ),
    Operator(
        "motion_21", "motion, 21 pixels", SEEN, 7.65, _blur(kernels.motion(21, 3))
    ),
    Operator(
        "half", "half of the pixels", SEEN, 2, lambda s: Inpainting.random(s, 0.5, 4)
    ),
    Operator(
        "fifth",
        "a fifth of the pixels",
        SEEN,
        2,
        lambda s: Inpainting.random(s, 0.2, 5),
    ),
    Operator("defocus", "defocus, a disc of 4", NEVER, 2, _blur(kernels.disc(4))),
    Operator("double", "double exposure", NEVER, 2, _blur(kernels.double_exposure(8))),
    Operator("bicubic_3", "bicubic x 3", NEVER, 2, lambda s: BicubicDownsampling(3)),
    Operator(
        *("radial", "radial Fourier lines", NEVER, 8),
        lambda s: FourierProjection(masks.radial_lines(s)),
    ),
    Operator(
        *("scribbles", "scribbles and text", NEVER, 2),
        lambda s: Inpainting(masks.scribbles(s, 6)),
    ),
    Operator(
        "mirrored", "mirrored blur, 9 x 9", NEVER, 2, _blur(kernels.box(9), "symmetric")
    ),
    Operator("denoising", "A = x", BESIDE, 25, lambda s: Denoising()),
    Operator("darker", "A = x / 2", BESIDE, 12.5, lambda s: Scaled(Denoising(), 0.5)),
    Operator("brighter", "A = 3 x", BESIDE, 75, lambda s: Scaled(Denoising(), 3)),
)


def to_gray(image: np.ndarray) -> np.ndarray:
    """Returns a grey image whose height and width go with all forward models.

    Args:
      image: `(height, width, 3)` uint8, RGB.

    Returns:
      `(height, width, 1)` float32 in [0, 1], cut at the bottom and to the right.
    """
    gray = to_unit_range(image, "gray")
    height, width = (n - n % _MULTIPLE for n in gray.shape[:2])
    return gray[:height, :width]


def observe(operator: Operator, clean: np.ndarray, seed: int, number: int) -> Problem:
    """Returns what a forward model makes of an image, with noise.

    Args:
      operator: The forward model.
      clean: `(height, width, 1)` float32 in [0, 1], as `to_gray` makes them.
      seed: Seed of the noise.
      number: Number of the image, whose noise is another one than that of others, and
        the same for all forward models.
    """
    model = operator.make(clean.shape[:2])
    measured = keras.ops.convert_to_numpy(model.forward(clean[np.newaxis]))
    # The 2 matters: other scripts have streams of the same seed and number.
    generator = np.random.default_rng([seed, number, 2])
    noise = generator.standard_normal(measured.shape, np.float32)
    # Of what is not measured there is no noise either.
    if isinstance(model, Inpainting | FourierProjection):
        noise = keras.ops.convert_to_numpy(model.forward(noise))
    observation = measured + np.float32(operator.unit_sigma) * noise
    return Problem(model, observation, operator.unit_sigma, clean)
