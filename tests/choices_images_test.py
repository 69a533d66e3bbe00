"""Tests of choices about the images."""

import numpy as np
import pytest
import skimage.data
from PIL import Image

from paper_experiments.choices import images
from paper_experiments.choices.steps import OURS, NotMeasurableError, Photograph
from rim_tf.images import to_luminance, to_rgb

# Of all colours, since in most pixels of a photograph weights round alike.
_COLORS = np.random.default_rng(0).integers(0, 256, (49, 61, 3), np.uint8)
_CHOICES = {choice.name: choice for choice in images.CHOICES}


@pytest.fixture(name="photograph")
def _photograph(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(skimage.data.chelsea()[100:149, 200:261]).save(path, quality=75)
    return Photograph("a", 1, np.asarray(Image.open(path)), path)


def _truth(steps, photograph):
    """Returns the true image, and what is made of it: levels from 0 to 255."""
    if hasattr(steps, "gray"):
        return [steps.gray(steps.decode(photograph))]
    large = steps.large(photograph)
    return [steps.luminance(large), steps.shrink(large, steps.factor)]


@pytest.mark.parametrize("choice", images.CHOICES, ids=lambda choice: choice.name)
def test_each_choice_makes_other_images(choice, photograph):
    if choice.made_by is None:
        pytest.skip("not installed")
    if choice.denoising is None or "decode" not in choice.denoising:
        photograph = photograph._replace(rgb=_COLORS)
    made = choice.steps()
    assert made
    for condition, steps in made.items():
        ours = _truth(OURS[condition], photograph)
        differ = [
            a.shape != b.shape or (np.abs(np.float64(a) - b) > 0.01).any()
            for a, b in zip(_truth(steps, photograph), ours, strict=True)
        ]
        assert any(differ), condition


@pytest.mark.parametrize("name", ["tensorflow_jpeg", "saved_again"])
def test_decoders_make_nearly_the_same_image(name, photograph):
    made = _CHOICES[name].denoising["decode"](photograph)
    assert made.shape == photograph.rgb.shape
    assert np.abs(np.float64(made) - photograph.rgb).mean() < 5


def test_a_decoder_needs_the_file(photograph):
    with pytest.raises(NotMeasurableError, match="JPEG file"):
        images.tensorflow_jpeg(photograph._replace(jpeg=None))


def test_grey_of_a_known_colour():
    red = np.full((1, 1, 3), [200, 100, 0], np.uint8)
    expected = {
        "four_digits": 118,
        "pillow_gray": 118,
        "skimage_gray": 114.04,
        "channel_mean": 100,
        "green": 100,
    }
    for name, value in expected.items():
        (made,) = _CHOICES[name].denoising["gray"](red).ravel()
        assert made == pytest.approx(value, abs=0.01), name


def test_luminance_of_the_full_range():
    white = np.full((2, 2, 3), 255, np.uint8)
    assert (images.full_range(white) == 255).all()
    assert images.full_range(white).shape == (2, 2, 1)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_uncropped_images_become_small_with_sizes_rounded_up(factor):
    small = images.shrink_any_size(_COLORS, factor)
    assert small.shape == (-(-49 // factor), -(-61 // factor), 3)


def test_colour_of_a_network_is_its_luminance_and_bicubic_chroma():
    class Network:
        name = "network"

        def enlarge(self, small, factor, luminance):
            assert luminance is to_luminance
            return np.full((48, 60, 1), 126, np.uint8)

    small = np.full((24, 30, 3), (200, 100, 50), np.uint8)
    made = images.enlarge_in_color(Network(), small, 2, to_rgb)
    assert made.shape == (48, 60, 3)
    assert made.dtype == np.uint8
    np.testing.assert_allclose(to_luminance(made), 126, atol=1)
    # As red as it was.
    np.testing.assert_allclose(made[0, 0, 0] - made[0, 0, 1], 100, atol=3)
