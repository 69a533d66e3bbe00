"""Tests of restoring images."""

import keras
import numpy as np
import pytest

import rim_tf
from rim_tf import restoration
from rim_tf.cells import RIMCell


@pytest.fixture(name="model")
def _model():
    keras.utils.set_random_seed(0)
    rim = rim_tf.RIM(RIMCell(features=4, state_features=6), num_steps=4)
    rim.build()
    kernel = rim.cell.update.kernel
    kernel.assign(np.random.default_rng(0).normal(size=kernel.shape) * 0.3)
    return rim


def _noisy(*shape):
    return np.random.default_rng(1).normal(0.5, 0.4, shape).astype("float32")


@pytest.mark.parametrize("size", [(32, 32), (17, 23), (48, 31)])
def test_equals_the_model_itself(model, size):
    observation = _noisy(2, *size, 1)
    sigma = np.float32([0.1, 0.4])
    restored = rim_tf.restore(model, observation, rim_tf.Denoising(), sigma)
    assert isinstance(restored, np.ndarray)
    assert restored.dtype == np.float32
    assert 0 <= restored.min() <= restored.max() <= 1
    np.testing.assert_allclose(
        restored, model(observation, sigma=sigma)[-1], rtol=1e-4, atol=1e-5
    )


def test_full_size_image_with_the_papers_network():
    """Untrained, it hardly moves its first estimate."""
    observation = _noisy(1, 481, 321, 1)
    restored = rim_tf.restore(rim_tf.RIM(), observation, sigma=0.1, num_steps=1)
    np.testing.assert_allclose(restored, np.clip(observation, 0.01, 0.99), atol=0.05)


def test_images_of_a_batch_do_not_influence_each_other(model):
    observation = _noisy(2, 16, 16, 1)
    together = rim_tf.restore(model, observation, sigma=0.2)
    alone = rim_tf.restore(model, observation[1:], sigma=0.2)
    np.testing.assert_allclose(together[1:], alone, rtol=1e-4, atol=1e-5)


def test_accepts_tensors_and_float64(model):
    observation = _noisy(1, 16, 16, 1)
    expected = rim_tf.restore(model, observation, sigma=0.2)
    tensor = keras.ops.convert_to_tensor(observation)
    np.testing.assert_array_equal(rim_tf.restore(model, tensor, sigma=0.2), expected)
    np.testing.assert_array_equal(
        rim_tf.restore(model, observation.astype("float64"), sigma=0.2), expected
    )


def test_iterate_yields_every_estimate(model):
    observation = _noisy(1, 8, 8, 1)
    estimates = list(restoration.iterate(model, observation, sigma=0.2, num_steps=50))
    assert len(estimates) == 50
    np.testing.assert_array_equal(
        rim_tf.restore(model, observation, sigma=0.2, num_steps=7), estimates[6]
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sigma": -0.1}, "negative"),
        ({"sigma": [0.1, 0.2, 0.3]}, "one per image"),
        ({"sigma": float("nan")}, "negative"),
        ({"num_steps": 0}, "num_steps"),
        ({"observation": np.zeros((8, 8, 1))}, r"\(batch, any, any, any\)"),
        ({"observation": np.zeros((1, 8, 8, 3))}, "height, width, 1"),
        ({"observation": np.zeros((1, 8, 8, 1), np.uint8)}, "divide by 255 first"),
        ({"observation": np.full((1, 8, 8, 1), 255.0)}, "255 for a pixel; divide"),
        ({"sigma": 25}, "25 for sigma; divide by 255"),
    ],
)
def test_refuses_bad_input(model, changed, message):
    arguments = {"observation": np.zeros((1, 8, 8, 1)), "sigma": 0.1, **changed}
    with pytest.raises(ValueError, match=message):
        rim_tf.restore(model, **arguments)
