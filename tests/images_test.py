"""Tests of image reading and colour conversion."""

import io
import struct
import zlib

import numpy as np
import pytest
import skimage.data
import tifffile
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
    for mode, suffix in (("L", "png"), ("CMYK", "jpg"), ("P", "bmp"), ("RGB", "ppm")):
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


def _png(bits, color_type, values, size=None):
    """Returns a PNG file; Pillow cannot write 16-bit colours."""

    def chunk(kind, data):
        checked = kind + data
        return (
            struct.pack(">I", len(data))
            + checked
            + struct.pack(">I", zlib.crc32(checked))
        )

    height, width = size or values.shape[:2]
    header = struct.pack(">2I5B", width, height, bits, color_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    chunks = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join([*chunks, chunk(b"IEND", b"")])


def _tiff(values, **how):
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, **how)
    return stream.getvalue()


def _saved(image, suffix, **how):
    stream = io.BytesIO()
    image.save(stream, suffix, **how)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("mode", "pixels"), [("I;16", np.uint16), ("I", np.int32), ("F", np.float32)]
)
def test_more_than_8_bits_are_refused(tmp_path, mode, pixels):
    image = Image.fromarray(np.zeros((4, 5), pixels))
    assert image.mode == mode
    image.save(tmp_path / "deep.tif")
    with pytest.raises(ValueError, match=r"deep\.tif .*more than 8 bits"):
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


# In a JPEG file they stand in a segment of their own.
@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_damaged_metadata_leave_a_picture_unturned(tmp_path, suffix):
    path = tmp_path / f"meta.{suffix}"
    Image.new("RGB", (9, 8)).save(path, exif=b"\x00\x08\x00\x02\x01\x12\x00\x03")
    with pytest.warns(UserWarning, match=rf"meta\.{suffix} has damaged metadata"):
        assert images.read_image(path).shape == (8, 9, 3)


def _with_short_idat():
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = _png(8, 2, noise)
    length = data.index(b"IDAT") - 4
    short = struct.unpack_from(">I", data, length)[0] - 100
    return data[:length] + struct.pack(">I", short) + data[length + 4 :]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no image", "it is no AVIF, BMP, .* convert it to PNG"),
        # Kinds of TIFF that Pillow does not know; a format of unknown depth.
        (_tiff(np.zeros((8, 9), np.float16)), "it is no AVIF, BMP, .* convert it"),
        (_saved(Image.new("RGB", (9, 8)), "SGI"), "it is no AVIF, BMP, .* convert it"),
        (_with_short_idat(), "broken PNG file"),
        (_with_short_idat()[:900], "truncated"),
        (
            _png(1, 0, np.zeros((9, 9), np.uint8), (13_000, 15_000)),
            "195000000 pixels.* into part",
        ),
        (b"P6 9 8 0\n", "maxval must be"),
        (b"P6 9 8 255\n", "truncated"),
    ],
)
def test_any_damage_is_one_line_that_names_the_file(tmp_path, data, reason):
    path = tmp_path / "mine.png"
    path.write_bytes(data)
    with pytest.raises(
        ValueError, match="mine.png cannot be read as an .*" + reason
    ) as error:
        images.read_image(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("error", [RuntimeError("a\nb"), KeyError(), IndexError("x")])
def test_whatever_pillow_raises_is_translated(tmp_path, monkeypatch, error):
    def fail(_):
        raise error

    Image.new("L", (1, 1)).save(tmp_path / "mine.png")
    monkeypatch.setattr(Image.Image, "load", fail)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    reason = {RuntimeError: "a b", KeyError: "KeyError", IndexError: "x"}[type(error)]
    with pytest.raises(ValueError, match=rf"mine\.png cannot .*: {reason}$"):
        images.read_image(tmp_path / "mine.png")
