"""Tests of choices about how the network restores."""

import numpy as np
import pytest
import skimage.data

from paper_experiments.choices import methods, restoring
from paper_experiments.choices.methods import Baseline, Network
from paper_experiments.choices.steps import OURS, NotMeasurableError, Photograph
from paper_experiments.common import provenance
from rim_tf import bicubic, images, pretrained, restoration

_PHOTOGRAPH = Photograph("a", 1, skimage.data.chelsea()[100:124, 200:226])
_CHOICES = {choice.name: choice for choice in restoring.CHOICES}


@pytest.fixture(name="network")
def _network(small_weights):
    return Network(str(small_weights), str(small_weights), "float32", 3)


@pytest.mark.parametrize("choice", restoring.CHOICES, ids=lambda choice: choice.name)
def test_each_choice_makes_another_estimate(choice, network):
    assert choice.for_network
    for condition, steps in choice.steps().items():
        if condition in ("x2", "x4"):
            continue
        ours = OURS[condition].estimate(_PHOTOGRAPH, network, 0)
        made = steps.estimate(_PHOTOGRAPH, network, 0)
        assert made.shape == ours.shape
        # What a batch changes may be nothing.
        if (condition, choice.name) != ("x3", "bfloat16") and choice.name != "batch":
            assert not np.array_equal(made, ours)
        assert np.abs(np.float64(made) - ours).mean() < (0.1 if made.max() <= 1 else 25)


def test_values_are_those_of_the_library(network, small_weights):
    model = pretrained.load_pretrained(small_weights, "float32")
    noisy = np.random.default_rng(0).random((20, 22, 1), np.float32)
    for name, settings in {
        "steps_5": {"num_steps": 5},
        "steps_50": {"num_steps": 50},
        "ensemble": {"num_steps": 3, "ensemble": True},
    }.items():
        (expected,) = restoration.restore(model, noisy[None], sigma=0.1, **settings)
        made = _CHOICES[name].denoising["denoise"](network, noisy, 0.1)
        np.testing.assert_allclose(made, expected, atol=1e-6)
    made = _CHOICES["shifted"].denoising["denoise"](network, noisy, 0.1)
    wider = np.concatenate([noisy[:1], noisy])
    wider = np.concatenate([wider[:, :1], wider], axis=1)
    (expected,) = restoration.restore(model, wider[None], sigma=0.1, num_steps=3)
    np.testing.assert_allclose(made, expected[1:, 1:], atol=1e-6)


def test_a_batch_is_of_four(network, monkeypatch):
    shapes = []

    def restore(model, observation, **settings):
        shapes.append(observation.shape)
        return observation

    monkeypatch.setattr(methods, "restore", restore)
    noisy = np.random.default_rng(0).random((20, 22, 1), np.float32)
    made = _CHOICES["batch"].denoising["denoise"](network, noisy, 0.1)
    assert shapes == [(4, 20, 22, 1)]
    np.testing.assert_array_equal(made, noisy)


def test_enlarging_is_that_of_the_library(network):
    small = bicubic.imresize_uint8(_PHOTOGRAPH.rgb, (12, 13))
    made = network.enlarge(small, 2, images.to_luminance)
    assert (made.shape, made.dtype) == ((24, 26, 1), np.uint8)
    clean = images.to_luminance(_PHOTOGRAPH.rgb)
    assert np.abs(np.float64(made) - clean).mean() < 20


def test_what_is_measured_anyway_is_no_choice(network):
    noisy = np.zeros((4, 4, 1), np.float32)
    with pytest.raises(NotMeasurableError, match="anyway"):
        restoring.denoise_as({"num_steps": 3}, network, noisy, 0.1)


@pytest.mark.parametrize(("package", "matters"), [("jax", False), ("keras", True)])
def test_fingerprints_know_what_estimates_depend_on(
    package, matters, network, monkeypatch
):
    """What one environment lacks is measured in another, of the same values."""
    both = Baseline(), network
    before = [method.fingerprint() for method in both]
    other = {**provenance.versions(), package: "0.1"}
    monkeypatch.setattr(provenance, "versions", lambda: other)
    after = [method.fingerprint() for method in both]
    assert [a != b for a, b in zip(after, before, strict=True)] == [matters, matters]


def test_networks_with_other_settings_have_other_fingerprints(network):
    assert network.fingerprint() == Network(*network_fields(network)).fingerprint()
    other = Network(network.denoiser, network.enlarger, "float32", 4)
    assert other.fingerprint() != network.fingerprint()


def network_fields(network):
    return network.denoiser, network.enlarger, network.dtype, network.num_steps
