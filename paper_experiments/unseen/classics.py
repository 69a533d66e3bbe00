"""Classical restoration, by well-kept libraries; strengths are tuned on the truth.

So they are upper bounds: nobody else knows the truth.
"""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from skimage import restoration

from paper_experiments.common.observations import psnr_of
from paper_experiments.unseen import splitting
from paper_experiments.unseen.problems import Problem
from rim_tf.forward_models import Blur, Inpainting

_BALANCES = np.geomspace(1e-4, 10, 13)
_TOTAL_VARIATIONS = (0.2, 0.4, 0.8)


def wiener(problem: Problem) -> np.ndarray | None:
    """Returns a blurred image restored by a Wiener filter; None if it is not blurred.

    The filter takes the image for one that continues on its other side, and rings at
    the jump there. So it restores only what the smoothest image leaves unexplained,
    which has no jump. Of a mirroring blur the observation is mirrored before.
    """
    if not isinstance(problem.model, Blur):
        return None
    kernel = keras.ops.convert_to_numpy(problem.model.kernel)
    smooth = splitting.smoothest(problem)
    rest = (problem.observation - splitting.forward(problem, smooth))[0, ..., 0]
    height, width = rest.shape
    if problem.model.boundary == "symmetric":
        rest = np.pad(rest, [(0, height), (0, width)], "symmetric")

    def restore(balance: float) -> np.ndarray:
        # scikit-image would clip to [-1, 1].
        detail = restoration.wiener(rest, kernel, balance, clip=False)
        return smooth + detail[:height, :width, np.newaxis]

    return _best(restore, _BALANCES, problem.clean)


def biharmonic(problem: Problem) -> np.ndarray | None:
    """Returns an image with its missing pixels filled in; None if none is missing.

    It has no strength, and keeps the noise of known pixels.
    """
    if not isinstance(problem.model, Inpainting):
        return None
    # Seconds: equations of all regions together, which are sparse.
    missing = keras.ops.convert_to_numpy(problem.model.mask)[0, ..., 0] == 0
    filled = restoration.inpaint_biharmonic(problem.observation[0, ..., 0], missing)
    return np.clip(filled, 0, 1)[..., np.newaxis]


def total_variation(problem: Problem) -> np.ndarray:
    """Returns an image restored by total variation through any forward model."""
    split = splitting.Splitting(problem)

    def restore(strength: float) -> np.ndarray:
        def denoise(image: np.ndarray, level: float) -> np.ndarray:
            return restoration.denoise_tv_chambolle(
                image, weight=strength * level, channel_axis=-1
            )

        return split.restore(denoise)

    return _best(restore, _TOTAL_VARIATIONS, problem.clean)


def _best(
    restore: Callable[[float], np.ndarray],
    strengths: Sequence[float],
    clean: np.ndarray,
) -> np.ndarray:
    """Returns what is nearest to the truth, in [0, 1]."""
    images = [np.clip(restore(strength), 0, 1) for strength in strengths]
    return max(images, key=lambda image: psnr_of(image, clean))
