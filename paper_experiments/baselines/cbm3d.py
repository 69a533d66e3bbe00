"""CBM3D (Dabov et al., 2007), BM3D for colour images, by the package `bm3d` 4.

`pip install '.[baselines]'` installs it. Observation and sigma are on the scale from 0
to 1. Nothing is trained: it is for white Gaussian noise of a known sigma. It takes half
a minute an image.
"""

import bm3d

from rim_tf import Denoising

NAME = "CBM3D"


def restore(observation, sigma, forward_model):
    if not isinstance(forward_model, Denoising) or observation.shape[-1] != 3:
        raise NotImplementedError("it removes noise of colour images only")
    return bm3d.bm3d_rgb(observation, sigma)
