"""Tests of image files of any depth."""

import io
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps

from paper_experiments.common.errors import UserError
from paper_experiments.rim_restore import picture
from paper_experiments.rim_restore.picture import Picture

_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _values(dtype, *shape):
    values = np.random.default_rng(0).uniform(size=shape)
    dtype = np.dtype(dtype)
    scale = 1 if dtype.kind == "f" else np.iinfo(dtype).max
    return (scale * values).astype(dtype)


def _picture(dtype, pages, channels, has_alpha, profile=None):
    alpha = _values(dtype, pages, 5, 7, 1)[..., ::-1, :] if has_alpha else None
    return Picture(_values(dtype, pages, 5, 7, channels), alpha, profile)


def _assert_same(read, written):
    assert read.dtype == written.dtype
    np.testing.assert_array_equal(read.pages, written.pages)
    assert (read.alpha is None) == (written.alpha is None)
    if read.alpha is not None:
        np.testing.assert_array_equal(read.alpha, written.alpha)
    assert read.profile == written.profile


@pytest.mark.parametrize("has_alpha", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("suffix", "dtype", "pages"),
    [
        (".png", "uint8", 1),
        (".png", "uint16", 1),
        *((".tif", dtype, 1) for dtype in ("uint8", "uint16", "float32", "float64")),
        *((".tiff", dtype, 4) for dtype in ("uint8", "uint16", "float32")),
    ],
)
def test_what_is_written_is_read(tmp_path, suffix, dtype, pages, channels, has_alpha):
    path = tmp_path / f"Bild ü 1{suffix}"
    profile = _PROFILE if channels == 3 else None
    written = _picture(dtype, pages, channels, has_alpha, profile)
    picture.check_fits(written, path)
    picture.write(written, path)
    _assert_same(picture.read(path), written)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_deep_colours_are_those_of_other_readers(tmp_path, suffix):
    path = tmp_path / f"deep{suffix}"
    written = _picture("uint16", 1, 3, False, _PROFILE)
    picture.write(written, path)
    with Image.open(path) as image:
        assert image.info["icc_profile"] == _PROFILE
        high = np.asarray(image.convert("RGB"))
    np.testing.assert_allclose(high, written.pages[0] / 257, atol=1)


def test_pages_of_other_writers(tmp_path):
    stack = _values("uint16", 3, 5, 7)
    tifffile.imwrite(tmp_path / "imagej.tif", stack, imagej=True)
    tifffile.imwrite(
        tmp_path / "big.tif",
        stack,
        byteorder=">",
        bigtiff=True,
        photometric="minisblack",
    )
    with tifffile.TiffWriter(tmp_path / "one by one.tif") as writer:
        for page in stack:
            writer.write(page, contiguous=False, compression="zlib")
    for path in tmp_path.iterdir():
        np.testing.assert_array_equal(picture.read(path).pages[..., 0], stack)


def test_colours_one_plane_after_the_other(tmp_path, capsys):
    """They may be a stack of three pages."""
    path, values = tmp_path / "planes.tif", _values("uint16", 3, 5, 7)
    tifffile.imwrite(path, values, photometric="rgb", planarconfig="separate")
    pages = picture.read(path).pages
    np.testing.assert_array_equal(pages[0], np.moveaxis(values, 0, -1))
    assert "its planes are taken for colours" in capsys.readouterr().out
    tifffile.imwrite(path, pages[0], photometric="rgb")
    np.testing.assert_array_equal(picture.read(path).pages, pages)
    tifffile.imwrite(path, values, photometric="minisblack")
    np.testing.assert_array_equal(picture.read(path).pages[..., 0], values)
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("mode", "options", "channels"),
    [
        ("L", {"compression": "tiff_lzw"}, 1),
        ("RGB", {"compression": "tiff_lzw"}, 3),
        ("P", {}, 3),
        ("CMYK", {}, 3),
        ("1", {}, 1),
    ],
)
def test_tiff_that_pillow_must_read(tmp_path, mode, options, channels):
    path = tmp_path / "photo.tif"
    image = Image.fromarray(_values("uint8", 5, 7, 3)).convert(mode)
    image.save(path, **options)
    pages = picture.read(path).pages
    expected = np.asarray(image.convert("RGB"))[..., :channels]
    np.testing.assert_array_equal(pages, expected[None])


def test_grey_and_palettes_of_other_formats(tmp_path):
    gray = Image.fromarray(_values("uint8", 5, 7))
    gray.save(tmp_path / "a.png")
    assert picture.read(tmp_path / "a.png").pages.shape == (1, 5, 7, 1)
    gray.convert("P").save(tmp_path / "a.gif")
    assert picture.read(tmp_path / "a.gif").pages.shape == (1, 5, 7, 3)


def _write_text(path):
    path.write_text("no image")


def _write_half(path):
    tifffile.imwrite(path, _values("uint16", 64, 64))
    path.write_bytes(path.read_bytes()[:2000])


def _write_half_png(path):
    picture.write(_picture("uint16", 1, 3, False), path.with_name("whole.png"))
    path.write_bytes(path.with_name("whole.png").read_bytes()[:100])


def _write_lzw(path):
    image = Image.fromarray(_values("uint16", 5, 7))
    image.save(path, compression="tiff_lzw")


def _write_sizes(path):
    with tifffile.TiffWriter(path) as writer:
        writer.write(_values("uint16", 5, 7), photometric="minisblack")
        writer.write(_values("uint16", 6, 7), photometric="minisblack")


@pytest.mark.parametrize("extra", ["assocalpha", "unspecified"])
def test_other_channels_than_transparency_stay_what_they_are(tmp_path, capsys, extra):
    path, values = tmp_path / "old.tif", _values("uint8", 5, 7, 4)
    tifffile.imwrite(path, values, photometric="rgb", extrasamples=[extra])
    shown = picture.read(path)
    is_said = "is kept, not restored" in capsys.readouterr().out
    assert is_said == (extra == "unspecified")
    picture.write(shown, tmp_path / "new.tif")
    with tifffile.TiffFile(tmp_path / "new.tif") as file:
        assert file.pages[0].extrasamples[0].name.lower() == extra
        np.testing.assert_array_equal(file.asarray(), values)
    with pytest.raises(UserError, match=f"that TIFF calls {extra}; choose .tif"):
        picture.check_fits(shown, tmp_path / "new.png")


def test_two_more_channels_are_refused(tmp_path):
    path = tmp_path / "old.tif"
    tifffile.imwrite(
        path,
        _values("uint8", 5, 7, 3),
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unspecified", "unspecified"],
    )
    with pytest.raises(UserError, match="2 channels beside the colours"):
        picture.read(path)


@pytest.mark.parametrize(
    ("tag", "value", "dtype"),
    [
        ("XResolution", 72.5, "f"),
        ("XResolution", 72, "H"),
        ("XResolution", (-72, 1), "2i"),
        ("ResolutionUnit", 7, "H"),
    ],
)
def test_an_odd_resolution_is_left_out(tmp_path, tag, value, dtype):
    values = _values("uint16", 5, 7)
    tifffile.imwrite(tmp_path / "old.tif", values, photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "old.tif", mode="r+b") as file:
        file.pages[0].tags[tag].overwrite(value, dtype=dtype)
    shown = picture.read(tmp_path / "old.tif")
    assert shown.resolution is None
    picture.write(shown, tmp_path / "new.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "new.tif"), values)


def test_what_imagej_noted_is_said_to_be_left_out(tmp_path, capsys):
    tifffile.imwrite(tmp_path / "a.tif", _values("uint8", 2, 5, 7), imagej=True)
    assert picture.read(tmp_path / "a.tif").pages.shape == (2, 5, 7, 1)
    assert "What ImageJ or OME noted in a.tif is not kept" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (_write_text, "bad.tif cannot be read as an image: it is no AVIF"),
        (_write_half, "bad.tif cannot be read as an image"),
        (_write_half_png, "bad.tif cannot be read as an image: it is damaged"),
        (_write_lzw, "requires the 'imagecodecs' package"),
        (_write_sizes, "2 kinds of pages"),
        (lambda p: tifffile.imwrite(p, np.ones((5, 7), "int16")), "numbers are int16"),
        (lambda p: tifffile.imwrite(p, np.full((5, 7), np.nan)), "holds NaN"),
        (lambda p: None, "There is no file"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path, write, message):
    path = tmp_path / "bad.tif"
    write(path)
    with pytest.raises(UserError, match=message) as refusal:
        picture.read(path)
    assert "\n" not in str(refusal.value)
    # Of counts of 16 bits that would lose what they are for.
    assert "convert it to 8 bits" not in str(refusal.value)


@pytest.mark.parametrize(
    ("dtype", "pages", "name", "message"),
    [
        ("uint8", 1, "a.gif", "must end in one of"),
        ("uint8", 2, "a.png", "have one page; choose .tif"),
        ("uint16", 1, "a.jpg", "do not hold uint16; choose .tif or .png"),
        ("float32", 1, "a.png", "do not hold float32; choose .tif."),
    ],
)
def test_formats_that_do_not_hold_a_picture_are_refused(dtype, pages, name, message):
    with pytest.raises(UserError, match=message):
        picture.check_fits(_picture(dtype, pages, 1, False), Path(name))


def test_what_a_format_does_not_hold_is_said(tmp_path, capsys):
    picture.write(_picture("uint8", 1, 3, True, _PROFILE), tmp_path / "a.ppm")
    assert capsys.readouterr().out.splitlines() == [
        "*** .ppm files have no transparency; it is dropped.",
        "*** .ppm files have no colour profile; it is dropped.",
    ]
    assert picture.read(tmp_path / "a.ppm").alpha is None


def test_what_cannot_be_written_is_rescued(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    written = _picture("uint8", 1, 1, False)
    (tmp_path / "full.png").mkdir()
    with pytest.raises(UserError, match=r"cannot be written: .* is in .*\.tif\.") as e:
        picture.write(written, tmp_path / "full.png")
    rescued = Path(str(e.value).rpartition(" is in ")[2].removesuffix("."))
    _assert_same(picture.read(rescued), written)


def _png_header(width, height, depth):
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + check


@pytest.mark.parametrize("depth", [8, 16])
def test_a_png_that_declares_too_many_pixels_is_refused(tmp_path, depth):
    path = tmp_path / "photo.png"
    path.write_bytes(_png_header(100_000, 100_000, depth))
    with pytest.raises(UserError, match=r"photo\.png cannot be read as an image: "):
        picture.read(path)


@pytest.mark.parametrize("tag", ["StripOffsets", "StripByteCounts"])
@pytest.mark.parametrize("value", [0, 1 << 20])
def test_a_tiff_that_lacks_a_strip_is_no_picture_of_zeros(tmp_path, tag, value):
    path = tmp_path / "photo.tif"
    pixels = np.ones((64, 64), np.float32)
    tifffile.imwrite(path, pixels, compression="zlib", rowsperstrip=64)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags[tag].overwrite(value)
    with pytest.raises(UserError, match=r"photo\.tif .* of its pixels is missing"):
        picture.read(path)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_tiff_that_declares_more_than_it_has_is_refused(tmp_path, compression):
    path = tmp_path / "photo.tif"
    tifffile.imwrite(path, np.zeros((8, 9), np.float32), compression=compression)
    with tifffile.TiffFile(path, mode="r+") as file:
        for name in ("ImageWidth", "ImageLength"):
            file.pages[0].tags[name].overwrite(100_000)
    with pytest.raises(UserError, match=r"photo\.tif .* it declares 40000000000 bytes"):
        picture.read(path)


def test_damaged_tags_are_one_line(tmp_path, capsys, caplog):
    """tifffile would print a line of its own log."""
    path = tmp_path / "tags.tif"
    tifffile.imwrite(path, np.uint16([[1, 2], [3, 4]]), software="a" * 40)
    with tifffile.TiffFile(path) as file:
        tag = file.pages[0].tags["Software"]
    data = bytearray(path.read_bytes())
    data[tag.offset + 8 : tag.offset + 12] = struct.pack("<I", 10**6)
    path.write_bytes(data)
    read = picture.read(path)
    np.testing.assert_array_equal(read.pages[0, ..., 0], [[1, 2], [3, 4]])
    printed = capsys.readouterr()
    assert printed.out == f"*** {path} has damaged tags, which are left out.\n"
    assert not printed.err and not caplog.records


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_turned_as_pillow_turns_it(tmp_path, orientation, dtype):
    path = tmp_path / "turned.tif"
    values = _values(dtype, 5, 7)
    tags = [(274, 3, 1, orientation, False)]
    tifffile.imwrite(path, values, extratags=tags, resolution=(2, 3))
    exif = Image.Exif()
    exif[274] = orientation
    upright = Image.fromarray(np.uint8(np.arange(35).reshape(5, 7)))
    stream = io.BytesIO()
    upright.save(stream, "PNG", exif=exif)
    places = np.asarray(ImageOps.exif_transpose(Image.open(stream)))
    read = picture.read(path)
    np.testing.assert_array_equal(read.pages[0, ..., 0], values.ravel()[places])
    assert read.resolution[:2] == ((3, 2) if orientation > 4 else (2, 3))
    # What is written is upright.
    picture.write(read, tmp_path / "new.tif")
    _assert_same(picture.read(tmp_path / "new.tif"), read)


def test_pages_that_are_cut_off_are_missed(tmp_path):
    path = tmp_path / "stack.tif"
    pages = [Image.new("L", (48, 40), 50 * n) for n in range(4)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    whole = path.read_bytes()
    for size in (2200, 4142, 6140):
        path.write_bytes(whole[:size])
        with pytest.raises(UserError, match=r"stack\.tif .*; get it again"):
            picture.read(path)


@pytest.mark.parametrize("tag", ["ImageLength", "ImageWidth"])
@pytest.mark.parametrize("change", [-20, 1, 48])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_strips_of_another_picture_are_refused(tmp_path, tag, change, dtype):
    path = tmp_path / "strip.tif"
    tifffile.imwrite(path, _values(dtype, 48, 40), metadata=None)
    with tifffile.TiffFile(path) as file:
        found = file.pages[0].tags[tag]
    data = bytearray(path.read_bytes())
    data[found.valueoffset : found.valueoffset + 2] = struct.pack(
        "<H", found.value + change
    )
    path.write_bytes(data + bytes(9_000))
    with pytest.raises(UserError, match=r"strip\.tif cannot be .*; get it again"):
        picture.read(path)


def test_bits_are_read(tmp_path):
    """Which are packed into bytes, so that the file holds fewer than pixels."""
    is_white = _values("uint8", 50, 70) > 128
    Image.fromarray(is_white).save(tmp_path / "bits.tif")
    read = picture.read(tmp_path / "bits.tif")
    np.testing.assert_array_equal(read.pages[0, ..., 0], 255 * is_white)
