"""Tests of what is drawn for a training batch."""

import keras
import numpy as np
import pytest

from rim_tf.forward_models import (
    BicubicDownsampling,
    Denoising,
    FourierProjection,
    check_adjoint,
)
from rim_tf.problems import (
    AnyProblem,
    DenoisingProblem,
    SuperResolutionProblem,
    ThreeTaskProblem,
)


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


def test_super_resolution_is_bicubic_down_sampling():
    clean = np.random.default_rng(0).uniform(size=(3, 12, 12, 1)).astype(np.float32)
    seen = set()
    for seed in range(12):
        measurement = SuperResolutionProblem().draw(
            clean, keras.random.SeedGenerator(seed)
        )
        observation = keras.ops.convert_to_numpy(measurement.observation)
        assert observation.shape == (3, 6, 6, 1)
        # What a factor leaves of the shape is zero.
        (factor,) = (
            f
            for f in (2, 3, 4)
            if observation[:, 12 // f - 1, 0].any()
            and not observation[:, 12 // f :].any()
        )
        seen.add(factor)
        exact = BicubicDownsampling(factor)
        expected = keras.ops.convert_to_numpy(exact.forward(clean))
        measured = observation[:, : 12 // factor, : 12 // factor]
        np.testing.assert_allclose(measured, expected, atol=0.501 / 255)
        np.testing.assert_allclose(
            255 * observation, np.rint(255 * observation), atol=1e-4
        )
        np.testing.assert_array_equal(measurement.sigma, np.zeros(3))
        for ours, its in (
            (measurement.forward_model.initial_estimate, exact.initial_estimate),
            (measurement.forward_model.adjoint, exact.adjoint),
        ):
            np.testing.assert_allclose(
                keras.ops.convert_to_numpy(ours(measurement.observation)),
                keras.ops.convert_to_numpy(its(measured)),
                atol=1e-5,
            )
    assert seen == {2, 3, 4}


def test_super_resolution_refuses_sizes_that_a_factor_does_not_divide():
    clean = np.zeros((1, 32, 32, 1), np.float32)
    with pytest.raises(ValueError, match="got 32"):
        SuperResolutionProblem().draw(clean, keras.random.SeedGenerator(0))


def _kind(matrix):
    """Tells what a matrix of the three-task problem is."""
    if np.allclose(np.abs(matrix), 1):
        return "binary"
    dimension = len(matrix)
    is_orthogonal = np.allclose(
        matrix @ matrix.T, dimension * np.eye(dimension), atol=1e-2
    )
    return "fourier" if is_orthogonal else "gaussian"


def test_three_tasks():
    size, sigma = 8, 0.2
    clean = np.random.default_rng(0).uniform(size=(50, size, size, 1))
    clean = clean.astype(np.float32)
    kinds, fractions = {}, []
    for seed in range(30):
        measurement = ThreeTaskProblem(max_sigma=sigma).draw(
            clean, keras.random.SeedGenerator(seed)
        )
        model = measurement.forward_model
        matrix, mask = (
            keras.ops.convert_to_numpy(x) for x in (model.matrix, model.mask)
        )
        kind = _kind(matrix)
        kinds.setdefault(kind, []).append((matrix, mask))
        fractions.append(mask.mean())
        noise = keras.ops.convert_to_numpy(
            measurement.observation - model.forward(clean)
        )
        assert not noise[:, mask == 0].any()
        levels = keras.ops.convert_to_numpy(measurement.sigma)
        assert 0 <= levels.min() < levels.max() <= sigma
        normalised = noise[:, mask == 1] / levels[:, None, None]
        assert abs(normalised.std() - 1) < 0.15
        check_adjoint(model, (2, size, size, 1))
    assert set(kinds) == {"binary", "gaussian", "fourier"}
    assert 0 < min(fractions) < 0.3
    assert 0.7 < max(fractions) <= 1
    # The Fourier kind is the projection of that name.
    matrix, mask = kinds["fourier"][0]
    expected = FourierProjection(mask.reshape(size, size)).forward(clean)
    np.testing.assert_allclose(
        (mask * (clean.reshape(50, -1) @ matrix.T) / size).reshape(clean.shape),
        keras.ops.convert_to_numpy(expected),
        atol=1e-5,
    )
    frequencies = np.arange(size)
    negative = mask.reshape(size, size)[-frequencies][:, -frequencies]
    np.testing.assert_array_equal(mask.reshape(size, size), negative)
    # Every batch has another operator.
    assert not np.array_equal(*(m for m, _ in kinds["gaussian"][:2]))


def test_any_problem():
    number = 400
    clean = np.random.default_rng(0).uniform(size=(number, 16, 16, 1))
    clean = clean.astype(np.float32)
    measurement = AnyProblem(max_sigma=0.2, small_sigma=0.02).draw(
        clean, keras.random.SeedGenerator(0)
    )
    model = measurement.forward_model
    check_adjoint(model, clean.shape)
    noise = keras.ops.convert_to_numpy(measurement.observation - model.forward(clean))
    kept = keras.ops.convert_to_numpy(model.mask) == 1
    assert not noise[~kept].any()
    sigma = keras.ops.convert_to_numpy(measurement.sigma)
    assert 0 <= sigma.min() < sigma.max() <= 0.2
    # A quarter, and a tenth of the rest.
    assert 0.26 < (sigma < 0.02).mean() < 0.39
    # Half of that quarter, which would be a quarter of it if levels were uniform.
    assert 0.11 < (sigma < 0.005).mean() < 0.19
    levels = np.broadcast_to(sigma[:, None, None], kept.shape)
    # Smaller ones would be compared with rounding.
    kept &= levels > 1e-4
    assert abs((noise[..., 0][kept] / levels[kept]).std() - 1) < 0.02
    assert 0.13 < keras.ops.convert_to_numpy(model.is_spectral).mean() < 0.27
    # Where nothing is done to the image, it is denoising.
    untouched = np.isclose(model.forward(clean), clean, atol=1e-5).all(axis=(1, 2, 3))
    assert 0.08 < untouched.mean() < 0.25
