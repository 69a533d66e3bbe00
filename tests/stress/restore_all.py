"""Restores an image through each forward model of the tests, in float32.

KERAS_BACKEND=jax python -m tests.stress.restore_all

The last line is the PSNR of each in dB, by the model's name, as JSON.
"""

import json

import numpy as np
import skimage.data

import rim_tf
from rim_tf.forward_models import ForwardModel, LinearFunction
from tests.forward_models.cases import MODELS

_SIGMA = 8 / 255
_NUM_STEPS = 10
_WEIGHTS = {1: "rim_3task", 3: "rim_rgb_denoise"}
# No network is for images of two channels: there it is another number.
_OTHERS = {
    "function": lambda: (
        LinearFunction(lambda x: x[:, 1:] - 2 * x[:, :-1], (6, 5, 1)),
        (3, 6, 5, 1),
    ),
}


def _psnr(networks: dict[int, rim_tf.RIM], model: ForwardModel, shape) -> list[float]:
    """Returns the PSNR of each image of a batch of this shape."""
    batch, height, width, channels = shape
    channels = channels if channels in networks else 1
    photograph = skimage.data.astronaut()[: batch * height, 100 : 100 + width]
    images = photograph.reshape(batch, height, width, 3)[..., :channels] / 255
    images = images.astype("float32")
    observation = np.asarray(model.forward(images))
    noise = np.random.default_rng(0).standard_normal(observation.shape)
    observation = observation + np.float32(_SIGMA * noise)
    restored = rim_tf.restore(
        networks[channels], observation, model, sigma=_SIGMA, num_steps=_NUM_STEPS
    )
    return np.asarray(rim_tf.metrics.psnr(restored, images)).tolist()


def main() -> None:
    networks = {
        channels: rim_tf.load_pretrained(name, "float32")
        for channels, name in _WEIGHTS.items()
    }
    cases = {name: make() for name, make in {**MODELS, **_OTHERS}.items()}
    print(json.dumps({name: _psnr(networks, *case) for name, case in cases.items()}))


if __name__ == "__main__":
    main()
