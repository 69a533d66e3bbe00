r"""Other answers where the paper is silent, for the ledger of decisions in RESULTS.md.

Cells of which `train.py` trains one, and a link:

    python paper_experiments/train.py rim_denoise_paper \
        --cell=paper_experiments/decisions.py:StoppedGradientCell

What needs no cell is a flag: --gradient=eta, --patch_stride=8, --learning_rate=1e-4.
"""

import functools
from typing import Any

import keras
from keras import ops

from rim_tf import links
from rim_tf.cells import RIMCell
from rim_tf.speed import fused


@keras.saving.register_keras_serializable(package="decisions")
class StoppedGradientCell(RIMCell):
    """A RIM whose training does not differentiate through the likelihood's gradient."""

    def call(self, inputs, states):
        """Makes a step of `RIMCell`, with the same values."""
        before, gradient = inputs[..., : -self.channels], inputs[..., -self.channels :]
        stopped = ops.concatenate([before, ops.stop_gradient(gradient)], axis=-1)
        return super().call(stopped, states)


@keras.saving.register_keras_serializable(package="decisions")
class TwoLayerCell(RIMCell):
    """A RIM without the third hidden layer, for super-resolution.

    convolution 3x3, tanh -> ConvGRU -> convolution, at a stride of 1. With 96
    features in both layers it has 500,641 parameters.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        del self.decode

    def build(self, input_shape: tuple[int | None, ...] | None = None) -> None:
        self.encode.build((None, None, None, self.input_size))
        self.recurrent.build((None, None, None, self.features))
        self.update.build((None, None, None, self.state_features))

    def call(self, inputs, states):
        """Makes a step: see `RIMCell`, whose shapes it has."""
        hidden, states = self.recurrent(fused.tanh(self.encode(inputs)), states)
        return self.update(hidden), states


# --link=wide_sigmoid, with --cell=...:RIMCell: the first estimate is clipped to
# [1e-4, 1 - 1e-4], not to [0.01, 0.99].
_logit = functools.partial(links.logit, margin=1e-4)
links.register(links.get("sigmoid")._replace(name="wide_sigmoid", inverse=_logit))
