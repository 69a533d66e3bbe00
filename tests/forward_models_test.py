"""Tests of forward models: adjoints, linearity, scales, and equation 9."""

import re

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


def _fourier_masks(fractions, shape):
    """One mask per image."""
    models = [FourierProjection.random(shape, f) for f in fractions]
    return np.concatenate([ops.convert_to_numpy(model.mask) for model in models])


# Name: forward model, and the shape of a batch of its images.
_MODELS = {
    "denoising": lambda: (Denoising(), (2, 7, 5, 3)),
    "inpainting": lambda: (Inpainting.random((17, 23), 0.5), (2, 17, 23, 3)),
    "inpainting per image": lambda: (Inpainting(_kernel(2, 6, 5, 1)), (2, 6, 5, 1)),
    "inpainting rgb": lambda: (Inpainting(_kernel(6, 5, 3)), (2, 6, 5, 3)),
    "gaussian": lambda: (RandomProjection.gaussian(8, 0.4), (3, 8, 8, 1)),
    "gaussian rgb": lambda: (RandomProjection.gaussian(5, 1.0), (2, 5, 5, 3)),
    "binary": lambda: (RandomProjection.binary(7, 0.3), (2, 7, 7, 1)),
    "projection per image": lambda: (
        RandomProjection(_kernel(2, 16, 16), _masks([0.2, 0.8], 16)),
        (2, 4, 4, 2),
    ),
    "fourier even": lambda: (FourierProjection.random((16, 12), 0.3), (2, 16, 12, 1)),
    "fourier odd": lambda: (FourierProjection.random((9, 13), 0.5), (2, 9, 13, 3)),
    "fourier per image": lambda: (
        FourierProjection(_fourier_masks([0.3, 0.7], (6, 5))),
        (2, 6, 5, 2),
    ),
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


_ANY = (None, None, None)
# Name: what is stated of x and y; both may be of any size where a name is missing.
_STATED = {
    "inpainting": ((17, 23, None), (17, 23, None)),
    "inpainting per image": ((6, 5, None), (6, 5, None)),
    "inpainting rgb": ((6, 5, 3), (6, 5, 3)),
    "gaussian": ((8, 8, None), (64, None)),
    "gaussian rgb": ((5, 5, None), (25, None)),
    "binary": ((7, 7, None), (49, None)),
    "projection per image": ((4, 4, None), (16, None)),
    "fourier even": ((16, 12, None), (16, 12, None)),
    "fourier odd": ((9, 13, None), (9, 13, None)),
    "fourier per image": ((6, 5, None), (6, 5, None)),
    "function": ((6, 5, 2), (5, 5, 2)),
    "composition": ((12, 8, None), _ANY),
}


@pytest.fixture(name="case", params=_MODELS)
def _case(request):
    return _MODELS[request.param]()


def _normal(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def test_linear_and_adjoint(case):
    model, shape = case
    assert check_adjoint(model, shape, tolerance=1e-5) < 1e-5


def test_adjoint_is_the_transpose_pixel_by_pixel(case):
    model, shape = case
    observation = ops.convert_to_tensor(_normal(model.forward(_normal(shape)).shape))
    image = ops.convert_to_tensor(_normal(shape, 1))
    expected = forward_models._transposed(model.forward, image, observation)
    expected = ops.convert_to_numpy(expected)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(model.adjoint(observation), expected, atol=1e-5 * scale)


@pytest.mark.skipif(not _IS_TENSORFLOW, reason="JAX has no float64 by default")
def test_adjoint_in_double_precision(case):
    model, shape = case
    assert check_adjoint(model, shape, tolerance=1e-12, dtype="float64") < 1e-12


@pytest.mark.parametrize("name", _MODELS)
def test_states_its_shapes(name):
    model, _ = _MODELS[name]()
    stated = (model.image_shape, model.observation_shape)
    assert stated == _STATED.get(name, (_ANY, _ANY))


@pytest.mark.parametrize("name", ["forward", "adjoint"])
def test_refuses_other_shapes(case, name):
    model, shape = case
    stated = model.image_shape
    if name == "adjoint":
        shape = tuple(model.forward(_normal(shape)).shape)
        stated = model.observation_shape
    wrong_shapes = [shape[1:]]
    for axis, length in enumerate(stated, start=1):
        if length is not None:
            wrong_shapes.append((*shape[:axis], length + 1, *shape[axis + 1 :]))
    for wrong in wrong_shapes:
        message = rf"takes (images|observations) .* got {re.escape(str(wrong))}"
        with pytest.raises(ValueError, match=message):
            getattr(model, name)(_normal(wrong))


@pytest.mark.parametrize("name", [name for name in _MODELS if "per image" in name])
@pytest.mark.parametrize("number", [1, 3])
def test_operators_of_two_images_refuse_other_batches(name, number):
    model, shape = _MODELS[name]()
    observed = model.forward(_normal(shape)).shape
    message = f"has operators for 2 images, got {number}"
    with pytest.raises(ValueError, match=message):
        model.forward(_normal((number, *shape[1:])))
    with pytest.raises(ValueError, match=message):
        model.adjoint(_normal((number, *observed[1:])))


def test_refuses_integers(case):
    model, shape = case
    observed = tuple(model.forward(_normal(shape)).shape)
    message = "takes {} of floats, got uint8; divide by 255 first"
    with pytest.raises(ValueError, match=message.format("images x")):
        model.forward(np.full(shape, 200, np.uint8))
    with pytest.raises(ValueError, match=message.format("observations y")):
        model.adjoint(np.full(observed, 200, np.uint8))


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float16", 4e-3), ("bfloat16", 0.04)]
)
def test_half_precision_is_near_to_single(case, dtype, tolerance):
    model, shape = case
    expected = ops.convert_to_numpy(model.forward(_normal(shape)))
    half = model.forward(ops.cast(_normal(shape), dtype))
    back = model.adjoint(half)
    for actual, wanted in ((half, expected), (back, model.adjoint(expected))):
        assert keras.backend.standardize_dtype(actual.dtype) == dtype
        wanted = ops.convert_to_numpy(wanted)
        actual = ops.convert_to_numpy(ops.cast(actual, "float32"))
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(actual, wanted, atol=tolerance * scale)


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
    signature = [tf.TensorSpec((None, *shape[1:]), tf.float32)]
    compiled = tf.function(lambda x: model.adjoint(model.forward(x)), signature)
    np.testing.assert_allclose(compiled(images), expected, atol=1e-5)
    data = tf.data.Dataset.from_tensors(images).map(model.forward)
    (mapped,) = list(data.as_numpy_iterator())
    np.testing.assert_allclose(mapped, model.forward(images), atol=1e-5)


@pytest.mark.skipif(not _IS_TENSORFLOW, reason="unknown sizes are of tf.function")
def test_unknown_sizes():
    import tensorflow as tf

    def compiled(function, rank):
        return tf.function(function, [tf.TensorSpec([None] * rank, tf.float32)])

    for model in (
        FourierProjection.random((6, 5), 0.5),
        RandomProjection.gaussian(4, 0.5),
    ):
        image = _normal((2, *model.image_shape[:2], 3))
        measured = model.forward(image)
        back = model.adjoint(measured)
        rank = len(measured.shape)
        actual = compiled(model.forward, 4)(image)
        np.testing.assert_allclose(actual, measured, atol=1e-5)
        actual = compiled(model.adjoint, rank)(measured)
        np.testing.assert_allclose(actual, back, atol=1e-5)
    bicubic_2 = BicubicDownsampling(2)
    for method in (bicubic_2.forward, bicubic_2.adjoint, bicubic_2.initial_estimate):
        with pytest.raises(ValueError, match="known height and width"):
            compiled(method, 4)(_normal((1, 4, 4, 1)))


@pytest.mark.skipif(not _IS_TENSORFLOW, reason="tf.function")
@pytest.mark.parametrize("kind", ["fourier", "projection"])
def test_a_step_is_traced_once_for_all_fractions(kind):
    """As in training, where the mask is drawn anew for every batch."""
    import tensorflow as tf

    matrix, traces = _kernel(36, 36), []

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

    image, sigma = tf.constant(_normal((2, 6, 6, 1))), tf.constant([0.1, 0.2])
    for fractions in ([0.1, 0.5], [0.3, 0.9], [1.0, 0.2]):
        if kind == "fourier":
            mask = _fourier_masks(fractions, (6, 6))
        else:
            mask = _masks(fractions, 36)
        mask = tf.constant(mask)
        observation = make(mask).forward(_normal((2, 6, 6, 1), 1))
        expected = step(image, observation, sigma, mask)
        actual = compiled(image, observation, sigma, mask)
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-3)
    assert len(traces) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: FourierProjection.random((128, 128), 0.5),
        lambda: Inpainting.random((128, 128), 0.5),
        lambda: Blur(_kernel(5, 5)),
        lambda: BicubicDownsampling(2),
    ],
)
def test_holds_a_few_images_at_most(make):
    """None of them is a matrix of 128^2 x 128^2."""
    model = make()
    model.adjoint(model.forward(_normal((1, 128, 128, 1))))
    assert sum(np.size(value) for value in vars(model).values()) < 4 * 128**2


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


@pytest.mark.parametrize("shape", [(8, 8), (5, 6)])
def test_fourier_keeps_every_frequency_equally_often(shape):
    """Also those that are their own negative, as the mean."""
    masks = [FourierProjection.random(shape, 0.3, seed).mask[0] for seed in range(400)]
    kept = np.mean([ops.convert_to_numpy(mask) for mask in masks], axis=0)
    np.testing.assert_allclose(kept, 0.3, atol=0.1)


def test_random_projections_keep_a_measurement():
    assert float(ops.sum(RandomProjection.gaussian(4, 0.01).mask)) == 1
    assert float(ops.sum(RandomProjection.binary(4, 0.01).mask)) == 1


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


def test_composition_starts_from_its_parts_estimates():
    """Not from the adjoint, which a sum over 9 pixels would make darker."""
    kernel = np.full((3, 3), 1 / 9, np.float32)
    model = BicubicDownsampling(3) @ Blur(kernel)
    start = model.initial_estimate(model.forward(np.full((1, 12, 9, 1), 0.6)))
    np.testing.assert_allclose(start, 0.6, atol=1e-3)


def test_composition_has_operators_for_as_many_images_as_its_parts():
    for_three = Inpainting(np.ones((3, 8, 8, 1), np.float32))
    for_all = Inpainting(np.ones((8, 8, 1), np.float32))
    assert (for_three @ for_all).num_images == 3
    assert (for_all @ for_three).num_images == 3
    assert (for_all @ for_all).num_images is None


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


class _Model(ForwardModel):
    def __init__(self, forward, adjoint, observation_shape=_ANY):
        self._forward, self._adjoint = forward, adjoint
        self.observation_shape = observation_shape

    def forward(self, image):
        return self._forward(image)

    def adjoint(self, observation):
        return self._adjoint(observation)


def _same(values):
    return values


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (_Model(lambda x: 2 * x, _same), "not the adjoint"),
        (_Model(lambda x: x + 1, _same), "not linear"),
        (_Model(lambda x: x - ops.mean(x, axis=0), _same), "in each image alone"),
        (_Model(lambda x: x[::-1], lambda y: y[::-1]), "in each image alone"),
        (_Model(_same, lambda y: y[:, 1:]), r"adjoint .* \(2, 3, 4, 1\)"),
        (_Model(_same, lambda y: None), "adjoint .* None"),
        (_Model(lambda x: None, _same), "forward .* None"),
        (_Model(lambda x: x[:1], _same), r"forward .* \(1, 4, 4, 1\)"),
        (_Model(_same, _same, (4, 5, 1)), r"forward .* \(2, 4, 5, 1\), got"),
        (Inpainting.random((4, 5), 0.5), r"states images of shape \(batch, 4, 5, any"),
    ],
)
def test_check_adjoint_finds_mistakes(model, message):
    with pytest.raises(ValueError, match=message):
        check_adjoint(model, (2, 4, 4, 1))


def _through_numpy(function):
    """Returns a function that cannot be differentiated."""
    return lambda x: function(ops.convert_to_numpy(x))


@pytest.mark.parametrize("prepare", [_same, _through_numpy])
def test_check_adjoint_finds_small_mistakes_in_large_images(prepare):
    blur, other = Blur(_kernel(5, 3)), Blur(_kernel(5, 3), "symmetric")
    shape, forward = (1, 128, 128, 1), prepare(blur.forward)
    assert check_adjoint(_Model(forward, blur.adjoint), shape) < 1e-5
    for wrong in (lambda y: 1.01 * blur.adjoint(y), other.adjoint):
        with pytest.raises(ValueError, match="not the adjoint"):
            check_adjoint(_Model(forward, wrong), shape)


def test_check_adjoint_finds_one_wrong_pixel():
    pixel = np.zeros((128, 128, 1), np.float32)
    pixel[0, 5] = 0.01
    model = _Model(_same, lambda y: y + pixel * y)
    with pytest.raises(ValueError, match="by automatic differentiation"):
        check_adjoint(model, (1, 128, 128, 1))


def test_linear_function_without_a_gradient():
    model = LinearFunction(_through_numpy(lambda x: 2 * x), (4, 4, 1))
    np.testing.assert_array_equal(model.forward(np.ones((1, 4, 4, 1))), 2.0)
    with pytest.raises(ValueError, match="finds no gradient"):
        model.adjoint(_normal((1, 4, 4, 1)))


@pytest.mark.skipif(not _IS_TENSORFLOW, reason="operations of TensorFlow")
def test_linear_function_without_a_gradient_in_tensorflow():
    import tensorflow as tf

    for function in (
        tf.zeros_like,
        lambda x: tf.image.adjust_contrast(x, 2.0),
        lambda x: tf.numpy_function(lambda v: 2 * v, [x], tf.float32),
    ):
        with pytest.raises(ValueError, match="finds no gradient"):
            LinearFunction(function, (4, 4, 1)).adjoint(_normal((1, 4, 4, 1)))


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
        (lambda: Blur(np.ones((5, 5))).adjoint(np.ones((1, 8, 4, 1))), "smaller"),
        (
            lambda: RandomProjection(np.ones((16, 9)), np.ones(16)),
            r"\(1, 16, 9\) and \(1, 16\)",
        ),
        (
            lambda: RandomProjection(np.ones((16, 16)), np.ones(9)),
            r"\(1, 16, 16\) and \(1, 9\)",
        ),
        (
            lambda: RandomProjection(np.ones((2, 4, 4)), np.ones((3, 4))),
            r"\(2, 4, 4\) and \(3, 4\)",
        ),
        (lambda: Inpainting.random((4, 4, 1), 0.5), "shape must be"),
        (lambda: FourierProjection.random((4,), 0.5), "shape must be"),
        (lambda: BicubicDownsampling(2.5), "factor"),
        (lambda: BicubicDownsampling(2, "circular"), "boundary"),
        (lambda: LinearFunction(_same, (4, 4)), "image_shape must be"),
        (lambda: LinearFunction(_same, (4, None, 1)), "image_shape must be"),
        (lambda: LinearFunction(lambda x: x[0], (4, 4, 1)), "begins with the batch"),
        (lambda: LinearFunction(lambda x: None, (4, 4, 1)), "makes None"),
        (
            lambda: FourierProjection.random((8, 8), 1) @ Inpainting.random((8, 9), 1),
            r"\(batch, 8, 9, any\).*\(batch, 8, 8, any\)",
        ),
        (
            lambda: Blur(np.ones((3, 3))) @ RandomProjection.gaussian(4, 1),
            r"\(batch, 16, any\).*\(batch, any, any, any\)",
        ),
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


@pytest.mark.parametrize("shape", [(1, 4, 4, 1), (2, 4, 1, 1), (2, 4, 4)])
def test_likelihood_gradient_refuses_observations_of_another_shape(shape):
    image, sigma = _normal((2, 4, 4, 1)), np.ones(2, np.float32)
    message = rf"{re.escape(str(shape))}.*\(2, 4, 4, 1\)"
    with pytest.raises(ValueError, match=message):
        likelihood_gradient(image, _normal(shape), sigma, Denoising())


def test_likelihood_gradient_has_the_dtype_of_the_estimate():
    image, other = _normal((2, 4, 4, 1)), np.zeros((2, 4, 4, 1))
    gradient = likelihood_gradient(
        image, other, np.full(2, 0.5), Denoising(), np.float64(0.75)
    )
    assert keras.backend.standardize_dtype(gradient.dtype) == "float32"
    np.testing.assert_allclose(gradient, -image)
    with pytest.raises(ValueError, match="observations y of floats, got int"):
        likelihood_gradient(image, other.astype(int), np.ones(2), Denoising())
