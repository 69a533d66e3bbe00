"""From an image to a number, step by step; and choices, which are other steps.

Two protocols: that of denoising, and that of super-resolution. Their default steps are
this project's; a choice is the same protocol with one step, or two, made differently.
"""

import dataclasses
import functools
import importlib
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from paper_experiments.common import super_resolution
from paper_experiments.common.observations import psnr_of
from rim_tf import bicubic, images

SIGMA = 25
_MAX_PIXEL = np.float32(255)


class Photograph(NamedTuple):
    """A test image.

    Attributes:
      image_id: Its id.
      number: Its position in the whole test set.
      rgb: `(height, width, 3)` uint8, as Pillow decodes it.
      jpeg: The file it comes from; None if that is not known, or no JPEG.
    """

    image_id: str
    number: int
    rgb: np.ndarray
    jpeg: Path | None = None


class Method(Protocol):
    """What restores images: the network, or the baseline."""

    def denoise(self, noisy: np.ndarray, sigma: float) -> np.ndarray:
        """Removes noise.

        Args:
          noisy: `(height, width, 1)`, pixels on the scale from 0 to 1.
          sigma: Standard deviation of the noise on the same scale.

        Returns:
          `(height, width, 1)`.
        """

    def enlarge(
        self, small: np.ndarray, factor: int, luminance: Callable
    ) -> np.ndarray:
        """Makes an image larger.

        Args:
          small: `(height, width, 3)` uint8.
          factor: How many times larger.
          luminance: From RGB to luminance, both uint8.

        Returns:
          The luminance, `(factor * height, factor * width, 1)` uint8.
        """


class NotMeasurableError(Exception):
    """The choice cannot be measured on this image, or with this backend."""


def decode(photograph: Photograph) -> np.ndarray:
    """Returns `(height, width, 3)` uint8."""
    return photograph.rgb


def draw(seed: int, number: int, shape: tuple[int, ...]) -> np.ndarray:
    """Returns standard normal numbers, float32: the noise of all our tables."""
    return np.random.default_rng([seed, number]).standard_normal(shape, np.float32)


def add(clean: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Returns the noisy image, as floats."""
    return clean + np.float32(SIGMA) / _MAX_PIXEL * normal


def denoise(method: Method, noisy: np.ndarray, sigma: float) -> np.ndarray:
    """Restores an image; see `Method`."""
    return method.denoise(noisy, sigma)


def crop(rgb: np.ndarray, factor: int) -> np.ndarray:
    """Cuts an image to a multiple of the factor."""
    height, width = (size - size % factor for size in rgb.shape[:2])
    return rgb[:height, :width]


def shrink(rgb: np.ndarray, factor: int) -> np.ndarray:
    """Makes an image small as MATLAB does, to the bit."""
    height, width = rgb.shape[:2]
    return bicubic.imresize_uint8(rgb, (height // factor, width // factor))


def enlarge(
    method: Method, small: np.ndarray, factor: int, luminance: Callable
) -> np.ndarray:
    """Makes an image larger; see `Method`."""
    return method.enlarge(small, factor, luminance)


def psnr_inside(estimate: np.ndarray, clean: np.ndarray, factor: int) -> float:
    """Returns PSNR of uint8 images without a border of `factor` pixels, peak 255."""
    return psnr(*(image[factor:-factor, factor:-factor] for image in (estimate, clean)))


def psnr(estimate: np.ndarray, clean: np.ndarray, peak: float = 255.0) -> float:
    """Returns PSNR in dB of images of the same shape, as they are."""
    error = np.mean(np.square(np.float64(estimate) - np.float64(clean)))
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(peak**2 / error))


def wang_ssim(estimate: np.ndarray, clean: np.ndarray) -> float:
    """Returns the SSIM of Wang et al. of an estimate in [0, 1], clipped."""
    pair = (clean[..., 0], np.clip(estimate[..., 0], 0, 1))
    return super_resolution.ssim(*(255 * np.float64(image) for image in pair))


@dataclasses.dataclass(frozen=True)
class Denoising:
    """The steps of denoising at a noise level of 25, in their order.

    Attributes:
      decode: From a photograph to RGB.
      gray: From RGB to `(height, width, 1)` on the scale from 0 to 255.
      draw: From seed, number of the image and shape to standard normal numbers.
      add: From the clean image in [0, 1] and these to the noisy one.
      told: What the method is told of the noise: times the truth.
      denoise: From method, noisy image and noise level to the estimate.
      score: From estimate and clean image in [0, 1] to the value.
    """

    decode: Callable = decode
    gray: Callable = images.to_gray
    draw: Callable = draw
    add: Callable = add
    told: float = 1.0
    denoise: Callable = denoise
    score: Callable = psnr_of

    def clean(self, photograph: Photograph) -> np.ndarray:
        """Returns the true image, `(height, width, 1)` float32 in [0, 1]."""
        return np.float32(self.gray(self.decode(photograph))) / _MAX_PIXEL

    def estimate(self, photograph: Photograph, method: Method, seed: int) -> np.ndarray:
        """Returns what a method makes of a photograph with noise."""
        clean = self.clean(photograph)
        noisy = self.add(clean, self.draw(seed, photograph.number, clean.shape))
        sigma = self.told * SIGMA / float(_MAX_PIXEL)
        return self.denoise(method, np.float32(noisy), sigma)

    def value(self, photograph: Photograph, estimate: np.ndarray) -> float:
        """Returns what counts as the quality of an estimate."""
        return self.score(estimate, self.clean(photograph))


@dataclasses.dataclass(frozen=True)
class SuperResolution:
    """The steps of super-resolution, in their order.

    Attributes:
      factor: How many times smaller.
      decode: From a photograph to RGB.
      crop: From RGB and factor to RGB.
      shrink: From RGB and factor to the small image.
      luminance: From RGB to `(height, width, 1)`, all uint8.
      enlarge: From method, small image, factor and `luminance` to a luminance.
      score: From estimate and clean luminance, uint8, and factor to the value.
    """

    factor: int
    decode: Callable = decode
    crop: Callable = crop
    shrink: Callable = shrink
    luminance: Callable = images.to_luminance
    enlarge: Callable = enlarge
    score: Callable = psnr_inside

    def large(self, photograph: Photograph) -> np.ndarray:
        """Returns the true image, `(height, width, 3)` uint8."""
        return self.crop(self.decode(photograph), self.factor)

    def estimate(self, photograph: Photograph, method: Method, seed: int) -> np.ndarray:
        """Returns what a method makes of a photograph made small."""
        del seed
        small = self.shrink(self.large(photograph), self.factor)
        return self.enlarge(method, small, self.factor, self.luminance)

    def value(self, photograph: Photograph, estimate: np.ndarray) -> float:
        """Returns what counts as the quality of an estimate."""
        clean = self.luminance(self.large(photograph))
        height, width = clean.shape[:2]
        # Of a size that is no multiple of the factor, more is restored than there was.
        return self.score(estimate[:height, :width], clean, self.factor)


Steps = Denoising | SuperResolution
DENOISING = f"sigma {SIGMA}"
OURS: Mapping[str, Steps] = {
    DENOISING: Denoising(),
    **{f"x{factor}": SuperResolution(factor) for factor in super_resolution.FACTORS},
}


class Choice(NamedTuple):
    """What somebody does differently.

    Attributes:
      name: What it is called in files.
      what: What it is, as a table has it.
      denoising: Steps of `Denoising` by name that are made differently.
      super_resolution: The same of `SuperResolution`.
      packages: Names under which the library that makes the choice may be installed;
        none if anybody makes it.
      metric: "psnr", or "ssim".
      for_network: Whether it is about the network only.
      cure: What to do instead, where that is not how we make the same step.
    """

    name: str
    what: str
    denoising: Mapping[str, Any] | None = None
    super_resolution: Mapping[str, Any] | None = None
    packages: tuple[str, ...] = ()
    metric: str = "psnr"
    for_network: bool = False
    cure: str = ""

    @property
    def made_by(self) -> str | None:
        """Name and version of the library; "" if there is none, None if missing."""
        for package in self.packages:
            try:
                return f"{package} {metadata.version(package)}"
            except metadata.PackageNotFoundError:
                continue
        return None if self.packages else ""

    @property
    def is_importable(self) -> bool:
        """Whether the library, if it is installed, can be imported here."""
        return all(_is_importable(package) for package in self.packages)

    def changed(self, condition: str) -> Mapping[str, Any] | None:
        """Returns steps that are made differently; None if it is not about them.

        Args:
          condition: "sigma 25", "x2" and so on.
        """
        is_denoising = condition == DENOISING
        return self.denoising if is_denoising else self.super_resolution

    def steps(self) -> dict[str, Steps]:
        """Returns the steps of all protocols that the choice is about."""
        return {
            condition: dataclasses.replace(ours, **changed)
            for condition, ours in OURS.items()
            if (changed := self.changed(condition)) is not None
        }


@functools.cache
def _is_importable(package: str) -> bool:
    """Returns whether a package fits this machine, or is not installed at all."""
    modules = metadata.packages_distributions().items()
    names = [module for module, packages in modules if package in packages]
    try:
        for name in names:
            importlib.import_module(name)
    # Libraries that miss a part raise all kinds of errors.
    except Exception:
        return False
    return True
