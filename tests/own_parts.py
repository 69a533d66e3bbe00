"""A cell, a link and a likelihood of one's own, as a user's module has them.

Run as a program, this file loads models that have them, and saves their estimates.
"""

import sys

import keras
import numpy as np
from keras import ops

import rim_tf


@keras.saving.register_keras_serializable("own")
class OwnCell(keras.layers.Layer):
    """A cell of one convolution, whose state is the last update.

    Args:
      width: Height and width of its kernel.
    """

    channels = 1

    def __init__(self, width: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.layer = keras.layers.Conv2D(1, width, padding="same", dtype=self.dtype)

    def build(self, input_shape):
        self.layer.build((None, None, None, 3))

    def get_initial_state(self, batch_size, height, width):
        return [ops.zeros((batch_size, height, width, 1))]

    def call(self, inputs, states):
        update = self.layer(ops.concatenate([inputs, *states], axis=-1))
        return update, [update]

    def get_config(self):
        return {**super().get_config(), "width": self.width}


def _arcsine(image):
    return ops.arcsin(2 * ops.clip(image, 0.01, 0.99) - 1)


SINE = rim_tf.links.Link(
    "sine",
    lambda eta: (ops.sin(eta) + 1) / 2,
    _arcsine,
    lambda eta: ops.cos(eta) / 2,
)


_PEAK = 20
# Of counts of photons; by its logarithm, which automatic differentiation takes.
PHOTONS = rim_tf.LogLikelihood(
    lambda y: y / _PEAK,
    lambda x, y, sigma: ops.sum(
        y * ops.log(x + 0.1) - _PEAK * x, axis=tuple(range(1, len(x.shape)))
    ),
)


def estimates(model) -> np.ndarray:
    """Returns the last estimates of a noisy image, and of counts of photons."""
    random = np.random.default_rng(0)
    noisy = random.uniform(size=(1, 9, 8, 1)).astype("float32")
    counts = random.poisson(_PEAK * noisy).astype("float32")
    return np.stack(
        [
            rim_tf.restore(model, noisy, sigma=0.1, normalize=False),
            rim_tf.restore(model, counts, PHOTONS),
        ]
    )


def _main(pretrained: str, whole: str, result: str) -> None:
    rim_tf.links.register(SINE)
    models = rim_tf.load_pretrained(pretrained), keras.saving.load_model(whole)
    np.save(result, [estimates(model) for model in models])


if __name__ == "__main__":
    # So that the class has the name of the module that others import.
    from tests import own_parts

    own_parts._main(*sys.argv[1:])
