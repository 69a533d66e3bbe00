"""The shipped weights restore two photographs as well as when they were shipped."""

import numpy as np
import pytest
import skimage.data

import rim_tf
from rim_tf import bicubic, images, metrics, noise, pretrained

_SIZE = 96
_NUM_STEPS = 10
_SIGMA = 25 / 255
_FACTOR = 3
_TOLERANCE = 0.02
# PSNR in dB of the details below, measured in float32.
_DENOISING = {
    "ffn_3task": ("gray", False, (28.961, 27.845)),
    "ffn_3task_paper": ("gray", False, (26.175, 26.782)),
    "gdn_3task": ("gray", False, (21.715, 21.213)),
    "gdn_3task_paper": ("gray", False, (20.378, 20.474)),
    "rim_3task": ("gray", False, (30.034, 28.570)),
    "rim_3task_paper": ("gray", False, (27.277, 27.158)),
    "rim_any": ("gray", False, (29.981, 28.535)),
    "rim_denoise": ("gray", False, (30.420, 28.834)),
    "rim_denoise_paper": ("gray", False, (29.814, 28.511)),
    "rim_denoise_quantized": ("gray", True, (30.275, 28.792)),
    "rim_rgb_denoise": ("rgb", True, (31.450, 30.463)),
}
_SUPER_RESOLUTION = {"rim_super_resolution": (32.281, 30.309)}


# Of a training; all else is the same for the three networks of Figure 3.
_OWN = {
    "name",
    "initial_weights",
    "seconds",
    "runs",
    "validation_psnr",
    "best_after_updates",
    "recipe",
    "command",
}


def _trainings(name):
    """Returns what was the same in all trainings of shipped weights, the last first."""
    training = pretrained.read_history(name)
    trainings = []
    while training:
        common = {key: value for key, value in training.items() if key not in _OWN}
        trainings.append(common)
        training = training.get("initial_weights")
    return trainings


@pytest.mark.parametrize("recipe", ["3task", "3task_paper"])
@pytest.mark.parametrize("network", ["gdn", "ffn"])
def test_networks_of_figure_3_were_trained_alike(network, recipe):
    trained = _trainings(f"{network}_{recipe}")
    assert trained == _trainings(f"rim_{recipe}")
    assert trained[0]["settings"]["seed"] == {"3task": 4, "3task_paper": 0}[recipe]


@pytest.fixture(name="photographs")
def _photographs():
    """Details of an astronaut and a cat, `(2, 96, 96, 3)` uint8."""
    return np.stack(
        [
            skimage.data.astronaut()[100 : 100 + _SIZE, 180 : 180 + _SIZE],
            skimage.data.chelsea()[100 : 100 + _SIZE, 100 : 100 + _SIZE],
        ]
    )


@pytest.mark.parametrize("name", _DENOISING)
def test_denoises(photographs, name):
    color, quantized, expected = _DENOISING[name]
    convert = images.COLOR_CONVERSIONS[color]
    clean = np.stack([np.float32(convert(image)) / 255 for image in photographs])
    normal = [
        np.random.default_rng([0, number]).standard_normal(image.shape, np.float32)
        for number, image in enumerate(clean)
    ]
    noisy = clean + np.float32(_SIGMA) * np.stack(normal)
    if quantized:
        noisy = noise.round_to_8_bits(noisy, np)
    model = rim_tf.load_pretrained(name, "float32")
    restored = rim_tf.restore(model, noisy, sigma=_SIGMA, num_steps=_NUM_STEPS)
    measured = metrics.psnr(restored, clean)
    np.testing.assert_allclose(measured, expected, atol=_TOLERANCE)


def _luminances(photographs):
    return np.stack([images.to_luminance(image) for image in photographs])


@pytest.mark.parametrize("name", _SUPER_RESOLUTION)
def test_super_resolution(photographs, name):
    """As the literature measures it: the luminance, without a border."""
    size = (_SIZE // _FACTOR, _SIZE // _FACTOR)
    small = [bicubic.imresize_uint8(image, size) for image in photographs]
    model = rim_tf.load_pretrained(name, "float32")
    restored = rim_tf.restore(
        model,
        np.float32(_luminances(small)) / 255,
        rim_tf.forward_models.BicubicDownsampling(_FACTOR),
        num_steps=_NUM_STEPS,
    )
    inside = slice(_FACTOR, -_FACTOR)
    measured, clean = (
        luminance[:, inside, inside] / 255
        for luminance in (images.to_8_bits(restored), _luminances(photographs))
    )
    expected = _SUPER_RESOLUTION[name]
    psnr = metrics.psnr(measured, clean)
    np.testing.assert_allclose(psnr, expected, atol=_TOLERANCE)


def test_all_weights_are_tested():
    assert {*_DENOISING, *_SUPER_RESOLUTION} == {*pretrained.available()}
