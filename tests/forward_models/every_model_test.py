"""What every forward model is asked: adjoint, shapes, dtypes, compilation."""

import re

import keras
import numpy as np
import pytest
from keras import ops

import rim_tf
from rim_tf.forward_models import (
    BicubicDownsampling,
    Blur,
    ForwardModel,
    FourierProjection,
    Inpainting,
    check_adjoint,
)
from tests.forward_models.cases import (
    ANY,
    IS_TENSORFLOW,
    MODELS,
    STATED,
    kernel,
    normal,
)


@pytest.fixture(name="case", params=MODELS)
def _case(request):
    return MODELS[request.param]()


def test_linear_and_adjoint(case):
    model, shape = case
    assert check_adjoint(model, shape, tolerance=1e-5) < 1e-5


@pytest.mark.skipif(not IS_TENSORFLOW, reason="JAX has no float64 by default")
def test_adjoint_in_double_precision(case):
    model, shape = case
    assert check_adjoint(model, shape, tolerance=1e-12, dtype="float64") < 1e-12


@pytest.mark.parametrize("name", MODELS)
def test_states_its_shapes(name):
    model, _ = MODELS[name]()
    stated = (model.image_shape, model.observation_shape)
    assert stated == STATED.get(name, (ANY, ANY))


@pytest.mark.parametrize("name", ["forward", "adjoint"])
def test_refuses_other_shapes(case, name):
    model, shape = case
    stated = model.image_shape
    if name == "adjoint":
        shape = tuple(model.forward(normal(shape)).shape)
        stated = model.observation_shape
    wrong_shapes = [shape[1:]]
    for axis, length in enumerate(stated, start=1):
        if length is not None:
            wrong_shapes.append((*shape[:axis], length + 1, *shape[axis + 1 :]))
    for wrong in wrong_shapes:
        message = rf"takes (images|observations) .* got {re.escape(str(wrong))}"
        with pytest.raises(ValueError, match=message):
            getattr(model, name)(normal(wrong))


@pytest.mark.parametrize("name", [name for name in MODELS if "per image" in name])
@pytest.mark.parametrize("number", [1, 3])
def test_operators_of_two_images_refuse_other_batches(name, number):
    model, shape = MODELS[name]()
    observed = model.forward(normal(shape)).shape
    message = f"has operators for 2 images, got {number}"
    with pytest.raises(ValueError, match=message):
        model.forward(normal((number, *shape[1:])))
    with pytest.raises(ValueError, match=message):
        model.adjoint(normal((number, *observed[1:])))


def test_refuses_integers(case):
    model, shape = case
    observed = tuple(model.forward(normal(shape)).shape)
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
    expected = ops.convert_to_numpy(model.forward(normal(shape)))
    half = model.forward(ops.cast(normal(shape), dtype))
    back = model.adjoint(half)
    for actual, wanted in ((half, expected), (back, model.adjoint(expected))):
        assert keras.backend.standardize_dtype(actual.dtype) == dtype
        wanted = ops.convert_to_numpy(wanted)
        actual = ops.convert_to_numpy(ops.cast(actual, "float32"))
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(actual, wanted, atol=tolerance * scale)


@pytest.mark.skipif(not IS_TENSORFLOW, reason="tf.data and tf.function")
def test_runs_in_tf_function_and_tf_data(case):
    import tensorflow as tf

    model, shape = case
    images = normal(shape)
    expected = np.asarray(model.adjoint(model.forward(images)))
    signature = [tf.TensorSpec((None, *shape[1:]), tf.float32)]
    compiled = tf.function(lambda x: model.adjoint(model.forward(x)), signature)
    np.testing.assert_allclose(compiled(images), expected, atol=1e-5)
    data = tf.data.Dataset.from_tensors(images).map(model.forward)
    (mapped,) = list(data.as_numpy_iterator())
    np.testing.assert_allclose(mapped, model.forward(images), atol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: FourierProjection.random((128, 128), 0.5),
        lambda: Inpainting.random((128, 128), 0.5),
        lambda: Blur(kernel(5, 5)),
        lambda: BicubicDownsampling(2),
    ],
)
def test_holds_a_few_images_at_most(make):
    """None of them is a matrix of 128^2 x 128^2."""
    model = make()
    model.adjoint(model.forward(normal((1, 128, 128, 1))))
    assert sum(np.size(value) for value in vars(model).values()) < 4 * 128**2


# One eager RIM for every number of channels; `restore` is what is compiled.
@pytest.fixture(name="rims", scope="module")
def _rims():
    keras.utils.set_random_seed(0)
    rims = {}
    for channels in (1, 2, 3):
        cell = rim_tf.cells.RIMCell(channels, features=3, state_features=4)
        rims[channels] = rim_tf.RIM(cell, num_steps=2)
        rims[channels].build()
        last = rims[channels].cell.update.kernel
        # Large enough to move the estimates.
        last.assign(0.3 * normal(last.shape))
    return rims


def test_restores_observations_of_every_model(case, rims):
    """The estimate is that of the RIM itself, and no copy of its start."""
    model, shape = case
    rim = rims[shape[-1]]
    image = np.random.default_rng(0).uniform(size=shape).astype("float32")
    observation = model.forward(image)
    restored = rim_tf.restore(rim, observation, model, sigma=0.1, normalize=False)
    estimates = rim(observation, sigma=0.1, forward_model=model)
    np.testing.assert_allclose(restored, estimates[-1], rtol=1e-4, atol=1e-5)
    assert restored.shape == shape
    start = rim.link.forward(rim.initial_eta(observation, model))
    assert np.abs(restored - np.asarray(start)).max() > 1e-3


class _Unstated(ForwardModel):
    """Skipped rows, some of them twice as large, whose norm nobody states."""

    def forward(self, image):
        return image[:, ::2] * ops.cast([[[2.0]], [[0.5]], [[1.0]]], image.dtype)

    def adjoint(self, observation):
        rows = observation * ops.cast([[[2.0]], [[0.5]], [[1.0]]], observation.dtype)
        return ops.reshape(
            ops.stack([rows, ops.zeros_like(rows)], axis=2), (-1, 6, *rows.shape[2:])
        )


@pytest.mark.parametrize("name", [*MODELS, "unstated"])
def test_scale_of_a_model_does_not_matter(name, rims):
    """The estimate for c A, c y and c sigma is that for A, y and sigma."""
    model, shape = MODELS[name]() if name in MODELS else (_Unstated(), (2, 6, 5, 1))
    check_adjoint(model, shape)
    image = np.random.default_rng(0).uniform(size=shape).astype("float32")
    observation = ops.convert_to_numpy(model.forward(image))
    expected = rim_tf.restore(rims[shape[-1]], observation, model, sigma=0.05)
    for factor in (0.1, 0.5, 2, 10):
        restored = rim_tf.restore(
            rims[shape[-1]], factor * observation, factor * model, sigma=factor * 0.05
        )
        # 1e-3 are 60 dB.
        np.testing.assert_allclose(restored, expected, atol=1e-3)
    as_it_is = rim_tf.restore(
        rims[shape[-1]], 10 * observation, 10 * model, sigma=0.5, normalize=False
    )
    assert np.abs(as_it_is - expected).max() > 3e-3
