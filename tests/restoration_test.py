"""Tests of restoring images."""

import keras
import numpy as np
import pytest

import rim_tf
from rim_tf import conjugate_gradients, restoration
from rim_tf.cells import RIMCell
from rim_tf.forward_models import Blur, ForwardModel, Inpainting, check_adjoint


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


def test_weights_may_change_between():
    # Wide enough for kernels that are transformed once.
    model = rim_tf.RIM(RIMCell(features=64, state_features=64), num_steps=2)
    model.build()
    noisy = _noisy(1, 8, 8, 1)
    before = rim_tf.restore(model, noisy, sigma=0.1)
    kernel = model.cell.recurrent.gates.kernel
    kernel.assign(10 * kernel.value)
    after = rim_tf.restore(model, noisy, sigma=0.1)
    assert np.abs(after - before).max() > 1e-4
    expected = keras.ops.convert_to_numpy(model(noisy, sigma=0.1))[-1]
    np.testing.assert_allclose(after, expected, atol=1e-5)


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
        ({"sigma": -0.1}, "sigma must be a number of 0 or more, got -0.1"),
        ({"sigma": [0.1, 0.2, 0.3]}, "one per image"),
        ({"sigma": float("nan")}, "sigma must be a number of 0 or more, got nan"),
        ({"sigma": None}, "Denoising needs sigma"),
        ({"num_steps": 0}, "num_steps"),
        ({"num_steps": 2.5}, "num_steps must be an integer of 1 or more, not 2.5"),
        ({"num_steps": "all"}, "num_steps must be an integer of 1 or more, not 'all'"),
        ({"observation": np.zeros((8, 8, 1))}, r"\(batch, any, any, any\)"),
        ({"observation": np.zeros((1, 8, 8, 3))}, "height, width, 1"),
        ({"observation": np.zeros((1, 8, 8, 1), np.uint8)}, "divide by 255 first"),
        ({"observation": np.zeros((1, 8, 8, 1), bool)}, "astype"),
        ({"observation": np.zeros((1, 8, 8, 1), complex)}, "imaginary part"),
        ({"observation": np.zeros((0, 8, 8, 1))}, r"got none: the shape is \(0, 8"),
        ({"observation": np.zeros((1, 0, 8, 1))}, r"got none: the shape is \(1, 0"),
        ({"observation": np.full((1, 8, 8, 1), 255.0)}, "255 for a pixel .*; divide"),
        ({"observation": np.full((1, 8, 8, 1), np.nan)}, r"nan at \(0, 0, 0, 0\)"),
        ({"sigma": 25}, "25 for sigma .*; divide by 255"),
        ({"sigma": 1.01}, "1.01 for sigma"),
    ],
)
def test_refuses_bad_input(model, changed, message):
    arguments = {"observation": np.zeros((1, 8, 8, 1)), "sigma": 0.1, **changed}
    with pytest.raises(ValueError, match=message):
        rim_tf.restore(model, **arguments)
    with pytest.raises(ValueError, match=message):
        model(**arguments)


def test_counts_are_not_told_to_divide_by_255(model):
    """As FITS files hold them."""
    with pytest.raises(ValueError, match=r"got int16; .* black is 0 and white is 1"):
        rim_tf.restore(model, np.zeros((1, 8, 8, 1), ">i2"), sigma=0.1)


def test_details_of_a_restoration(model):
    observation = _noisy(2, 8, 9, 1)
    mask = np.float32(_noisy(8, 9, 1) > 0.5)
    sigma = np.float32([0.1, 0.2])
    restored, details = rim_tf.restore(
        model, observation, Inpainting(mask), sigma, num_steps=3, details=True
    )
    np.testing.assert_array_equal(
        restored, rim_tf.restore(model, observation, Inpainting(mask), sigma, 3)
    )
    assert details[:2] == (3, "num_steps")
    squares = np.square(observation - restored) * mask
    residual = np.sqrt(squares.sum(axis=(1, 2, 3)) / mask.sum()) / sigma
    np.testing.assert_allclose(details.residual, residual, rtol=1e-5)


def test_residual_where_there_is_no_noise_is_infinite(model):
    _, details = rim_tf.restore(model, _noisy(1, 8, 8, 1), sigma=0, details=True)
    assert details.residual == [np.inf]


class Decay(keras.layers.Layer):
    """A cell that moves eta by less and less, whatever it sees."""

    def call(self, inputs, states):
        factor = states[0] if states else keras.ops.ones_like(inputs[..., :1])
        return 0.2 * factor, [0.8 * factor]

    def get_initial_state(self, batch_size, height, width):
        return []


class Descent(keras.layers.Layer):
    """A cell that descends along the gradient of the likelihood."""

    sees_sigma = False

    def call(self, inputs, states):
        return 0.004 * inputs[..., -1:], states

    def get_initial_state(self, batch_size, height, width):
        return []


@pytest.mark.parametrize(
    ("forward_model", "limit"),
    [
        (rim_tf.Denoising(), 0.7 / 255),
        (3 * rim_tf.Denoising(), 0.7 / 255),
        (Blur(np.full((3, 3), 1 / 9)), 0.2 / 255),
    ],
    ids=str,
)
def test_auto_stops_where_the_estimate_settles(forward_model, limit):
    model = rim_tf.RIM(Decay(), num_steps=20)
    observation = forward_model.forward(np.full((2, 8, 8, 1), 0.5, np.float32))
    problem = (model, observation, forward_model, 0.02)
    estimates = np.stack(list(rim_tf.restoration.iterate(*problem, 30)))
    changes = np.sqrt(np.square(np.diff(estimates, axis=0)).mean(axis=(2, 3, 4))).max(1)
    # The first change is that of the second step.
    expected = 2 + int(np.argmax(changes < limit))
    assert 8 < expected < 30
    restored, details = rim_tf.restore(*problem, "auto", details=True)
    assert details[:2] == (expected, "settled")
    np.testing.assert_array_equal(restored, estimates[expected - 1])


@pytest.mark.parametrize("sees_sigma", [False, True])
def test_auto_stops_where_the_estimate_fits_the_noise(sees_sigma):
    """But for a network that is told how much there is."""
    model = rim_tf.RIM(Descent(), num_steps=40)
    model.cell.sees_sigma = sees_sigma
    blur = Blur(np.full((3, 3), 1 / 9))
    rng = np.random.default_rng(0)
    clean = rng.uniform(0.2, 0.8, (1, 16, 16, 1))
    observation = np.asarray(blur.forward(clean)) + 0.1 * rng.normal(size=clean.shape)
    problem = (model, observation, blur, 0.1)
    residuals = [
        np.sqrt(np.square(observation - blur.forward(estimate)).mean()) / 0.1
        for estimate in rim_tf.restoration.iterate(*problem, 60)
    ]
    expected = 1 + int(np.argmax(np.array(residuals) < 0.95))
    assert 8 < expected < 60
    _, details = rim_tf.restore(*problem, "auto", details=True)
    if sees_sigma:
        assert details.num_steps > expected
        assert details.reason == "settled"
        return
    assert details[:2] == (expected, "fits the noise")
    assert details.residual == pytest.approx(residuals[expected - 1], rel=1e-4)


def test_auto_ends_in_any_case(model):
    _, details = rim_tf.restore(
        model, _noisy(1, 8, 8, 1), sigma=0.1, num_steps="auto", details=True
    )
    # Of 1.5 times 4 steps, which are fewer than those that it takes at least.
    assert details[:2] == (6, "num_steps")


def test_only_denoising_needs_sigma(model):
    observation = _noisy(1, 8, 8, 1)
    blur = Blur(np.full((3, 3), 1 / 9))
    np.testing.assert_array_equal(
        rim_tf.restore(model, observation, blur),
        rim_tf.restore(model, observation, blur, sigma=0.0),
    )
    assert rim_tf.restore(model, observation, sigma=0).shape == (1, 8, 8, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rim_denoise", _noisy(1, 8, 8, 1)), "got 'rim_denoise'; .*load_pretrained"),
        ((None, _noisy(1, 8, 8, 1), 0.1), "forward_model must be .* got 0.1"),
        ((None, _noisy(1, 8, 8, 1), rim_tf.Denoising), "got <class .*Denoising"),
    ],
)
def test_arguments_of_another_type_are_named(model, arguments, message):
    first, *others = arguments
    with pytest.raises(TypeError, match=message):
        rim_tf.restore(first or model, *others)


def test_a_missing_pixel_may_hold_nan(model):
    mask = np.ones((16, 16, 1))
    mask[8, 8] = 0
    observation = np.full((1, 16, 16, 1), 0.5, np.float32)
    observation[0, 8, 8] = 0
    expected = rim_tf.restore(model, observation, Inpainting(mask))
    observation[0, 8, 8] = np.nan
    restored = rim_tf.restore(model, observation, Inpainting(mask))
    np.testing.assert_array_equal(restored, expected)


def test_any_byte_order(model):
    """As arrays of FITS files have it."""
    observation, mask = _noisy(1, 8, 8, 1), np.float32(_noisy(8, 8, 1) > 0.5)
    swapped = (
        observation.astype(">f4"),
        Inpainting(mask.astype(">f4")),
        np.array(0.1, ">f8"),
    )
    np.testing.assert_array_equal(
        rim_tf.restore(model, *swapped),
        rim_tf.restore(model, observation, Inpainting(mask), 0.1),
    )


class _Doubles(ForwardModel):
    """A user's operator that computes in NumPy's float64."""

    def forward(self, image):
        return np.float64(keras.ops.convert_to_numpy(image))

    adjoint = forward


def test_an_operator_may_compute_in_double_precision(model):
    observation = _noisy(2, 8, 8, 1)
    check_adjoint(_Doubles(), (2, 8, 8, 1))
    np.testing.assert_allclose(
        rim_tf.restore(model, observation, _Doubles(), 0.1),
        rim_tf.restore(model, observation, rim_tf.Denoising(), 0.1),
        rtol=1e-5,
    )


def test_starts_by_conjugate_gradients(model):
    """Another first estimate, on the scale of the largest singular value of 1."""
    blur = Blur(np.full((5, 5), 0.08, np.float32))
    clean = np.random.default_rng(0).uniform(size=(1, 16, 16, 1)).astype("float32")
    observation = keras.ops.convert_to_numpy(blur.forward(clean))
    plain, started, scaled = (
        rim_tf.restore(model, c * observation, c * blur, c * 0.01, 1, start=start)
        for c, start in ((1, "model"), (1, "cg"), (3, "cg"))
    )
    assert np.abs(started - plain).max() > 0.01
    np.testing.assert_allclose(scaled, started, atol=1e-4)
    with pytest.raises(ValueError, match=r"start must be one of .*, not 'mean'"):
        rim_tf.restore(model, observation, blur, 0.01, start="mean")


@pytest.mark.parametrize("fills_pixels", [True, False])
def test_conjugate_gradients_begin_where_the_network_has_learnt_to(
    fills_pixels, monkeypatch
):
    """At missing pixels that are filled, or at A^T y."""
    monkeypatch.setattr(conjugate_gradients, "_STEPS", 0)
    inpainting = Inpainting.random((8, 8), 0.6)
    clean = np.random.default_rng(0).uniform(size=(1, 8, 8, 1)).astype("float32")
    observation = keras.ops.convert_to_numpy(inpainting.forward(clean))
    cell = RIMCell(features=2, state_features=3)
    rim = rim_tf.RIM(cell, num_steps=1, fills_pixels=fills_pixels)
    plain, started = (
        rim_tf.restore(rim, observation, inpainting, 0.01, start=start)
        for start in ("model", "cg")
    )
    np.testing.assert_allclose(started, plain, atol=1e-5)


def test_ensemble_is_the_mean_over_flips_and_turns(model):
    noisy = np.random.default_rng(0).random((2, 12, 15, 1), np.float32)

    def denoise(images, **how):
        return restoration.restore(model, images, sigma=0.1, num_steps=2, **how)

    made = denoise(noisy, ensemble=True)
    expected = np.zeros_like(noisy)
    for flip in (lambda a: a, np.fliplr, np.flipud, lambda a: a[::-1, ::-1]):
        for turn in (lambda a: a, lambda a: np.swapaxes(a, 0, 1)):
            turned = np.stack([turn(flip(image)) for image in noisy])
            back = np.stack([flip(turn(image)) for image in denoise(turned)])
            expected += back / 8
    np.testing.assert_allclose(made, expected, atol=1e-6)
    assert np.abs(made - denoise(noisy)).max() > 1e-4
    # An observation flipped gives the estimate flipped.
    flipped = denoise(noisy[:, :, ::-1], ensemble=True)
    np.testing.assert_allclose(flipped, made[:, :, ::-1], atol=1e-6)


def test_ensemble_has_no_other_start(model):
    with pytest.raises(ValueError, match="start must be one of"):
        restoration.restore(
            *(model, np.zeros((1, 8, 8, 1), np.float32)),
            sigma=0.1,
            ensemble=True,
            start="mean",
        )


@pytest.mark.parametrize(
    "how", [{"forward_model": Inpainting(np.ones((8, 8, 1)))}, {"details": True}]
)
def test_ensemble_that_cannot_be_is_refused(model, how):
    with pytest.raises(ValueError, match=r"^ensemble "):
        restoration.restore(
            model, np.zeros((1, 8, 8, 1)), sigma=0.1, ensemble=True, **how
        )
