"""Tests of telling small images that were made without anti-aliasing."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

import rim_tf
from rim_tf import aliasing, bicubic, images
from rim_tf.cells import RIMCell
from rim_tf.forward_models import BicubicDownsampling

_PHOTOGRAPHS = ("astronaut", "chelsea", "rocket")
_FACTORS = (2, 3, 4)
_MATLABS = Path(__file__).parents[2] / "shared" / "data" / "SelfExSR_BSD100_LR"
# OpenCV's cubic kernel halfway between two pixels.
_HALFWAY = np.array([-0.09375, 0.59375, 0.59375, -0.09375])


def _opencv_cubic(image, factor):
    """As OpenCV's `INTER_CUBIC`: between two pixels, or the pixel in the middle."""
    if factor % 2:
        return image[factor // 2 :: factor, factor // 2 :: factor]
    for axis in (0, 1):
        # The second of four pixels in a row is the last before the middle.
        first = factor // 2 - 2 + factor * np.arange(image.shape[axis] // factor)
        last = image.shape[axis] - 1
        image = sum(
            weight * np.take(np.float64(image), np.clip(first + i, 0, last), axis)
            for i, weight in enumerate(_HALFWAY)
        )
    return images.round_to_uint8(image)


def _cropped(image, factor):
    height, width = (n - n % factor for n in image.shape[:2])
    return image[:height, :width]


def _matlab(image, factor):
    height, width = image.shape[:2]
    return bicubic.imresize_uint8(image, (height // factor, width // factor))


def _says(small):
    luminance = images.to_luminance(small)[np.newaxis] / 255
    (answer,) = aliasing.is_aliased(luminance)
    return answer


def test_opencv_kernel_is_opencvs():
    cv2 = pytest.importorskip("cv2")
    image = skimage.data.chelsea()[:60, :72]
    for factor in _FACTORS:
        size = (72 // factor, 60 // factor)
        expected = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
        made = _opencv_cubic(image, factor)
        difference = np.abs(np.int16(made) - expected)[1:-1, 1:-1]
        assert difference.max() <= 1


@pytest.mark.parametrize("factor", _FACTORS)
@pytest.mark.parametrize("name", _PHOTOGRAPHS)
def test_tells_photographs(name, factor):
    image = _cropped(getattr(skimage.data, name)(), factor)
    assert not _says(_matlab(image, factor))
    assert _says(_opencv_cubic(image, factor))
    assert _says(image[::factor, ::factor])


def test_every_image_of_a_batch_is_told():
    image = skimage.data.astronaut()[100:340, 150:390]
    small = np.stack([_matlab(image, 3), image[1::3, 1::3], _matlab(image, 3)])
    told = aliasing.is_aliased(np.stack([images.to_luminance(s) for s in small]) / 255)
    assert told.tolist() == [False, True, False]


def test_what_is_too_small_or_too_smooth_to_tell():
    noise = np.random.default_rng(0).random((1, 200, 23, 1))
    assert not aliasing.is_aliased(noise).any()
    assert aliasing.is_aliased(np.random.default_rng(0).random((1, 24, 24, 1))).all()
    # A smooth image of 8 bits: the finest detail is rounding.
    ramp = np.sin(np.linspace(0, 3, 100))[:, None] * np.linspace(0.2, 0.9, 120)
    rounded = images.to_8_bits(ramp)[np.newaxis, ..., np.newaxis] / 255
    assert not aliasing.is_aliased(rounded).any()


@pytest.mark.parametrize("factor", _FACTORS)
def test_no_error_in_the_hundred_of_matlab(factor):
    files = sorted((_MATLABS / f"x{factor}").glob("*.png"))
    if not files:
        pytest.skip("the images of MATLAB are not in ../shared/data")
    told = [_says(np.asarray(Image.open(file).convert("RGB"))) for file in files]
    assert (len(told), sum(told)) == (100, 0)


@pytest.mark.parametrize("factor", _FACTORS)
def test_finds_those_of_opencv(bsds300_images, factor):
    files = sorted((bsds300_images / "test").glob("*.jpg"))
    told = [
        _says(_opencv_cubic(_cropped(np.asarray(Image.open(f)), factor), factor))
        for f in files
    ]
    assert sum(told[:10]) >= 9
    assert sum(told) >= 97


@pytest.fixture(name="model")
def _model():
    rim = rim_tf.RIM(RIMCell(features=4, state_features=6), num_steps=1)
    rim.build()
    return rim


def _observations():
    clean = _cropped(skimage.data.astronaut()[100:340, 150:390], 3)
    for small in (_matlab(clean, 3), clean[1::3, 1::3]):
        yield np.float32(images.to_luminance(small))[np.newaxis] / 255


def test_restore_warns(model):
    matlab, aliased = _observations()
    with pytest.warns(UserWarning, match="made it, without anti-aliasing") as caught:
        rim_tf.restore(model, aliased, BicubicDownsampling(3))
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rim_tf.restore(model, matlab, BicubicDownsampling(3))
        # Noise has fine detail, too; and other forward models do not dampen any.
        rim_tf.restore(model, aliased, BicubicDownsampling(3), sigma=2 / 255)
        rim_tf.restore(model, aliased, BicubicDownsampling(1))
        rim_tf.restore(model, aliased, sigma=0.0)
