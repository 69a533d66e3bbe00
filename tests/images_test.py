"""Tests of image reading and colour conversion."""

import gc
import io
import os
import re
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

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


@pytest.mark.parametrize("name", images.COLOR_CONVERSIONS)
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((8, 9, 3), np.float32),
        ((8, 9, 3), np.uint16),
        ((8, 9), np.uint8),
        ((8, 9, 4), np.uint8),
        ((1, 8, 9, 3), np.uint8),
    ],
)
def test_conversions_refuse_other_arrays(name, shape, dtype):
    dtype = np.dtype(dtype)
    got = re.escape(f"3) of uint8, 0 to 255, got {dtype} of shape {shape}.")
    with pytest.raises(ValueError, match=got):
        images.COLOR_CONVERSIONS[name](np.zeros(shape, dtype))


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


@pytest.mark.filterwarnings("error")
def test_list_images_is_sorted_without_what_is_hidden_and_folders(tmp_path):
    for name in ("b.png", "a.JPG", "c.webp", "._a.png", ".DS_Store"):
        (tmp_path / name).touch()
    (tmp_path / "x.png").mkdir()
    names = [p.name for p in images.list_images(tmp_path)]
    assert names == ["a.JPG", "b.png", "c.webp"]


def test_list_images_names_what_it_leaves_out(tmp_path):
    for name in ("a.png", "1.heic", "2.tga", "3.cr2", "4.txt"):
        (tmp_path / name).touch()
    said = r"left out: 1\.heic, 2\.tga, 3\.cr2, \.\.\.; looked for \.avif"
    with pytest.warns(UserWarning, match=said):
        assert images.list_images(tmp_path) == [tmp_path / "a.png"]


# A link to nothing is no file that may be passed over.
def test_list_images_keeps_broken_links(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "gone.png")
    assert images.list_images(tmp_path) == [tmp_path / "a.png"]


def _tiff_of_tags(*more: tuple[int, int, int, int]) -> bytes:
    """A grey file of 9 x 8 pixels whose list of tags, the usual and `more`, is last."""
    gray = np.arange(72, dtype=np.uint8).tobytes()
    usual = {256: 9, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: 72}
    tags = [(name, 4, 1, value) for name, value in usual.items()]
    tags = [struct.pack("<HHII", *tag) for tag in [*tags, *more]]
    header = b"II*\0" + struct.pack("<I", 8 + len(gray))
    return header + gray + struct.pack("<H", len(tags)) + b"".join(tags) + bytes(4)


# Of damaged tags Pillow warns itself, by lines of its own source.
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "data",
    [
        *(_tiff_of_tags((316, 4, 1, 1))[:-cut] for cut in (1, 4, 5, 10, 17, 60)),
        _tiff_of_tags((316, 2, 90, 150)),
    ],
)
def test_a_tiff_that_ends_within_its_tags_is_refused(tmp_path, data):
    path = tmp_path / "cut.tif"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"cut\.tif cannot be read .* ends too early"):
        images.read_image(path)
    # Of a file that was left open Python warns now, by an error here.
    gc.collect()


@pytest.mark.filterwarnings("error")
def test_damaged_tags_are_left_out_with_a_word(tmp_path):
    path = tmp_path / "tags.tif"
    path.write_bytes(_tiff_of_tags((305, 2, 1_000, 10_000)))
    with pytest.warns(UserWarning, match=r"tags\.tif has damaged tags, which") as said:
        image = images.read_image(path)
    assert len(said) == 1 and said[0].filename == __file__
    np.testing.assert_array_equal(image[..., 0].ravel(), np.arange(72))


def _strip_of(width, height, held):
    """A grey file that declares one strip, which has fewer or more bytes."""
    usual = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1}
    usual |= {278: height, 279: held}
    tags = [struct.pack("<HHII", name, 4, 1, value) for name, value in usual.items()]
    header = b"II*\0" + struct.pack("<I", 8 + 1920)
    count = struct.pack("<H", len(tags))
    return header + bytes(range(240)) * 8 + count + b"".join(tags) + bytes(3_000)


def test_strips_that_are_those_of_the_picture_are_read(tmp_path):
    path = tmp_path / "strip.tif"
    path.write_bytes(_strip_of(40, 48, 1920))
    expected = np.resize(np.arange(240, dtype=np.uint8), (48, 40))
    np.testing.assert_array_equal(images.read_image(path)[..., 0], expected)


# Pillow takes zeros, or the bytes of the tags, for what is missing.
@pytest.mark.parametrize("size", [(40, 96), (40, 49), (41, 48), (8, 48), (40, 20)])
def test_strips_of_another_picture_are_refused(tmp_path, size):
    path = tmp_path / "strip.tif"
    path.write_bytes(_strip_of(*size, 1920))
    with pytest.raises(ValueError, match=r"strip\.tif .* it declares \d+ bytes of pix"):
        images.read_image(path)


@pytest.mark.filterwarnings("error")
def test_a_jpeg_with_cut_metadata_is_read_with_a_word(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "maker" * 20
    stream = io.BytesIO()
    Image.fromarray(np.uint8(np.arange(240).reshape(12, 20))).save(
        stream, "JPEG", exif=exif
    )
    data = stream.getvalue()
    begin = data.index(b"\xff\xe1")
    size = int.from_bytes(data[begin + 2 : begin + 4], "big")
    for kept in range(20, 60, 3):
        path = tmp_path / f"{kept}.jpg"
        path.write_bytes(
            data[: begin + 2]
            + kept.to_bytes(2, "big")
            + data[begin + 4 : begin + 2 + kept]
            + data[begin + 2 + size :]
        )
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            image = images.read_image(path)
        lines = [str(warning.message) for warning in said]
        is_turned = image.shape == (20, 12, 3)
        known = f"{path} has damaged metadata (EXIF); the picture is not turned."
        assert lines == [known] * (not is_turned), (kept, lines)


def test_filters_of_warnings_are_as_before_after_reading_in_threads(tmp_path):
    path = tmp_path / "tags.tif"
    path.write_bytes(_tiff_of_tags((305, 2, 1_000, 10_000)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = list(warnings.filters), warnings.showwarning
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(images.read_image, [path] * 200))
        assert (list(warnings.filters), warnings.showwarning) == before
    with pytest.warns(UserWarning, match="hello"):
        warnings.warn("hello", stacklevel=1)


def test_all_formats_are_listed():
    Image.init()
    formats = {Image.EXTENSION[suffix] for suffix in images.IMAGE_SUFFIXES}
    assert formats == set(images._FORMATS)


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


def _jpeg2000(bits, suffix):
    """Returns a JPEG 2000 file whose header says how many bits its colours have."""
    data = _saved(Image.new("RGB", (9, 8)), "JPEG2000", no_jp2=suffix == "j2k")
    size = data.index(b"\xff\x4f\xff\x51") + 42
    return (
        data[:size]
        + (bytes([bits - 1]) + data[size + 1 : size + 3]) * 3
        + data[size + 9 :]
    )


def _avif(flag, bits):
    """Returns an AVIF file whose header says how many bits its colours have."""
    data = _saved(Image.new("RGB", (9, 8)), "AVIF")
    flags = data.index(b"av1C") + 6
    data = data[:flags] + bytes([data[flags] | flag]) + data[flags + 1 :]
    return data.replace(
        b"pixi\0\0\0\0\3\x08\x08\x08", b"pixi\0\0\0\0\3" + bytes([bits]) * 3
    )


_DEEP = np.full((8, 9, 3), 1023, np.uint16)
_RAMP = np.linspace(0, 60_000, 3 * 8 * 9).reshape(3, 8, 9).astype(np.uint16)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("rgb.tif", _tiff(_DEEP, photometric="rgb")),
        ("packed.tif", _tiff(_DEEP, photometric="rgb", compression="zlib")),
        ("12_in_16.tif", _tiff(_DEEP[..., 0] * 4)),
        # Pillow gives the bytes of this one as pixels.
        ("planes.tif", _tiff(_RAMP, photometric="rgb", planarconfig="separate")),
        ("int32.tif", _tiff(np.int32(_RAMP[0]))),
        ("float.tif", _tiff(np.float32(_RAMP[0]))),
        ("gray.png", _png(16, 0, _DEEP[..., 0])),
        ("rgb.png", _png(16, 2, _DEEP)),
        ("gray_alpha.png", _png(16, 4, _DEEP[..., :2])),
        ("rgb.ppm", b"P6 9 8 1023\n" + _DEEP.astype(">u2").tobytes()),
        ("text.ppm", b"P3 9 8 1023\n" + b"1023 " * 3 * 72),
        ("gray.pgm", b"P5 9 8 65535\n" + _DEEP[..., 0].tobytes()),
        ("float.pfm", b"Pf 9 8 -1.0\n" + np.float32(_RAMP[0]).tobytes()),
        ("gray.jp2", _saved(Image.fromarray(_DEEP[..., 0]), "JPEG2000")),
        ("rgb.jp2", _jpeg2000(12, "jp2")),
        ("rgb.j2k", _jpeg2000(9, "j2k")),
        ("10.avif", _avif(0x40, 10)),
        ("12.avif", _avif(0x60, 12)),
    ],
)
def test_more_than_8_bits_are_refused(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"{name} .*more than 8 bits a channel; conv"):
        images.read_image(path)


def test_signed_numbers_are_refused(tmp_path):
    path = tmp_path / "int8.tif"
    path.write_bytes(_tiff(np.arange(-36, 36, dtype=np.int8).reshape(8, 9)))
    with pytest.raises(ValueError, match=r"int8\.tif .* numbers have signs; convert"):
        images.read_image(path)


def _gray_ramp():
    return np.arange(72, dtype=np.uint8).reshape(8, 9)


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        # 50 of 100 is 127.5 of 255; tifffile says that 0 is white.
        ("100.ppm", b"P6 9 8 100\n" + bytes([50]) * 3 * 72, 128),
        ("1.tif", _tiff(_gray_ramp() > 35), 255 * (_gray_ramp() <= 35)),
        ("gray.tif", _tiff(_gray_ramp()), _gray_ramp()),
        ("8.jp2", _jpeg2000(8, "jp2"), 0),
        ("8.avif", _avif(0, 8), 0),
        ("8.webp", _saved(Image.new("RGB", (9, 8), "white"), "WEBP"), 255),
        ("8.gif", _saved(Image.new("P", (9, 8)), "GIF"), 0),
    ],
)
def test_up_to_8_bits_are_read(tmp_path, name, data, expected):
    path = tmp_path / name
    path.write_bytes(data)
    image = images.read_image(path)
    assert image.dtype == np.uint8
    expected = np.broadcast_to(expected, (8, 9))
    np.testing.assert_array_equal(image, np.stack([expected] * 3, axis=-1))


def test_colours_in_planes(tmp_path):
    planes = np.uint8(_RAMP >> 8)
    (tmp_path / "planes.tif").write_bytes(
        _tiff(planes, photometric="rgb", planarconfig="separate")
    )
    image = images.read_image(tmp_path / "planes.tif")
    np.testing.assert_array_equal(image, np.moveaxis(planes, 0, -1))


@pytest.mark.parametrize("suffix", ["gif", "png", "tiff", "webp", "avif", "mpo"])
def test_says_that_the_first_of_several_pictures_is_read(tmp_path, suffix):
    first, *others = (Image.new("RGB", (9, 8), (i, i, i)) for i in (0, 100, 200))
    path = tmp_path / f"several.{suffix}"
    first.save(path, save_all=True, append_images=others)
    with pytest.warns(
        UserWarning, match=rf"several\.{suffix} holds 3 pictures; the fi"
    ):
        assert images.read_image(path).max() == 0


def test_says_that_channels_are_left_out(tmp_path):
    path = tmp_path / "two.tif"
    path.write_bytes(
        _tiff(
            np.ones((8, 9, 2), np.uint8),
            photometric="minisblack",
            planarconfig="contig",
        )
    )
    with pytest.warns(UserWarning, match=r"two\.tif holds 2 channels; read as L"):
        assert images.read_image(path).shape == (8, 9, 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_says_that_hidden_colours_are_shown(tmp_path, mode):
    image = Image.new("RGBA", (9, 8), (200, 200, 200, 0)).convert(mode)
    how = {"transparency": image.getpixel((0, 0))} if mode == "P" else {}
    image.save(tmp_path / "hidden.png", **how)
    with pytest.warns(UserWarning, match=r"hidden\.png is transparent in places"):
        assert (images.read_image(tmp_path / "hidden.png") == 200).all()


def _profile(space, tags=b"\0" * 4):
    """Returns a colour profile (ICC) of a colour space, to CIE Lab."""
    head = (
        struct.pack(">II", 128 + len(tags), 0) + b"\x02\x40\0\0prtr" + space + b"Lab "
    )
    # The white point D50.
    white = struct.pack(">3i", 63_190, 65_536, 54_061)
    return (
        (head.ljust(36, b"\0") + b"acsp").ljust(68, b"\0")
        + white.ljust(60, b"\0")
        + tags
    )


def _cmyk_profile():
    """Returns a profile in which black ink alone counts: L = 100 * (1 - K)."""
    identity = struct.pack(">9i", *np.eye(3, dtype=int).ravel() * 65_536)
    ramp = bytes(range(256))
    colors = b"\xff\x80\x80\x00\x80\x80" * 2**3
    table = b"mft1\0\0\0\0\4\3\2\0" + identity + ramp * 4 + colors + ramp * 3
    return _profile(b"CMYK", struct.pack(">I4s2I", 1, b"A2B0", 144, len(table)) + table)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("mode", "space", "suffix"),
    [("RGB", b"RGB ", "png"), ("P", b"RGB ", "png"), ("YCbCr", b"RGB ", "tif")]
    + [(mode, b"GRAY", "png") for mode in ("1", "L")],
)
def test_profile_of_the_pixels_is_kept(tmp_path, mode, space, suffix):
    path, profile = tmp_path / f"a.{suffix}", _profile(space)
    Image.new(mode, (9, 8)).save(path, icc_profile=profile)
    assert images.read_with_profile(path)[1] == profile


@pytest.mark.parametrize(
    ("mode", "space"),
    [("RGB", b"GRAY"), ("L", b"RGB "), ("RGB", b"Lab "), ("CMYK", b"CMYK")],
)
def test_profile_of_other_colours_is_dropped_with_a_word(tmp_path, mode, space):
    # The profile of the inks has no table: nothing can be converted with it.
    path = tmp_path / "a.tif"
    Image.new(mode, (9, 8)).save(path, icc_profile=_profile(space))
    with pytest.warns(UserWarning, match=r"a\.tif has a colour profile of other col"):
        assert images.read_with_profile(path)[1] is None


@pytest.mark.parametrize(
    ("mode", "color", "profile"),
    [
        ("CMYK", (200, 10, 20, 127), _cmyk_profile()),
        ("LAB", (128, 128, 128), _profile(b"Lab ")),
    ],
)
def test_other_colours_become_srgb(tmp_path, mode, color, profile):
    path = tmp_path / "other.tif"
    Image.new(mode, (9, 8), color).save(path, icc_profile=profile)
    with pytest.warns(UserWarning, match=f"has colours in {mode}; they") as said:
        pixels, kept = images.read_with_profile(path)
    assert len(said) == 1
    assert kept is None
    linear = ((100 * 128 / 255 + 16) / 116) ** 3
    srgb = 1.055 * linear ** (1 / 2.4) - 0.055
    np.testing.assert_allclose(pixels, 255 * srgb, atol=1)


@pytest.mark.filterwarnings("error")
def test_of_what_is_read_as_a_whole_nothing_is_said(tmp_path):
    path = tmp_path / "opaque.png"
    Image.new("RGBA", (9, 8), (200, 100, 50, 255)).save(path)
    assert images.read_image(path)[0, 0].tolist() == [200, 100, 50]


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_is_no_image(tmp_path):
    """It may have no end."""
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(
        ValueError, match=r"a\.png cannot be read as an image: it is no"
    ):
        images.read_image(tmp_path / "a.png")
