"""Tests of random projections: their scale, and what they keep."""

import numpy as np
import pytest
from keras import ops

from rim_tf.forward_models import FourierProjection, Inpainting, RandomProjection
from rim_tf.likelihood import likelihood_gradient
from tests.forward_models.cases import IS_TENSORFLOW, fourier_masks, kernel, normal


@pytest.mark.skipif(not IS_TENSORFLOW, reason="unknown sizes are of tf.function")
@pytest.mark.parametrize(
    "model",
    [FourierProjection.random((6, 5), 0.5), RandomProjection.gaussian(4, 0.5)],
    ids=["fourier", "gaussian"],
)
def test_unknown_sizes(model):
    import tensorflow as tf

    image = normal((2, *model.image_shape[:2], 3))
    measured = model.forward(image)
    for function, values in ((model.forward, image), (model.adjoint, measured)):
        unknown = tf.TensorSpec([None] * len(values.shape), tf.float32)
        actual = tf.function(function, [unknown])(values)
        np.testing.assert_allclose(actual, function(values), atol=1e-5)


@pytest.mark.skipif(not IS_TENSORFLOW, reason="tf.function")
@pytest.mark.parametrize("kind", ["fourier", "projection"])
def test_a_step_is_traced_once_for_all_fractions(kind):
    """As in training, where the mask is drawn anew for every batch."""
    import tensorflow as tf

    matrix, traces = kernel(36, 36), []

    def make(mask):
        if kind == "fourier":
            return FourierProjection(mask)
        return RandomProjection(matrix, mask)

    def step(x, y, sigma, mask):
        return likelihood_gradient(x, y, sigma, make(mask), 0.01)

    @tf.function
    def compiled(*arguments):
        traces.append(None)
        return step(*arguments)

    image, sigma = tf.constant(normal((2, 6, 6, 1))), tf.constant([0.1, 0.2])
    for fractions in ([0.1, 0.5], [0.3, 0.9], [1.0, 0.2]):
        if kind == "fourier":
            mask = fourier_masks(fractions, (6, 6))
        else:
            mask = np.float32(np.arange(36) < fractions[0] * 36)
        mask = tf.constant(mask)
        observation = make(mask).forward(normal((2, 6, 6, 1), 1))
        expected = step(image, observation, sigma, mask)
        actual = compiled(image, observation, sigma, mask)
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-3)
    assert len(traces) == 1


@pytest.mark.parametrize("kind", ["gaussian", "binary"])
def test_random_projections_have_the_scale_of_pixels(kind):
    """E[A A^T] = I on the kept measurements, and the others are zero."""
    make, size, number = getattr(RandomProjection, kind), 4, 400
    identity = np.eye(size**2, dtype="float32").reshape(-1, size, size, 1)
    total = np.zeros((size**2, size**2))
    for seed in range(number):
        matrix = np.asarray(make(size, 0.5, seed).forward(identity))[..., 0].T
        total += matrix @ matrix.T
    expected = np.diag(np.arange(16) < 8)
    np.testing.assert_allclose(total / number, expected, atol=0.1)


@pytest.mark.parametrize(
    "model",
    [
        Inpainting.random((8, 9), 0.4),
        FourierProjection.random((8, 9), 0.4),
        FourierProjection.random((8, 6), 0.7, seed=3),
    ],
)
def test_masked_orthonormal_models_are_projections(model):
    """A^T A applied twice is A^T A applied once, and neither 0 nor 1."""
    image = normal((2, *model.image_shape[:2], 1))
    once = np.asarray(model.adjoint(model.forward(image)))
    twice = np.asarray(model.adjoint(model.forward(once)))
    np.testing.assert_allclose(twice, once, atol=1e-5)
    assert 0.1 < np.linalg.norm(once) / np.linalg.norm(image) < 0.95


@pytest.mark.parametrize("shape", [(8, 8), (9, 7), (8, 9)])
def test_fourier_projection_is_the_dft(shape):
    """A^T A equals masking the DFT with NumPy, and A keeps the norm."""
    model = FourierProjection.random(shape, 0.5, seed=1)
    image = normal((1, *shape, 1))
    mask = np.asarray(model.mask)[0]
    spectrum = mask * np.fft.fft2(image[0, ..., 0])
    expected = np.fft.ifft2(spectrum)
    assert np.abs(expected.imag).max() < 1e-6
    measured = np.asarray(model.forward(image))
    back = np.asarray(model.adjoint(measured))[0, ..., 0]
    np.testing.assert_allclose(back, expected.real, atol=1e-5)
    kept = np.sum(np.abs(spectrum) ** 2) / np.prod(shape)
    np.testing.assert_allclose(np.sum(measured**2), kept, rtol=1e-4)
    np.testing.assert_allclose(
        measured[0, ..., 0],
        (spectrum.real - spectrum.imag) / np.prod(shape) ** 0.5,
        atol=1e-5,
    )


def test_fourier_fraction_counts_kept_frequencies():
    for fraction in (0.1, 0.37, 1.0):
        model = FourierProjection.random((32, 32), fraction)
        # A frequency and its negative are kept together.
        assert abs(float(ops.sum(model.mask)) - fraction * 1024) < 2


@pytest.mark.parametrize("shape", [(8, 8), (5, 6)])
def test_fourier_keeps_every_frequency_equally_often(shape):
    """Also those that are their own negative, as the mean."""
    masks = [FourierProjection.random(shape, 0.3, seed).mask[0] for seed in range(400)]
    kept = np.mean([ops.convert_to_numpy(mask) for mask in masks], axis=0)
    np.testing.assert_allclose(kept, 0.3, atol=0.1)


def test_random_projections_keep_a_measurement():
    assert float(ops.sum(RandomProjection.gaussian(4, 0.01).mask)) == 1
    assert float(ops.sum(RandomProjection.binary(4, 0.01).mask)) == 1


def _projection(matrix_shape, mask_shape):
    return RandomProjection(np.ones(matrix_shape), np.ones(mask_shape))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomProjection.gaussian(4, 0.0), "fraction"),
        (lambda: _projection((5, 5), 5), "square patch"),
        (lambda: _projection((16, 9), 16), r"\(16, 9\) and \(16,\)"),
        (lambda: _projection((16, 16), 9), r"\(16, 16\) and \(9,\)"),
        # There is one matrix for all images.
        (lambda: _projection((2, 4, 4), (2, 4)), r"\(2, 4, 4\) and \(2, 4\)"),
        (lambda: FourierProjection.random((4,), 0.5), "shape must be"),
    ],
)
def test_refuses_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "model",
    [FourierProjection.random((6, 5), 0.5), RandomProjection.gaussian(4, 0.5)],
    ids=["fourier", "gaussian"],
)
def test_what_a_mask_hides_has_no_influence(model):
    measured = np.array(model.forward(normal((2, *model.image_shape[:2], 1))))
    mask = ops.convert_to_numpy(model.mask)
    hidden = np.broadcast_to(mask.reshape(1, *measured.shape[1:]) == 0, measured.shape)
    expected = ops.convert_to_numpy(model.adjoint(measured))
    measured[hidden] = np.nan
    assert np.isnan(measured).any()
    np.testing.assert_array_equal(model.adjoint(measured), expected)


@pytest.mark.parametrize(
    "make",
    [
        lambda: FourierProjection(np.full((6, 5), 255)),
        lambda: RandomProjection(np.eye(4), np.full(4, -1)),
    ],
)
def test_masks_lie_between_0_and_1(make):
    with pytest.raises(ValueError, match="A mask is 1 for what is known"):
        make()
