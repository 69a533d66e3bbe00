"""Tests of exported graphs: they restore as the model does, without the package."""

import warnings

import keras
import numpy as np
import pytest

import rim_tf
from rim_tf import exporting
from rim_tf.forward_models import (
    BicubicDownsampling,
    Blur,
    Inpainting,
    Mosaic,
    Subsampling,
)

tf = pytest.importorskip("tensorflow")

_STEPS = 2


def _rim(channels=1, **kwargs):
    """A small RIM that moves its estimates."""
    keras.utils.set_random_seed(0)
    dtype = kwargs.pop("dtype", None)
    cell = rim_tf.cells.RIMCell(
        channels, features=3, state_features=4, dtype=dtype, **kwargs
    )
    rim = rim_tf.RIM(cell, num_steps=_STEPS, dtype=dtype)
    rim.build()
    kernel = cell.update.kernel
    kernel.assign(np.random.default_rng(0).normal(size=kernel.shape) * 0.3)
    return rim


def _super_resolution():
    rim = _rim(stride=1, dilation=2)
    rim.normalize = False
    return rim


def _uniform(*shape):
    return np.float32(np.random.default_rng(1).uniform(0.1, 0.9, shape))


def _served(path, *arguments):
    loaded = tf.saved_model.load(path)
    return loaded.serve(*arguments).numpy()


_SIZES = [(1, 8, 8), (2, 9, 13)]


@pytest.mark.parametrize(("channels", "sees_sigma"), [(1, True), (3, False)])
def test_a_saved_model_denoises_images_of_any_size(tmp_path, channels, sees_sigma):
    rim, path = _rim(channels, sees_sigma=sees_sigma), str(tmp_path / "saved")
    rim.export(path, verbose=False)
    results = []
    for size in _SIZES:
        for sigma in (0.02, 0.2):
            noisy, sigmas = _uniform(*size, channels), np.float32([sigma] * size[0])
            served = _served(path, noisy, sigmas)
            expected = rim_tf.restore(rim, noisy, sigma=sigma)
            np.testing.assert_allclose(served, expected, atol=1e-5)
            results.append(served)
    # Sigma counts.
    assert np.abs(results[0] - results[1]).max() > 1e-3


@pytest.mark.parametrize("factor", [2, 3])
def test_a_saved_model_enlarges_images_of_any_size(tmp_path, factor):
    rim, path = _super_resolution(), str(tmp_path / "saved")
    model = BicubicDownsampling(factor)
    rim.export(path, verbose=False, forward_model=model)
    for size in _SIZES:
        small = _uniform(*size, 1)
        served = _served(path, small, np.zeros(size[0], np.float32))
        expected = rim_tf.restore(rim, small, model)
        np.testing.assert_allclose(served, expected, atol=1e-4)


def test_a_saved_model_has_its_forward_model_steps_and_float32_inside(tmp_path):
    rim, path = _rim(3, dtype="mixed_bfloat16"), str(tmp_path / "saved")
    rim.export(path, verbose=False, forward_model=2 * Mosaic("RGGB"), num_steps=1)
    single = _rim(3)
    single.set_weights(rim.get_weights())
    raw = 2 * _uniform(1, 8, 10, 1)
    expected = rim_tf.restore(single, raw, 2 * Mosaic("RGGB"), 0.1, num_steps=1)
    loaded = tf.saved_model.load(path)
    restore = loaded.signatures["serving_default"]
    (served,) = restore(observation=tf.constant(raw), sigma=tf.constant([0.1])).values()
    np.testing.assert_allclose(served, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "model", "is_fixed"),
    [
        (_rim, None, False),
        (_super_resolution, BicubicDownsampling(2), False),
        (_super_resolution, BicubicDownsampling(2), True),
    ],
)
def test_litert_restores_with_its_own_operations(tmp_path, make, model, is_fixed):
    rim, path = make(), tmp_path / "model.tflite"
    shape = (1, 9, 12, 1)
    signature = [
        keras.InputSpec("float32", shape, name="observation"),
        keras.InputSpec("float32", (1,), name="sigma"),
    ]
    rim.export(
        path,
        format="litert",
        verbose=False,
        forward_model=model,
        input_signature=signature if is_fixed else None,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(str(path))
    operations = {o["op_name"] for o in interpreter._get_ops_details()}
    assert not {name for name in operations if name.startswith("Flex")}
    run = interpreter.get_signature_runner()
    for size in [shape] if is_fixed else [shape, (2, 8, 7, 1)]:
        observed = _uniform(*size)
        sigmas = np.full(size[0], 0.1, np.float32)
        (restored,) = run(observation=observed, sigma=sigmas).values()
        expected = rim_tf.restore(rim, observed, model, 0.1)
        np.testing.assert_allclose(restored, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filepath": "a.h5"}, r"a\.h5: .* Use model.save\(\"NAME.keras\"\)"),
        ({"filepath": "a.tflite"}, r'format="litert" end in .tflite'),
        ({"filepath": "a", "format": "litert"}, "got a of format='litert'"),
        (
            {"forward_model": Blur(np.ones((2, 2)) / 4, "symmetric")},
            "set its attribute norm",
        ),
        (
            {"forward_model": BicubicDownsampling(2, "symmetric")},
            "one size, or boundary='replicate'",
        ),
        ({"forward_model": Subsampling((2, 1))}, "give an input_signature of one size"),
    ],
)
def test_refuses(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    rim = _rim()
    rim.normalize = "Blur" in str(arguments.get("forward_model"))
    with pytest.raises(ValueError, match=message):
        rim.export(**{"filepath": "b", **arguments})
    assert not list(tmp_path.iterdir())


def test_refuses_what_is_no_forward_model_and_keras_old_format(tmp_path):
    with pytest.raises(TypeError, match="got 'bicubic'"):
        _rim().export(tmp_path / "a", forward_model="bicubic")
    with pytest.raises(ValueError, match=r"rim_tf\.save_pretrained for weights"):
        _rim().save(tmp_path / "a.h5")
    _rim().save(tmp_path / "a.keras")


def test_refuses_another_backend(tmp_path, monkeypatch):
    monkeypatch.setattr(exporting.backend, "writes_graphs", lambda: False)
    with pytest.raises(RuntimeError, match="set KERAS_BACKEND=tensorflow"):
        _rim().export(tmp_path / "a")


def test_a_mask_is_inside(tmp_path):
    mask = np.float32(np.random.default_rng(2).uniform(size=(8, 9, 1)) < 0.7)
    rim, path, model = _rim(), str(tmp_path / "saved"), Inpainting(mask)
    rim.export(path, verbose=False, forward_model=model)
    observed = mask * _uniform(1, 8, 9, 1)
    served = _served(path, observed, np.float32([0.05]))
    expected = rim_tf.restore(rim, observed, model, 0.05)
    np.testing.assert_allclose(served, expected, atol=1e-5)
