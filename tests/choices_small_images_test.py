"""Tests of choices about how images are made small."""

import numpy as np
import pytest
import skimage.data

from paper_experiments.choices import small_images
from paper_experiments.choices.methods import Baseline
from paper_experiments.choices.steps import (
    OURS,
    NotMeasurableError,
    Photograph,
    shrink,
)

_RGB = skimage.data.chelsea()[100:148, 200:260]
_PHOTOGRAPH = Photograph("a", 1, _RGB)
_ENLARGED = {c.name: c for c in small_images.CHOICES if "enlarge" in c.super_resolution}
_CHOICES = [c for c in small_images.CHOICES if c.name != "opencv_enlarged"]
# The same kernel: what is near rounds otherwise, or treats the border otherwise.
_SAME_KERNEL = (
    *("newer_matlab", "pillow", "tensorflow", "keras", "jax", "torch_antialias"),
    "deepinv_matlab",
)


def _shrunk(choice, factor):
    if choice.made_by is None:
        pytest.skip("not installed")
    return choice.steps()[f"x{factor}"].shrink(_RGB, factor)


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("choice", _CHOICES, ids=lambda choice: choice.name)
def test_each_choice_makes_another_small_image(choice, factor):
    made, ours = _shrunk(choice, factor), shrink(_RGB, factor)
    assert made.shape == ours.shape
    assert made.dtype == np.uint8
    difference = np.abs(np.float64(made) - ours)[2:-2, 2:-2].mean()
    assert not np.array_equal(made, ours)
    assert difference < (0.5 if choice.name in _SAME_KERNEL else 30)


def test_the_whole_protocol_sees_it():
    choice = next(c for c in _CHOICES if c.name == "every_pixel")
    ours, made = OURS["x3"], choice.steps()["x3"]

    class Small:
        def enlarge(self, small, factor, luminance):
            return luminance(small)

    values = [steps.estimate(_PHOTOGRAPH, Small(), 0) for steps in (ours, made)]
    assert not np.array_equal(*values)


@pytest.mark.parametrize(("factor", "offset"), [(3, 1), (5, 2)])
@pytest.mark.parametrize("name", ["opencv_cubic", "tensorflow_default"])
def test_what_is_not_antialiased_takes_the_pixel_in_the_middle(name, factor, offset):
    choice = next(c for c in _CHOICES if c.name == name)
    if choice.made_by is None:
        pytest.skip("not installed")
    made = choice.super_resolution["shrink"](_RGB[:45, :60], factor)
    middle = _RGB[offset:45:factor, offset:60:factor]
    np.testing.assert_array_equal(made, middle)


@pytest.mark.parametrize("name", ["opencv_enlarged", "opencv_both"])
def test_enlarging_by_another_kernel(name):
    choice = _ENLARGED[name]
    if choice.made_by is None:
        pytest.skip("not installed")
    ours, made = OURS["x2"], choice.steps()["x2"]
    values = [
        steps.value(_PHOTOGRAPH, steps.estimate(_PHOTOGRAPH, Baseline(), 0))
        for steps in (ours, made)
    ]
    assert 0.01 < abs(values[0] - values[1]) < 3


def test_a_network_does_not_enlarge_by_opencv():
    steps = _ENLARGED["opencv_both"].steps()["x2"]
    with pytest.raises(NotMeasurableError):
        small_images.enlarge_by_opencv(_Network(), _RGB, 2, steps.luminance)


class _Network:
    name = "network"
