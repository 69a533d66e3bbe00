"""Tests of the protocol of super-resolution, with published numbers as the oracle."""

import numpy as np
import pytest
import skimage.data
from PIL import Image

from paper_experiments import image_sets, super_resolution
from paper_experiments.user_errors import UserError
from rim_tf import bicubic, images


def _test_images(image, image_id="a"):
    return image_sets.TestImages(
        "mine", {image_id: image}, {image_id: 0}, {"mine": [image_id]}
    )


def test_bicubic_on_the_first_images(bsds300_images):
    """Those of bicubic_test.py are the means over all 100; these are of the first."""
    data_dir = bsds300_images.parents[1]
    test = image_sets.load_test_images("bsds300", str(data_dir), None)
    folder = data_dir / "SelfExSR_BSD100_LR"
    if not folder.is_dir():
        pytest.skip("MATLAB's low-resolution images are not in ../shared/data")
    for image_id in list(test.images)[:3]:
        for factor in super_resolution.FACTORS:
            ours = super_resolution.pair(test, image_id, factor, None)
            matlabs = super_resolution.pair(test, image_id, factor, str(folder))
            np.testing.assert_array_equal(ours.small, matlabs.small)


def test_quality():
    image = skimage.data.astronaut()[:61, 150:251]
    pair = super_resolution.pair(_test_images(image), "a", 3, None)
    assert pair.large.shape == (60, 99, 3)
    assert pair.small.shape == (20, 33, 3)
    assert pair.observation.shape == (20, 33, 1)
    assert pair.bicubic.shape == pair.large.shape
    perfect = pair.quality(pair.clean)
    assert (perfect.psnr, perfect.ssim) == (np.inf, pytest.approx(1.0))
    # What is wrong in the border does not count; a level of one everywhere does.
    wrong = pair.clean.copy()
    wrong[:3], wrong[:, -3:] = 0, 0
    assert pair.quality(wrong) == perfect
    shifted = pair.quality(pair.clean + np.uint8(1))
    assert shifted.psnr == pytest.approx(20 * np.log10(255))
    bicubic = pair.quality(images.to_luminance(pair.bicubic))
    assert 20 < bicubic.psnr < 35
    assert 0.5 < bicubic.ssim < 0.99


def test_low_resolution_images_that_do_not_fit(tmp_path):
    test = _test_images(skimage.data.astronaut()[:60, :60])
    with pytest.raises(UserError, match=r"--lr_dir: .*LR\.png"):
        super_resolution.pair(test, "a", 2, str(tmp_path))
    (tmp_path / "x2").mkdir()
    path = tmp_path / "x2" / "img_001_SRF_2_LR.png"
    Image.new("RGB", (30, 29)).save(path)
    with pytest.raises(UserError, match="smaller has"):
        super_resolution.pair(test, "a", 2, str(tmp_path))
    # Another kernel; and a few pixels that were rounded differently.
    image = Image.fromarray(test.images["a"])
    image.resize((30, 30), Image.Resampling.BOX).save(path)
    with pytest.raises(UserError, match=r"LR\.png is not image a made small by MATLAB"):
        super_resolution.pair(test, "a", 2, str(tmp_path))
    small = super_resolution.pair(test, "a", 2, None).small.copy()
    small[0, :5] ^= 1
    Image.fromarray(small).save(path)
    read = super_resolution.pair(test, "a", 2, str(tmp_path))
    np.testing.assert_array_equal(read.small, small)


def test_newer_releases_of_matlab_mirror_the_border(tmp_path):
    test = _test_images(skimage.data.astronaut()[:60, :60])
    (tmp_path / "x4").mkdir()
    small = bicubic.imresize_uint8(test.images["a"], (15, 15), "symmetric")
    Image.fromarray(small).save(tmp_path / "x4" / "img_001_SRF_4_LR.png")
    read = super_resolution.pair(test, "a", 4, str(tmp_path))
    np.testing.assert_array_equal(read.small, small)


@pytest.mark.parametrize("factor", super_resolution.FACTORS)
def test_smallest_images(factor):
    """SSIM is a number for the smallest image that counts as large enough."""
    size = next(
        size
        for size in range(1, 60)
        if super_resolution.is_large_enough(np.zeros((size, 60, 3)), factor)
    )
    image = skimage.data.astronaut()[:size, :60]
    pair = super_resolution.pair(_test_images(image), "a", factor, None)
    assert pair.quality(pair.clean).ssim == pytest.approx(1.0)
