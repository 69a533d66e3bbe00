"""Tests of forward models: adjoints, linearity, scales, and equation 9."""

import keras
import numpy as np
import pytest
from keras import ops

import rim_tf
from rim_tf import bicubic, forward_models
from rim_tf.forward_models import (
    BicubicDownsampling,
    Blur,
    Denoising,
    ForwardModel,
    FourierProjection,
    Inpainting,
    LinearFunction,
    RandomProjection,
    check_adjoint,
    likelihood_gradient,
)

_IS_TENSORFLOW = keras.backend.backend() == "tensorflow"


def _kernel(*shape):
    return np.random.default_rng(9).uniform(size=shape).astype("float32")


def _masks(fractions, size):
    """One row mask per image."""
    return np.float32([np.arange(size) < f * size for f in fractions])


# Name: forward model, and the shape of a batch of its images.
_MODELS = {
    "denoising": lambda: (Denoising(), (2, 7, 5, 3)),
    "inpainting": lambda: (Inpainting.random((17, 23), 0.5), (2, 17, 23, 3)),
    "inpainting per image": lambda: (Inpainting(_kernel(2, 6, 5, 1)), (2, 6, 5, 1)),
    "gaussian": lambda: (RandomProjection.gaussian(8, 0.4), (3, 8, 8, 1)),
    "gaussian rgb": lambda: (RandomProjection.gaussian(5, 1.0), (2, 5, 5, 3)),
    "binary": lambda: (RandomProjection.binary(7, 0.3), (2, 7, 7, 1)),
    "projection per image": lambda: (
        RandomProjection(_kernel(2, 16, 16), _masks([0.2, 0.8], 16)),
        (2, 4, 4, 2),
    ),
    "fourier even": lambda: (FourierProjection.random((16, 12), 0.3), (2, 16, 12, 1)),
    "fourier odd": lambda: (FourierProjection.random((9, 13), 0.5), (2, 9, 13, 3)),
    "blur circular": lambda: (Blur(_kernel(5, 3), "circular"), (2, 17, 23, 3)),
    "blur symmetric": lambda: (Blur(_kernel(5, 3), "symmetric"), (2, 17, 23, 3)),
    "blur even kernel": lambda: (Blur(_kernel(4, 2), "symmetric"), (2, 9, 8, 1)),
    "blur per image": lambda: (Blur(_kernel(2, 3, 5), "circular"), (2, 9, 8, 3)),
    "bicubic 2": lambda: (BicubicDownsampling(2), (2, 36, 36, 1)),
    "bicubic 3": lambda: (BicubicDownsampling(3, "symmetric"), (2, 21, 33, 3)),
    "bicubic 5": lambda: (BicubicDownsampling(5), (1, 25, 10, 1)),
    "function": lambda: (
        LinearFunction(lambda x: x[:, 1:] - 2 * x[:, :-1], (6, 5, 2)),
        (3, 6, 5, 2),
    ),
    "composition": lambda: (
        BicubicDownsampling(2) @ Blur(_kernel(3, 3)) @ Inpainting.random((12, 8), 0.7),
        (2, 12, 8, 1),
    ),
}


@pytest.fixture(name="case", params=_MODELS)
def _case(request):
    return _MODELS[request.param]()


def _normal(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def test_linear_and_adjoint(case):
    model, shape = case
    assert check_adjoint(model, shape, tolerance=1e-5) < 1e-5


@pytest.mark.skipif(not _IS_TENSORFLOW, reason="JAX has no float64 by default")
def test_adjoint_in_double_precision(case):
    model, shape = case
    assert check_adjoint(model, shape, tolerance=1e-12, dtype="float64") < 1e-12


def test_states_its_shapes(case):
    """What the attributes say is what comes out."""
    model, shape = case
    observation = model.forward(_normal(shape))
    for actual, stated in (
        (shape[1:], model.image_shape),
        (observation.shape[1:], model.observation_shape),
    ):
        assert len(actual) == len(stated)
        for n, wanted in zip(actual, stated, strict=True):
            assert wanted in (None, n)


@pytest.mark.parametrize("name", ["forward", "adjoint"])
def test_refuses_other_shapes(case, name):
    model, _ = case
    with pytest.raises(ValueError, match=r"takes (images|observations) .* got \(4,\)"):
        getattr(model, name)(np.zeros(4, np.float32))


def test_likelihood_gradient_is_that_of_the_gaussian(case):
    """Equation 9 equals automatic differentiation of log p(y | x)."""
    model, shape = case
    image = ops.convert_to_tensor(_normal(shape, 1))
    observation = _normal(tuple(model.forward(image).shape), 2)
    sigma, epsilon = np.linspace(0.5, 2, shape[0]).astype("float32"), 0.1

    def log_likelihood(x):
        squares = ops.square(observation - model.forward(x))
        squares = ops.sum(ops.reshape(squares, (shape[0], -1)), axis=1)
        return ops.sum(-0.5 * squares / (sigma**2 + epsilon))

    if _IS_TENSORFLOW:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(image)
            value = log_likelihood(image)
        expected = tape.gradient(value, image)
    else:
        import jax

        expected = jax.grad(log_likelihood)(image)
    gradient = likelihood_gradient(image, observation, sigma, model, epsilon)
    expected = ops.convert_to_numpy(expected)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(gradient, expected, atol=1e-5 * scale)


@pytest.mark.skipif(not _IS_TENSORFLOW, reason="tf.data and tf.function")
def test_runs_in_tf_function_and_tf_data(case):
    import tensorflow as tf

    model, shape = case
    images = _normal(shape)
    expected = np.asarray(model.adjoint(model.forward(images)))
    compiled = tf.function(lambda x: model.adjoint(model.forward(x)))
    np.testing.assert_allclose(compiled(images), expected, atol=1e-5)
    data = tf.data.Dataset.from_tensors(images).map(model.forward)
    (mapped,) = list(data.as_numpy_iterator())
    np.testing.assert_allclose(mapped, model.forward(images), atol=1e-5)


@pytest.mark.parametrize("kind", ["gaussian", "binary"])
def test_random_projections_have_the_scale_of_pixels(kind):
    """E[A A^T] = I on the kept measurements, and the others are zero."""
    make, size, number = getattr(RandomProjection, kind), 4, 400
    total = np.zeros((size**2, size**2))
    for seed in range(number):
        model = make(size, 0.5, seed)
        identity = np.eye(size**2, dtype="float32").reshape(-1, size, size, 1)
        matrix = np.asarray(model.forward(identity))[..., 0].T
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
    image = _normal((2, *model.image_shape[:2], 1))
    once = np.asarray(model.adjoint(model.forward(image)))
    twice = np.asarray(model.adjoint(model.forward(once)))
    np.testing.assert_allclose(twice, once, atol=1e-5)
    assert 0.1 < np.linalg.norm(once) / np.linalg.norm(image) < 0.95


@pytest.mark.parametrize("shape", [(8, 8), (9, 7), (8, 9)])
def test_fourier_projection_is_the_dft(shape):
    """A^T A equals masking the DFT with NumPy, and A keeps the norm."""
    model = FourierProjection.random(shape, 0.5, seed=1)
    image = _normal((1, *shape, 1))
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


@pytest.mark.parametrize("boundary", ["circular", "symmetric"])
@pytest.mark.parametrize("size", [(3, 5), (4, 2)])
def test_blur_is_scipys_convolution(boundary, size):
    from scipy import ndimage

    kernel, image = _kernel(*size), _normal((1, 12, 11, 1))
    mode = {"circular": "wrap", "symmetric": "reflect"}[boundary]
    expected = ndimage.convolve(image[0, ..., 0], kernel, mode=mode)
    model = Blur(kernel, boundary)
    actual = np.asarray(model.forward(image))[0, ..., 0]
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_bicubic_is_imresize_and_starts_from_upsampling():
    model, image = BicubicDownsampling(3), _normal((1, 12, 9, 1))
    small = model.forward(image)
    np.testing.assert_allclose(small, bicubic.imresize(image, (4, 3)), atol=1e-6)
    start = model.initial_estimate(small)
    np.testing.assert_allclose(start, bicubic.imresize(small, (12, 9)), atol=1e-6)
    constant = np.ones((1, 4, 3, 1), np.float32)
    np.testing.assert_allclose(model.initial_estimate(constant), 1.0, rtol=1e-5)


def test_restoration_with_every_model(case):
    model, shape = case
    rim = rim_tf.RIM(
        rim_tf.cells.RIMCell(channels=shape[-1], features=3, state_features=4)
    )
    image = np.random.default_rng(0).uniform(size=shape).astype("float32")
    observation = model.forward(image)
    restored = rim_tf.restore(rim, observation, model, sigma=0.1, num_steps=2)
    assert restored.shape == shape
    assert np.isfinite(restored).all()


class _WrongAdjoint(ForwardModel):
    def forward(self, image):
        return 2 * image

    def adjoint(self, observation):
        return observation


class _NotLinear(_WrongAdjoint):
    def forward(self, image):
        return image + 1


class _WrongShape(_WrongAdjoint):
    def adjoint(self, observation):
        return observation[:, 1:]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (_WrongAdjoint(), "not the adjoint"),
        (_NotLinear(), "not linear"),
        (_WrongShape(), "not that of the images"),
    ],
)
def test_check_adjoint_finds_mistakes(model, message):
    with pytest.raises(ValueError, match=message):
        check_adjoint(model, (2, 4, 4, 1))


def test_users_model_needs_two_methods_only():
    class Halving(ForwardModel):
        def forward(self, image):
            return 0.5 * image

        def adjoint(self, observation):
            return 0.5 * observation

    assert check_adjoint(Halving(), (2, 4, 4, 1)) < 1e-6
    assert check_adjoint(Blur(_kernel(3, 3)) @ Halving(), (2, 4, 4, 1)) < 1e-5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomProjection.gaussian(4, 0.0), "fraction"),
        (lambda: Inpainting.random((4, 4), 1.5), "fraction"),
        (lambda: RandomProjection(np.eye(5), np.ones(5)), "square patch"),
        (lambda: Blur(np.ones((3, 3)), "zero"), "boundary"),
        (lambda: BicubicDownsampling(0), "factor"),
        (lambda: Inpainting(np.ones(4)), "mask"),
        (lambda: BicubicDownsampling(2).forward(np.ones((1, 5, 4, 1))), "multiples"),
        (lambda: Blur(np.ones((5, 5))).forward(np.ones((1, 4, 8, 1))), "smaller"),
    ],
)
def test_refuses_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_gradient_vanishes_where_the_estimate_explains_the_observation():
    image = _normal((3, 4, 5, 2))
    gradient = likelihood_gradient(
        image, image, np.zeros(3, "float32"), Denoising(), 0.01
    )
    np.testing.assert_array_equal(gradient, np.zeros_like(image))


def test_public_names():
    assert rim_tf.forward_models is forward_models
