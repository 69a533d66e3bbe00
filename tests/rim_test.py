"""Tests of the loop: with a hand-made cell it is textbook gradient descent."""

import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

import rim_tf
from rim_tf.cells import FFNCell, GDNCell, RIMCell
from rim_tf.forward_models import ForwardModel

_STEP_SIZE = 0.02


class GradientDescentCell:
    """Equation 3 without a prior: the update is a multiple of the gradient."""

    def get_initial_state(self, batch_size, height, width):
        return []

    def __call__(self, inputs, states):
        eta_and_gradient = keras.ops.split(inputs, 2, axis=-1)
        return _STEP_SIZE * eta_and_gradient[1], states


class Scaling(ForwardModel):
    """y = a x with one factor per pixel: simple, but not the identity."""

    def __init__(self, factors):
        self.factors = np.float32(factors)

    def forward(self, image):
        return self.factors * image

    def adjoint(self, observation):
        return self.factors * observation


def _small_rim(dtype=None, sees_sigma=False, **settings):
    keras.utils.set_random_seed(0)
    cell = RIMCell(features=4, state_features=6, sees_sigma=sees_sigma, dtype=dtype)
    rim = rim_tf.RIM(cell, dtype=dtype, **settings)
    rim.build()
    return rim


def _perturb(rim):
    """Makes the last layer large enough to move the estimates."""
    kernel = rim.cell.update.kernel
    kernel.assign(np.random.default_rng(0).normal(size=kernel.shape) * 0.3)


@pytest.fixture(name="observation")
def _observation():
    return np.random.default_rng(3).uniform(size=(2, 6, 5, 1)).astype("float32")


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("link", ["identity", "sigmoid"])
@pytest.mark.parametrize("gradient", ["x", "eta"])
def test_equals_gradient_descent(link, gradient, observation):
    factors = np.linspace(0.5, 1.5, 30).reshape(6, 5, 1)
    sigma = np.array([0.3, 0.2])
    rim = rim_tf.RIM(GradientDescentCell(), link=link, gradient=gradient)
    rim.build()
    estimates = rim(
        observation, sigma=np.float32(sigma), forward_model=Scaling(factors)
    )

    epsilon = float(rim.epsilon)
    start = factors * observation
    if link == "sigmoid":
        start = np.clip(start, 0.01, 0.99)
        eta = np.log(start / (1 - start))
    else:
        eta = start
    for estimate in keras.ops.convert_to_numpy(estimates):
        image = _sigmoid(eta) if link == "sigmoid" else eta
        step = factors * (observation - factors * image)
        step /= sigma[:, None, None, None] ** 2 + epsilon
        if gradient == "eta" and link == "sigmoid":
            step *= image * (1 - image)
        eta = eta + _STEP_SIZE * step
        expected = _sigmoid(eta) if link == "sigmoid" else eta
        np.testing.assert_allclose(estimate, expected, rtol=5e-6, atol=2e-6)
    assert len(estimates) == 20


def test_epsilon_starts_at_the_papers_value():
    assert float(_small_rim().epsilon) == pytest.approx(0.01, rel=1e-5)


def test_zero_last_layer_leaves_the_first_estimate(observation):
    rim = _small_rim()
    for variable in rim.cell.update.weights:
        variable.assign(np.zeros(variable.shape))
    estimates = rim(observation, sigma=0.1)
    np.testing.assert_allclose(
        estimates[-1], np.clip(observation, 0.01, 0.99), atol=1e-6
    )


@pytest.mark.parametrize("size", [(32, 32), (17, 23), (12, 9)])
def test_any_size_and_number_of_steps(size):
    rim = _small_rim()
    estimates = rim(np.full((1, *size, 1), 0.5, np.float32), sigma=0.1, num_steps=3)
    assert estimates.shape == (3, 1, *size, 1)


def test_memory_matters(observation):
    """The state must reach the next step; a test of shapes would not see it."""
    rim = _small_rim()
    _perturb(rim)
    eta = rim.initial_eta(observation, rim_tf.Denoising())
    gradient = keras.ops.ones_like(eta)
    zero = rim.initial_state(eta)
    _, states = rim.update(eta, gradient, zero)
    with_memory, _ = rim.update(eta, gradient, states)
    without_memory, _ = rim.update(eta, gradient, zero)
    difference = np.asarray(with_memory) - np.asarray(without_memory)
    assert np.abs(difference).max() > 1e-3


def test_forward_model_is_swapped_without_retraining(observation):
    rim = _small_rim()
    _perturb(rim)
    denoised = rim(observation, sigma=0.1, num_steps=2)
    scaled = rim(
        observation,
        sigma=0.1,
        forward_model=Scaling(0.5 * np.ones((6, 5, 1))),
        num_steps=2,
    )
    assert np.abs(np.asarray(denoised) - np.asarray(scaled)).max() > 1e-3


def test_sigma_reaches_the_gradient(observation):
    rim = _small_rim()
    eta = rim.initial_eta(np.full_like(observation, 0.5), rim_tf.Denoising())
    sigma = np.float32([0.1, 0.2])
    gradient = np.asarray(
        rim.likelihood_gradient(eta, observation, sigma, rim_tf.Denoising())
    )
    expected = (observation - 0.5) / (np.reshape(sigma, (2, 1, 1, 1)) ** 2 + 0.01)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)


def test_what_the_cell_sees_of_sigma(observation):
    """Its logarithm before the gradient, of each image its own; if it asks."""
    sigma = np.float32([0, 55 / 255])
    for sees_sigma in (False, True):
        rim = _small_rim(sees_sigma=sees_sigma)
        problem = observation, sigma, rim_tf.Denoising()
        eta = rim.initial_eta(np.full_like(observation, 0.5), rim_tf.Denoising())
        gradient = np.asarray(rim.likelihood_gradient(eta, *problem))
        evidence = np.asarray(rim.evidence(eta, *problem))
        np.testing.assert_array_equal(evidence[..., -1:], gradient)
        assert evidence.shape == (*gradient.shape[:-1], 1 + sees_sigma)
    np.testing.assert_array_equal(evidence[0, ..., 0], 0)
    np.testing.assert_allclose(evidence[1, ..., 0], np.log(56) / 4, rtol=1e-6)


def test_a_cell_that_sees_sigma_tells_little_noise_from_none(observation):
    """Epsilon hides that from the paper's."""
    changes = []
    for sees_sigma in (False, True):
        rim = _small_rim(sees_sigma=sees_sigma, num_steps=2)
        _perturb(rim)
        none, little = (
            np.asarray(rim(observation, sigma=sigma)[-1]) for sigma in (0.0, 2 / 255)
        )
        changes.append(np.abs(little - none).max())
    assert changes[1] > 10 * changes[0]


def test_mixed_precision_keeps_the_estimate_in_float32(observation):
    rim = _small_rim(dtype="mixed_bfloat16")
    _perturb(rim)
    eta = rim.initial_eta(observation, rim_tf.Denoising())
    states = rim.initial_state(eta)
    sigma = np.float32([0.1, 0.1])
    gradient = rim.likelihood_gradient(eta, observation, sigma, rim_tf.Denoising())
    eta, states = rim.update(eta, gradient, states)
    for tensor in (gradient, eta, rim(observation, sigma=0.1)):
        assert keras.backend.standardize_dtype(tensor.dtype) == "float32"
    assert keras.backend.standardize_dtype(states[0].dtype) == "bfloat16"
    exact = _small_rim()
    exact.set_weights(rim.get_weights())
    np.testing.assert_allclose(
        rim(observation, sigma=0.1, num_steps=3),
        exact(observation, sigma=0.1, num_steps=3),
        atol=0.02,
    )


@pytest.mark.parametrize("sees_sigma", [False, True])
def test_save_and_load(tmp_path, observation, sees_sigma):
    rim = _small_rim(num_steps=3, gradient="eta", sees_sigma=sees_sigma)
    _perturb(rim)
    rim.save(tmp_path / "rim.keras")
    copy = keras.saving.load_model(tmp_path / "rim.keras")
    assert (copy.num_steps, copy.gradient) == (3, "eta")
    assert copy.cell.sees_sigma == sees_sigma
    np.testing.assert_array_equal(
        rim(observation, sigma=0.2), copy(observation, sigma=0.2)
    )


_LOAD = """
import sys
from pathlib import Path
import rim_tf
import keras, numpy
folder = Path(sys.argv[1])
observation = numpy.load(folder / "observation.npy")
for path in folder.glob("*.keras"):
    rim = keras.saving.load_model(path)
    numpy.save(path.with_suffix(".npy"), rim(observation, sigma=0.2))
"""


def test_saved_models_load_where_nothing_but_rim_tf_is_imported(tmp_path, observation):
    np.save(tmp_path / "observation.npy", observation)
    expected = {}
    for cell_class in (RIMCell, GDNCell, FFNCell):
        rim = rim_tf.RIM(cell_class(features=4, state_features=6), num_steps=2)
        rim.build()
        _perturb(rim)
        rim.save(tmp_path / f"{cell_class.__name__}.keras")
        expected[cell_class.__name__] = rim(observation, sigma=0.2)
    subprocess.run(
        [sys.executable, "-c", _LOAD, tmp_path],
        cwd=Path(__file__).parents[1],
        check=True,
    )
    for name, estimates in expected.items():
        loaded = np.load(tmp_path / f"{name}.npy")
        np.testing.assert_allclose(loaded, estimates, atol=1e-6)


@pytest.mark.parametrize(
    "settings", [{"link": "relu"}, {"gradient": "y"}, {"num_steps": 0}]
)
def test_refuses_what_it_does_not_know(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        rim_tf.RIM(**settings)


@pytest.mark.parametrize("number", [1, 3])
def test_keras_fit_and_evaluate_report_equation_8(number):
    """The mean over steps, images and pixels; also of one grey image."""
    rim = _small_rim(num_steps=3)
    _perturb(rim)
    rng = np.random.default_rng(0)
    clean = rng.uniform(size=(number, 6, 5, 1)).astype("float32")
    sigma = rng.uniform(0.05, 0.2, number).astype("float32")
    noisy = clean + sigma[:, None, None, None] * np.float32(
        rng.normal(size=clean.shape)
    )
    estimates = keras.ops.convert_to_numpy(rim(noisy, sigma=sigma))
    assert estimates.shape == (3, *clean.shape)
    expected = np.square(estimates - clean).mean()
    last = np.square(estimates[-1] - clean).mean()

    rim.compile("sgd", loss="mse", metrics=["mean_squared_error"])
    result = rim.evaluate((noisy, sigma), clean, verbose=0, return_dict=True)
    assert result["loss"] == pytest.approx(expected, abs=1e-6)
    assert result["mean_squared_error"] == pytest.approx(last, abs=1e-6)
    fitted = rim.fit((noisy, sigma), clean, epochs=3, batch_size=4, verbose=0).history
    assert fitted["loss"][0] == pytest.approx(expected, abs=1e-6)
    assert fitted["loss"][2] < fitted["loss"][0]


def test_keras_predict_names_what_to_use(observation):
    with pytest.raises(NotImplementedError, match=r"Use rim_tf\.restore"):
        _small_rim().predict(observation)


def test_a_call_checks_as_restoring_does():
    rim = _small_rim()
    with pytest.raises(ValueError, match="of floats, got uint8; divide by 255 first"):
        rim(np.full((1, 6, 5, 1), 128, np.uint8), sigma=0.1)
    with pytest.raises(ValueError, match="sigma"):
        rim(np.full((1, 6, 5, 1), 0.5, np.float32))


def test_with_the_identity_link_any_scale_goes():
    rim = _small_rim(link="identity")
    estimates = rim(np.full((1, 6, 5, 1), 1000.0, np.float32), sigma=1.0, num_steps=1)
    np.testing.assert_allclose(estimates[0], 1000.0, rtol=0.01)


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("fills_pixels", [True, False])
def test_begins_where_its_network_has_learnt_to(fills_pixels, factor):
    """At missing pixels that are filled, or at A^T y."""
    image = np.random.default_rng(0).uniform(0.2, 0.8, (1, 8, 8, 1)).astype("float32")
    inpainting = rim_tf.forward_models.Inpainting.random((8, 8), 0.6)
    subsampling = rim_tf.forward_models.Subsampling((2, 1))
    # What starts otherwise is left alone.
    smaller = rim_tf.forward_models.BicubicDownsampling(2)
    rim = _small_rim(fills_pixels=fills_pixels)
    for model in (inpainting, subsampling, subsampling @ inpainting, smaller):
        scaled = factor * model if factor != 1 else model
        observation = scaled.forward(image)
        start = keras.ops.sigmoid(rim.initial_eta(observation / factor, model))
        expected = model.initial_estimate(model.forward(image))
        if not fills_pixels and model is not smaller:
            expected = model.adjoint(model.forward(image))
        expected = np.clip(expected, 0.01, 0.99)
        np.testing.assert_allclose(start, expected, atol=1e-5)
        # The scale of A is taken out before.
        eta = rim.initial_eta(observation / factor, (1 / factor) * scaled)
        np.testing.assert_allclose(keras.ops.sigmoid(eta), expected, atol=1e-5)


def test_what_it_begins_with_is_kept():
    rim = _small_rim(fills_pixels=False)
    assert not rim.with_dtype("float32").fills_pixels
    assert not rim_tf.RIM.from_config(rim.get_config()).fills_pixels
    assert _small_rim().fills_pixels


def test_no_warning_where_pixels_are_not_to_be_filled():
    known = np.indices((8, 8, 1)).sum(axis=0) % 3 == 0
    hiding = Scaling(known)
    observation = np.float32(0.5 * known[None])
    with pytest.warns(UserWarning, match="override initial_estimate"):
        rim_tf.restore(_small_rim(num_steps=1), observation, hiding, 0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rim = _small_rim(num_steps=1, fills_pixels=False)
        rim_tf.restore(rim, observation, hiding, 0.1)
