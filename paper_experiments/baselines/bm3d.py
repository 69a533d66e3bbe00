"""BM3D (Dabov et al., 2007) for grey images, by the package `bm3d` 4.

`pip install '.[baselines]'` installs it. Observation and sigma are on the scale from 0
to 1. Nothing is trained: it is for white Gaussian noise of a known sigma. It takes half
a minute an image.
"""

import bm3d

from rim_tf import Denoising

NAME = "BM3D"


def restore(observation, sigma, forward_model):
    if not isinstance(forward_model, Denoising) or observation.shape[-1] != 1:
        raise NotImplementedError("it removes noise of grey images only")
    return bm3d.bm3d(observation[..., 0], sigma)[..., None]
