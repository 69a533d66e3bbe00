"""Muon for the kernels of convolutions: fewer updates than Adam to the same PSNR.

The paper does not have it; it is an option of the training. Muon (Jordan et al., 2024,
https://kellerjordan.github.io/posts/muon/) replaces the momentum of a matrix of
weights by the nearest orthogonal matrix, so that an update changes all directions
alike, also those whose gradients are small.
"""

import math

import keras
from keras import ops

NAME = "muon"
# Narrower kernels, those of the first and the last layer, are no matrices to speak of.
_LEAST_CHANNELS = 64
# So that an update is of the size of Adam's (Liu et al., 2025, arXiv:2502.16982).
_ROOT_MEAN_SQUARE = 0.2


@keras.saving.register_keras_serializable(package="rim_tf")
class ConvolutionMuon(keras.optimizers.Muon):
    """Muon for wide kernels, Adam for biases and all other parameters.

    A kernel `(height, width, a, b)` is taken for the matrix `(height * width * a, b)`.
    The learning rate is that of Adam.

    Args:
      learning_rate: A number or a schedule.
      clip_norm: Bound on the global norm of the gradient; 0 for none. It matters to
        what Adam updates, since an update of Muon does not depend on the norm.
      **kwargs: Arguments of `keras.optimizers.Muon`.
    """

    def __init__(self, learning_rate, clip_norm: float = 0.0, **kwargs):
        # None as its `rms_rate`, which knows matrices only: the size is set below.
        settings = {"weight_decay": None, "adam_weight_decay": None, "rms_rate": None}
        super().__init__(
            learning_rate,
            **{**settings, "global_clipnorm": clip_norm or None, **kwargs},
        )

    def _should_use_adamw(self, variable) -> bool:
        is_kernel = len(variable.shape) == 4
        return not (is_kernel and min(variable.shape[2:]) >= _LEAST_CHANNELS)

    def zeropower_via_newtonschulz5(self, x, steps: int):
        """Returns the nearest orthogonal matrix as a kernel, of the size of an update.

        Args:
          x: A kernel, `(height, width, a, b)`.
          steps: Number of iterations.
        """
        rows, columns = math.prod(x.shape[:3]), x.shape[3]
        matrix = ops.reshape(x, (rows, columns))
        orthogonal = super().zeropower_via_newtonschulz5(matrix, steps)
        size = _ROOT_MEAN_SQUARE * math.sqrt(max(rows, columns))
        return size * ops.reshape(orthogonal, x.shape)
