"""DnCNN (Zhang et al., 2017) of 17 layers with the weights of `scico` 0.0.7 (BSD-3).

`pip install '.[baselines]'` installs it; it wants JAX 0.8.1 or older. Observation and
sigma are on the scale from 0 to 1. Its networks L, M and H were trained for grey images
with white Gaussian noise of sigma 0.06, 0.10 and 0.20, about 15, 25 and 50 of 255, and
are taken for those levels only.

The package has one for all levels, too, 17N. It is not taken: on ten of the 68 images
it reaches 28.16 dB at sigma 25 and 22.11 dB at sigma 50, where M and H reach 28.86 and
25.72 dB.
"""

import functools
import math
from collections.abc import Callable

import jax
from scico import denoiser

from rim_tf import Denoising

NAME = "DnCNN (scico)"
_LEVELS = {"17L": 0.06, "17M": 0.10, "17H": 0.20}
# 15, 25 and 50 of 255 are 2% below them.
_TOLERANCE = 0.05


def restore(observation, sigma, forward_model):
    if not isinstance(forward_model, Denoising) or observation.shape[-1] != 1:
        raise NotImplementedError("it removes noise of grey images only")
    return _network(_variant(sigma))(observation[..., 0])[..., None]


def _variant(sigma: float) -> str:
    for variant, level in _LEVELS.items():
        if math.isclose(sigma, level, rel_tol=_TOLERANCE):
            return variant
    raise NotImplementedError("its networks are for sigma 15, 25 and 50 of 255")


@functools.cache
def _network(variant: str) -> Callable:
    network = denoiser.DnCNN(variant)
    # A function: JAX compiles no object of this class.
    return jax.jit(lambda image: network(image))
