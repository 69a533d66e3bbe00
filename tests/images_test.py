"""Tests of image reading and colour conversion."""

import numpy as np
import pytest
import skimage.data
from PIL import Image

from rim_tf import images


def test_gray_uses_matlabs_full_precision_weights():
    # The usual weights, 0.2989 or 0.299 and so on, make 60 and 180 of the last two.
    pixel = np.array([[[255, 255, 255], [41, 48, 176], [89, 254, 42]]], np.uint8)
    assert images.to_gray(pixel)[0, :, 0].tolist() == [255, 61, 181]
    assert images.to_gray(pixel).dtype == np.uint8
    assert images.to_gray(pixel).shape == (1, 3, 1)


def test_gray_agrees_with_the_facts_about_the_68_images(bsds300_images):
    """Equality with other conversions is rare, and its frequency is known."""
    from data_prep.bsds300 import source

    like_pillow = like_four_digits = 0
    for image_id in source.read_ids("foe68_test_ids"):
        path = bsds300_images / "test" / f"{image_id}.jpg"
        rgb = images.read_image(path)
        gray = images.to_gray(rgb)[..., 0]
        pillow = np.asarray(Image.open(path).convert("L"))
        four_digits = np.floor(rgb @ np.array([0.2989, 0.5870, 0.1140]) + 0.5)
        assert np.abs(gray.astype(int) - pillow).max() <= 1
        like_pillow += (gray == pillow).all()
        like_four_digits += (gray == four_digits).all()
    assert (like_pillow, like_four_digits) == (29, 7)


def test_luminance_spans_16_to_235():
    pixels = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0]]], np.uint8)
    # MATLAB: rgb2ycbcr(uint8([255 0 0])) has Y = 81.
    assert images.to_luminance(pixels)[0, :, 0].tolist() == [16, 235, 81]


def test_read_image_gives_rgb(tmp_path):
    for mode, suffix in (("L", "png"), ("RGBA", "png"), ("P", "bmp"), ("RGB", "ppm")):
        path = tmp_path / f"{mode}.{suffix}"
        Image.new(mode, (5, 3)).save(path)
        image = images.read_image(path)
        assert image.shape == (3, 5, 3)
        assert image.dtype == np.uint8


def test_read_image_refuses_other_files(tmp_path):
    path = tmp_path / "text.png"
    path.write_text("not an image")
    with pytest.raises(ValueError, match=r"text\.png cannot be read"):
        images.read_image(path)


def test_list_images_is_sorted_and_ignores_other_files(tmp_path):
    for name in ("b.png", "a.JPG", "notes.txt"):
        (tmp_path / name).touch()
    assert [p.name for p in images.list_images(tmp_path)] == ["a.JPG", "b.png"]


def test_list_images_names_the_folder(tmp_path):
    with pytest.raises(ValueError, match="has no image"):
        images.list_images(tmp_path)
    with pytest.raises(ValueError, match="is not a folder"):
        images.list_images(tmp_path / "missing")


def test_true_luminance_and_chroma_of_a_gray_image_give_the_image():
    gray = np.repeat(skimage.data.camera()[:60, :60, None], 3, axis=2)
    restored = images.replace_luminance(gray // 2, images.to_luminance(gray))
    assert restored.shape == (60, 60, 3)
    # The luminance has 220 levels, so half a level is 1.2 / 2 of 255.
    np.testing.assert_allclose(255 * restored, gray, atol=1.7)


def test_own_luminance_gives_the_colour_image_itself():
    image = skimage.data.astronaut()[100:160, 180:240]
    restored = images.replace_luminance(image, images.to_luminance(image))
    np.testing.assert_allclose(255 * restored, image, atol=0.7)


@pytest.mark.parametrize(
    ("mode", "pixels"), [("I;16", np.uint16), ("I", np.int32), ("F", np.float32)]
)
def test_more_than_8_bits_are_refused(tmp_path, mode, pixels):
    image = Image.fromarray(np.zeros((4, 5), pixels))
    assert image.mode == mode
    image.save(tmp_path / "deep.tif")
    with pytest.raises(ValueError, match=r"deep\.tif has more than 8 bits"):
        images.read_image(tmp_path / "deep.tif")


def test_photographs_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # The camera was turned by 90 degrees.
    Image.new("RGB", (30, 20)).save(tmp_path / "turned.jpg", exif=exif)
    assert images.read_image(tmp_path / "turned.jpg").shape == (30, 20, 3)


def test_rounding():
    image = np.array([-0.1, 0.5 / 255, 0.49 / 255, 1.2])
    rounded = images.to_8_bits(image)
    assert rounded.dtype == np.uint8
    np.testing.assert_array_equal(rounded, [0, 1, 0, 255])


@pytest.mark.parametrize("convert", [images.to_gray, images.to_luminance])
@pytest.mark.parametrize(
    "image",
    [
        np.full((4, 4, 3), 0.5),
        np.full((4, 4, 3), 500, np.uint16),
        np.full((4, 4), 128, np.uint8),
        np.full((4, 4, 1), 128, np.uint8),
    ],
)
def test_conversions_refuse_other_arrays(convert, image):
    message = rf"\(height, width, 3\) of uint8, 0 to 255, got {image.dtype} of shape"
    with pytest.raises(ValueError, match=message):
        convert(image)
