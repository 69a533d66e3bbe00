"""A cell and a link of one's own, as a user's module has them.

Run as a program, this file loads models that have them, and prints their estimates.
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


def estimate(model) -> np.ndarray:
    """Returns the last estimate of an image."""
    noisy = np.random.default_rng(0).uniform(size=(1, 9, 8, 1)).astype("float32")
    return rim_tf.restore(model, noisy, sigma=0.1, normalize=False)


def _main(pretrained: str, whole: str, result: str) -> None:
    rim_tf.links.register(SINE)
    models = rim_tf.load_pretrained(pretrained), keras.saving.load_model(whole)
    np.save(result, [estimate(model) for model in models])


if __name__ == "__main__":
    # So that the class has the name of the module that others import.
    from tests import own_parts

    own_parts._main(*sys.argv[1:])
