"""Total variation (Rudin et al., 1992), Chambolle's iterations by scikit-image.

They go on until the energy is settled: by default they stop early. Observation and
sigma are on the scale from 0 to 1. Nothing is trained: it is for white Gaussian noise
of a known sigma. Its strengths are the best of 0.5, 0.6, 0.65, 0.7 and 0.8, in units of
sigma, on the eight validation images, which are training images of BSDS-300.
"""

import numpy as np
from skimage import restoration

from rim_tf import Denoising

NAME = "converged total variation"
# By noise levels on the scale from 0 to 255.
_LEVELS, _STRENGTHS = (15, 25, 50), (0.6, 0.7, 0.8)
# A tenth of the default. A hundredth changes the mean over those images by 0.012 dB at
# most. It ends by chance where the energy hardly changes once: with sigma 50 that cost
# one image 6 dB, so it is a fiftieth there.
_TOLERANCES, _MOST_ITERATIONS = (2e-5, 2e-5, 4e-6), 2000


def restore(observation, sigma, forward_model):
    if not isinstance(forward_model, Denoising):
        raise NotImplementedError("it removes noise only")
    level = 255 * sigma
    strength = np.interp(level, _LEVELS, _STRENGTHS)
    return remove_noise(
        observation, sigma, strength, np.interp(level, _LEVELS, _TOLERANCES)
    )


def remove_noise(observation, sigma, strength, tolerance):
    """Removes noise with a given strength, in units of sigma."""
    return restoration.denoise_tv_chambolle(
        observation,
        weight=sigma * strength,
        eps=tolerance,
        max_num_iter=_MOST_ITERATIONS,
        channel_axis=-1,
    )
