"""Tests of what is drawn for a training batch."""

import keras
import numpy as np

from rim_tf.forward_models import Denoising
from rim_tf.problems import DenoisingProblem


def _draw(seed, batch_size=400):
    clean = np.full((batch_size, 16, 16, 1), 0.5, np.float32)
    generator = keras.random.SeedGenerator(seed)
    measurement = DenoisingProblem(0.2).draw(clean, generator)
    noise = keras.ops.convert_to_numpy(measurement.observation) - clean
    return measurement, noise, keras.ops.convert_to_numpy(measurement.sigma)


def test_noise_has_the_level_that_is_told():
    measurement, noise, sigma = _draw(0)
    assert isinstance(measurement.forward_model, Denoising)
    measured = noise.std(axis=(1, 2, 3))
    # 256 pixels give the deviation to 1 / sqrt(512) = 4.4%; five times that.
    np.testing.assert_allclose(measured, sigma, rtol=0.25)
    assert abs((noise / sigma[:, None, None, None]).mean()) < 0.02


def test_levels_are_uniform():
    sigma = _draw(1)[2]
    assert 0 <= sigma.min() < 0.01
    assert 0.19 < sigma.max() <= 0.2
    np.testing.assert_allclose(sigma.mean(), 0.1, atol=0.01)


def test_seeded():
    np.testing.assert_array_equal(_draw(2, 4)[1], _draw(2, 4)[1])
    assert not np.array_equal(_draw(2, 4)[1], _draw(3, 4)[1])


def test_quantized_observations_are_8_bit_images():
    clean = np.random.default_rng(0).uniform(size=(8, 16, 16, 1)).astype(np.float32)
    plain, quantized = (
        keras.ops.convert_to_numpy(
            DenoisingProblem(0.2, quantized)
            .draw(clean, keras.random.SeedGenerator(0))
            .observation
        )
        for quantized in (False, True)
    )
    np.testing.assert_allclose(255 * quantized, np.rint(255 * quantized), atol=1e-4)
    np.testing.assert_allclose(quantized, np.clip(plain, 0, 1), atol=0.501 / 255)
