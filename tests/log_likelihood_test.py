"""Tests of likelihoods of one's own."""

import keras
import numpy as np
import pytest
from keras import ops

import rim_tf
from rim_tf import LogLikelihood
from rim_tf.cells import RIMCell
from rim_tf.forward_models import Blur, Denoising
from rim_tf.problems import Measurement
from rim_tf.training.unrolled import UnrolledRIM
from tests.forward_models.cases import kernel

_SHAPE = (2, 12, 9, 1)
_SIGMA = np.float32([0.05, 0.2])


@pytest.fixture(name="model")
def _model():
    keras.utils.set_random_seed(0)
    rim = rim_tf.RIM(RIMCell(features=4, state_features=6), num_steps=3)
    rim.build()
    last = rim.cell.update.kernel
    last.assign(0.3 * np.random.default_rng(0).standard_normal(last.shape))
    return rim


def _image():
    return np.random.default_rng(1).uniform(0.1, 0.9, _SHAPE).astype("float32")


def _sum(values):
    return ops.sum(values, axis=(1, 2, 3))


def _gaussian(blur, epsilon):
    """Returns equation 9 as a user would write it: its logarithm, and its gradient."""

    def value(x, y, sigma):
        return -_sum(ops.square(y - blur.forward(x))) / (2 * (sigma**2 + epsilon))

    def gradient(x, y, sigma):
        precision = 1 / (ops.reshape(sigma, (-1, 1, 1, 1)) ** 2 + epsilon)
        return precision * blur.adjoint(y - blur.forward(x))

    return (
        LogLikelihood(blur.initial_estimate, value),
        LogLikelihood(blur.initial_estimate, gradient=gradient),
    )


def test_the_gaussian_one_is_equation_9(model):
    values = kernel(3, 3)
    blur = Blur(values / values.sum())
    observation = ops.convert_to_numpy(blur.forward(_image()))
    expected = rim_tf.restore(model, observation, blur, _SIGMA, normalize=False)
    start = rim_tf.restore(model, observation, blur, _SIGMA, 1, normalize=False)
    assert np.abs(expected - start).max() > 0.01
    for likelihood in _gaussian(blur, float(model.epsilon)):
        restored = rim_tf.restore(model, observation, likelihood, _SIGMA)
        np.testing.assert_allclose(restored, expected, atol=1e-5)
        estimates = model(observation, sigma=_SIGMA, forward_model=likelihood)
        np.testing.assert_allclose(estimates[-1], expected, atol=1e-5)


def _photons(peak, seed=2):
    return np.float32(np.random.default_rng(seed).poisson(peak * _image()))


def _poisson(peak):
    return LogLikelihood(
        lambda y: y / peak,
        lambda x, y, sigma: _sum(y * ops.log(x) - peak * x),
    )


def test_poisson_has_its_gradient():
    peak = 40.0
    counts = _photons(peak)
    gradient = _poisson(peak).gradient(_image(), counts, _SIGMA)
    np.testing.assert_allclose(gradient, counts / _image() - peak, rtol=1e-4, atol=1e-3)


def test_counts_without_a_sigma_are_restored(model):
    restored, details = rim_tf.restore(
        model, _photons(40.0), _poisson(40.0), details=True
    )
    assert restored.shape == _SHAPE
    assert details.num_steps == 3
    assert np.isnan(details.residual).all()


@pytest.mark.parametrize("dtype", ["int64", "uint16", "uint8"])
def test_counts_may_be_integers(model, dtype):
    counts = np.round(_photons(40.0))
    restored = [
        rim_tf.restore(model, y, _poisson(40.0)) for y in (counts, counts.astype(dtype))
    ]
    np.testing.assert_array_equal(*restored)


def test_a_function_that_is_not_linear(model):
    """y = x^2: its gradient moves the estimate towards what y says."""
    likelihood = LogLikelihood(
        ops.ones_like, lambda x, y, sigma: -_sum(ops.square(y - x**2))
    )
    x = 0.5 * np.ones(_SHAPE, np.float32)
    gradient = likelihood.gradient(x, np.float32(x**2 + 0.1), _SIGMA)
    np.testing.assert_allclose(gradient, 0.2, rtol=1e-4)
    assert np.isfinite(rim_tf.restore(model, _image() ** 2, likelihood)).all()


def test_a_training_takes_it(model):
    class Counts:
        def draw(self, clean, seed):
            normal = keras.random.normal(ops.shape(clean), seed=seed)
            # As counts of many photons are, nearly.
            counts = ops.maximum(100 * clean + 10 * ops.sqrt(clean) * normal, 0)
            sigma = ops.zeros(ops.shape(clean)[:1])
            return Measurement(counts, sigma, _poisson(100.0))

    unrolled = UnrolledRIM(model, Counts(), seed=0)
    unrolled.compile(keras.optimizers.Adam(1e-3))
    before = [np.array(w) for w in model.get_weights()]
    loss = unrolled.train_on_batch(_image())
    assert np.isfinite(loss)
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def _start(y):
    return y


@pytest.mark.parametrize(
    "arguments",
    [
        (_start,),
        (_start, _sum, _sum),
        (1, _sum),
        (_start, 2),
    ],
)
def test_refuses_what_are_not_two_functions(arguments):
    with pytest.raises(TypeError, match="needs two functions: start, and value or gr"):
        LogLikelihood(*arguments)


@pytest.mark.parametrize(
    ("likelihood", "message"),
    [
        (
            LogLikelihood(_start, lambda x, y, s: ops.sum(x)),
            r"value .* \(2\), got \(\)",
        ),
        (LogLikelihood(_start, lambda x, y, s: None), "value .*, got None"),
        (
            LogLikelihood(_start, gradient=lambda x, y, s: x[:, 1:]),
            r"gradient .* \(2, 12, 9, 1\), got \(2, 11, 9, 1\)",
        ),
        (LogLikelihood(_start, lambda x, y, s: _sum(y)), "finds no gradient"),
    ],
)
def test_refuses_wrong_results(likelihood, message):
    with pytest.raises(ValueError, match=message):
        likelihood.gradient(_image(), _image(), _SIGMA)


def test_refuses_what_only_forward_models_have(model):
    likelihood = _poisson(10.0)
    with pytest.raises(ValueError, match=r'start="cg" is for forward models'):
        rim_tf.restore(model, _image(), likelihood, start="cg")
    with pytest.raises(TypeError, match=r"ForwardModel, such as .* or a LogLikelihood"):
        rim_tf.restore(model, _image(), Denoising, 0.1)
    with pytest.raises(ValueError, match="The observation y must be finite"):
        rim_tf.restore(model, np.full(_SHAPE, np.nan, np.float32), likelihood)
