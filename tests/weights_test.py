"""The shipped weights restore two photographs as well as when they were shipped."""

import numpy as np
import pytest
import skimage.data

import rim_tf
from paper_experiments.common import denoising, image_sets, super_resolution
from paper_experiments.common.observations import Observations
from rim_tf import images, pretrained

_SIZE = 96
_NUM_STEPS = 10
_TOLERANCE = 0.02
# PSNR in dB of the details below, measured in float32.
_DENOISING = {
    "ffn_3task": ("gray", False, (28.961, 27.845)),
    "gdn_3task": ("gray", False, (21.715, 21.213)),
    "rim_3task": ("gray", False, (30.034, 28.570)),
    "rim_denoise": ("gray", False, (30.420, 28.834)),
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


@pytest.mark.parametrize("name", ["gdn_3task", "ffn_3task"])
def test_networks_of_figure_3_were_trained_alike(name):
    assert _trainings(name) == _trainings("rim_3task")


@pytest.fixture(name="photographs")
def _photographs():
    details = {
        "astronaut": skimage.data.astronaut()[100 : 100 + _SIZE, 180 : 180 + _SIZE],
        "chelsea": skimage.data.chelsea()[100 : 100 + _SIZE, 100 : 100 + _SIZE],
    }
    return image_sets.TestImages(
        "details", details, {name: i for i, name in enumerate(details)}, {}
    )


@pytest.mark.parametrize("name", _DENOISING)
def test_denoises(photographs, name):
    color, quantized, expected = _DENOISING[name]
    model = rim_tf.load_pretrained(name, "float32")
    observations = Observations(photographs, 25, color, quantized, seed=0)
    psnr, _ = denoising._restore_all(model, observations, _NUM_STEPS, name)
    measured = list(psnr.values())
    np.testing.assert_allclose(measured, expected, atol=_TOLERANCE)


@pytest.mark.parametrize("name", _SUPER_RESOLUTION)
def test_super_resolution(photographs, name):
    model = rim_tf.load_pretrained(name, "float32")
    measured = []
    for image in photographs.images.values():
        pair = super_resolution.pair(image, 3)
        estimate = rim_tf.restore(
            model,
            pair.observation[None],
            rim_tf.forward_models.BicubicDownsampling(3),
            num_steps=_NUM_STEPS,
        )
        luminance = images.to_8_bits(estimate[0])
        measured.append(pair.quality(luminance).psnr)
    np.testing.assert_allclose(measured, _SUPER_RESOLUTION[name], atol=_TOLERANCE)


def test_all_weights_are_tested():
    assert {*_DENOISING, *_SUPER_RESOLUTION} == {*pretrained.available()}
