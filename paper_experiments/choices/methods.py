"""What restores images: total variation and bicubic enlarging, or the networks."""

import dataclasses
import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from paper_experiments.baselines import converged_total_variation
from paper_experiments.common import provenance
from rim_tf import bicubic, images, pretrained
from rim_tf.forward_models import BicubicDownsampling
from rim_tf.restoration import restore

BASELINE, NETWORK = "baseline", "network"
# Of `converged_total_variation` at sigma 25.
_STRENGTH, _TOLERANCE = 0.7, 2e-5
# What neither needs, but for choices that say so: environments may differ in it.
_MAY_DIFFER = ("backend", "jax", "PyWavelets", "bm3d", "scico")


class Baseline:
    """Converged total variation, and enlarging by MATLAB's bicubic kernel."""

    name = BASELINE

    def denoise(self, noisy: np.ndarray, sigma: float) -> np.ndarray:
        return _remembered(_remove_noise, *_as_key(noisy), sigma)

    def fingerprint(self) -> str:
        rest = provenance.fingerprint({}, but=_MAY_DIFFER)[:16]
        return f"total variation of strength {_STRENGTH} sigma, {rest}"

    def enlarge(
        self, small: np.ndarray, factor: int, luminance: Callable
    ) -> np.ndarray:
        height, width = (factor * size for size in small.shape[:2])
        return luminance(bicubic.imresize_uint8(small, (height, width)))


def _remove_noise(noisy: np.ndarray, sigma: float) -> np.ndarray:
    """As the tables' total variation does at sigma 25, whatever it is told.

    So anybody who tells another sigma has these values, without our strengths.
    """
    return converged_total_variation.remove_noise(noisy, sigma, _STRENGTH, _TOLERANCE)


@dataclasses.dataclass(frozen=True)
class Network:
    """The trained networks.

    Attributes:
      denoiser: Weights of the one that removes noise: a name, or a path.
      enlarger: Weights of the one for super-resolution.
      dtype: Arithmetic, a Keras dtype policy.
      num_steps: T.
    """

    denoiser: str
    enlarger: str
    dtype: str
    num_steps: int

    name = NETWORK

    def denoise(
        self,
        noisy: np.ndarray,
        sigma: float,
        ensemble: bool = False,
        in_batch: bool = False,
    ) -> np.ndarray:
        return _remembered(self._denoise, *_as_key(noisy), sigma, ensemble, in_batch)

    def enlarge(
        self, small: np.ndarray, factor: int, luminance: Callable
    ) -> np.ndarray:
        return _remembered(self._enlarge, *_as_key(luminance(small)), factor)

    def _denoise(
        self, noisy: np.ndarray, sigma: float, ensemble: bool, in_batch: bool
    ) -> np.ndarray:
        others = [noisy[::-1], noisy[:, ::-1], noisy[::-1, ::-1]] if in_batch else []
        return restore(
            _load(self.denoiser, self.dtype),
            np.stack([noisy, *others]),
            sigma=sigma,
            num_steps=self.num_steps,
            ensemble=ensemble,
        )[0]

    def _enlarge(self, small: np.ndarray, factor: int) -> np.ndarray:
        observation = np.float32(small[np.newaxis]) / np.float32(255)
        with warnings.catch_warnings():
            # Of small images that are not MATLAB's, which is what is measured here.
            warnings.simplefilter("ignore", UserWarning)
            (estimate,) = restore(
                _load(self.enlarger, self.dtype),
                observation,
                BicubicDownsampling(factor),
                num_steps=self.num_steps,
            )
        return images.to_8_bits(estimate)

    def fingerprint(self) -> str:
        """Returns a hash of what estimates depend on, beside the images."""
        names = (self.denoiser, self.enlarger)
        models = {name: _load(name, self.dtype) for name in names}
        of_models = provenance.fingerprint(models, but=_MAY_DIFFER)
        return f"{of_models[:16]}, T = {self.num_steps}"


_load = functools.cache(pretrained.load_pretrained)


# Most choices of a measure are about the same estimate.
@functools.lru_cache(maxsize=64)
def _remembered(
    function: Callable, data: bytes, dtype: str, shape: tuple[int, ...], *settings: Any
) -> np.ndarray:
    return function(np.frombuffer(data, dtype).reshape(shape), *settings)


def _as_key(image: np.ndarray) -> tuple[bytes, str, tuple[int, ...]]:
    return image.tobytes(), image.dtype.str, image.shape
