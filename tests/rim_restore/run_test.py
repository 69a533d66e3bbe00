"""Tests of the command that restores image files, from its line to its files."""

import io
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import tifffile
from PIL import Image, ImageCms

import rim_tf
from paper_experiments.rim_restore import methods, picture, run
from paper_experiments.rim_restore.command import main
from rim_tf import bicubic, metrics, tiles
from rim_tf.forward_models import Mosaic

_QUICKLY = ["--num_steps=4", "--precision=float32"]
_CAT = skimage.data.chelsea()[100:140, 100:148]


@pytest.fixture(name="copied")
def _copied(monkeypatch):
    """Restores nothing, which would take time: the start is the estimate."""

    def restore(model, observation, forward_model, sigma, num_steps, after_step):
        start = forward_model.initial_estimate(observation)
        start = np.clip(np.asarray(start, np.float32), 0, 1)
        (tile,) = tiles.divide(*start.shape[1:3])
        after_step(tiles.Step(tile, observation, forward_model, start))
        return start

    monkeypatch.setattr(run.tiles, "restore", restore)


def _run(*arguments, code=0):
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert end.value.code == code


def _noisy(clean, sigma=25, seed=0):
    noise = sigma * np.random.default_rng(seed).standard_normal(clean.shape)
    return np.uint8(np.clip(clean + noise, 0, 255) + 0.5)


def _psnr(image, clean, white=255.0):
    shape = (1, *clean.shape[:2], -1)
    pair = (np.float32(x).reshape(shape) / white for x in (image, clean))
    return metrics.psnr(*pair)[0]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_denoises_and_compares(tmp_path, capsys, mode):
    clean = np.asarray(Image.fromarray(_CAT).convert(mode)).reshape(40, 48, -1).copy()
    noisy = clean.copy()
    noisy[..., :3] = _noisy(clean[..., :3])
    if mode == "RGBA":
        noisy[:5, :, 3] = clean[:5, :, 3] = 7
    for name, image in (("noisy", noisy), ("clean", clean)):
        Image.fromarray(image.squeeze()).save(tmp_path / f"{name}.png")
    new, both = tmp_path / "new.png", tmp_path / "both.png"
    _run(
        *("denoise", tmp_path / "noisy.png", new, "--sigma=25", *_QUICKLY),
        *(f"--compare={tmp_path / 'clean.png'}", f"--picture={both}"),
    )
    with Image.open(new) as restored:
        assert restored.mode == mode
        restored = np.asarray(restored).reshape(noisy.shape)
    after = _psnr(restored[..., :3], clean[..., :3])
    assert after > _psnr(noisy[..., :3], clean[..., :3]) + 3
    np.testing.assert_array_equal(restored[..., 3:], clean[..., 3:])
    printed = capsys.readouterr().out
    assert "Assumed: black is 0, white 255 (8 bits); noise of 25, 9.8% of" in printed
    assert f"clean.png, after: PSNR {after:.2f} dB, SSIM 0." in printed
    assert re.search(r"residual / sigma: (0\.[7-9]|1\.[01])\d, as noise ex", printed)
    with Image.open(both) as image:
        assert image.size == (2 * 48 + 8, 40)


def test_writes_a_page_of_all_steps(tmp_path, capsys, shown):
    """Of the last step it shows what the file holds."""
    for name, image in (("noisy", _noisy(_CAT)), ("clean", _CAT)):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    new, page = tmp_path / "new.png", tmp_path / "steps.html"
    _run(
        *("denoise", tmp_path / "noisy.png", new, "--sigma=25", *_QUICKLY),
        *(f"--compare={tmp_path / 'clean.png'}", f"--trajectory={page}"),
    )
    (what,) = shown
    assert len(what.estimates) == len(what.residuals) == 4
    assert list(what.beside) == ["before", "clean"]
    np.testing.assert_allclose(what.beside["before"], _noisy(_CAT) / 255, atol=1e-6)
    with Image.open(new) as image:
        np.testing.assert_allclose(
            what.estimates[-1], np.asarray(image) / 255, atol=3e-3
        )
    np.testing.assert_array_equal(what.clean, np.float32(_CAT / 255))
    said = capsys.readouterr().out
    assert f"residual / sigma: {what.residuals[-1]:.2f}" in said
    assert said.endswith(f"Wrote {page}, all steps.\n")
    assert "noisy.png: denoise" in page.read_text()


@pytest.mark.parametrize(
    ("command", "image", "shape"),
    [
        # Grey in colours, and a stack.
        (["denoise", "--sigma=5"], np.stack([_CAT[..., [0] * 3]] * 2), (40, 48, 1)),
        (["denoise", "--noise=poisson"], _CAT[..., 0], (40, 48, 1)),
        (["enlarge", "--factor=2"], _CAT, (80, 96, 3)),
        (["demosaic", "--pattern=RGGB", "--sigma=5"], _CAT[..., 0], (40, 48, 3)),
    ],
)
def test_pages_are_of_what_each_command_makes(
    tmp_path, copied, shown, command, image, shape
):
    path, new, page = (tmp_path / name for name in ("a.tif", "b.tif", "c.html"))
    tifffile.imwrite(path, image, photometric="rgb" if image.shape[-1] == 3 else None)
    _run(command[0], path, new, *command[1:], f"--trajectory={page}")
    ((estimate,), beside, clean, residuals, *_) = shown[0]
    assert estimate.shape == beside["before"].shape == shape
    assert (clean, residuals is None) == (None, command[0] == "enlarge")
    after = picture.read(new).pages[0]
    np.testing.assert_allclose(estimate[..., 0], after[..., 0] / 255, atol=3e-3)


def test_deep_counts_are_as_good_as_those_that_are_stretched_by_hand(tmp_path):
    clean = 100 + 3000 * np.mean(_CAT / 255, axis=-1)
    noise = 200 * np.random.default_rng(0).standard_normal(clean.shape)
    noisy = np.uint16(np.clip(clean + noise, 0, 4095) + 0.5)
    tifffile.imwrite(tmp_path / "raw.tif", noisy)
    new = tmp_path / "new.tif"
    flags = ["--sigma=200", "--range=100,3100", *_QUICKLY]
    _run("denoise", tmp_path / "raw.tif", new, *flags)
    restored = tifffile.imread(new)
    assert restored.dtype == np.uint16
    stretched = np.float32((noisy.astype(float) - 100) / 3000)[None, ..., None]
    model = rim_tf.load_pretrained("rim_denoise", "float32")
    by_hand = rim_tf.restore(model, stretched, sigma=200 / 3000, num_steps=4)[0, ..., 0]
    difference = _psnr(restored - 100.0, clean - 100, 3000.0) - _psnr(
        by_hand * 3000, clean - 100, 3000.0
    )
    assert difference == pytest.approx(0, abs=0.1)


def test_a_range_that_is_not_given_is_said(tmp_path, copied, capsys):
    path = tmp_path / "raw.tif"
    tifffile.imwrite(path, np.array([[80, 3200]], np.uint16))
    _run("denoise", path, tmp_path / "new.tif", "--sigma=30")
    said = capsys.readouterr().out
    assert "white 4095 (found: values go from 80 to 3200, so 12 bits); noise of" in said
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "new.tif"), [[80, 3200]])


@pytest.mark.parametrize("channels", [1, 3])
def test_enlarges(tmp_path, channels):
    clean = _CAT[:39, :48, :channels]
    small = bicubic.imresize_uint8(clean, (13, 16))
    path, output = tmp_path / "small.png", tmp_path / "large.png"
    Image.fromarray(small.squeeze()).save(path)
    _run("enlarge", path, output, "--factor=3", *_QUICKLY)
    with Image.open(output) as image:
        large = np.asarray(image).reshape(clean.shape)
    bicubic_psnr = _psnr(bicubic.imresize_uint8(small, (39, 48)), clean)
    assert _psnr(large, clean) > bicubic_psnr + 0.1


@pytest.mark.parametrize("is_aliased", [False, True])
def test_warns_of_an_image_that_another_kernel_made_small(tmp_path, capsys, is_aliased):
    face = skimage.data.astronaut()[:132, 150:282]
    small = face[::4, ::4] if is_aliased else bicubic.imresize_uint8(face, (33, 33))
    Image.fromarray(small).save(tmp_path / "small.png")
    flags = ["--num_steps=1", "--precision=float32"]
    _run("enlarge", tmp_path / "small.png", tmp_path / "large.png", *flags)
    lines = capsys.readouterr().out.splitlines()
    said = [line for line in lines if line.startswith("*** The low-resolution image")]
    assert len(said) == is_aliased


def test_colours_of_a_large_image_are_enlarged_as_those_of_the_whole(monkeypatch):
    pixels = np.random.default_rng(0).uniform(size=(25, 31, 3)).astype("float32")
    divide = tiles.divide
    monkeypatch.setattr(
        methods.tiles, "divide", lambda *size, **kwargs: divide(*size, 24, **kwargs)
    )
    for factor in (2, 3, 4):
        size = (25 * factor, 31 * factor)
        whole = np.clip(np.asarray(bicubic.imresize(pixels[None], size))[0], 0, 1)
        np.testing.assert_allclose(methods.enlarge(pixels, size), whole, atol=1e-5)


def test_enlarges_transparency_and_depth(tmp_path, copied):
    pages = np.full((2, 4, 6, 3), 30_000, np.uint16)
    alpha = np.broadcast_to(np.uint16([0, 0, 0, 65535, 65535, 65535]), (2, 4, 6))
    before = picture.Picture(pages, alpha[..., None])
    picture.write(before, tmp_path / "small.tif")
    _run("enlarge", tmp_path / "small.tif", tmp_path / "large.tif", "--factor=2")
    after = picture.read(tmp_path / "large.tif")
    assert after.pages.shape == (2, 8, 12, 3)
    np.testing.assert_allclose(after.pages, 30_000, atol=40)
    np.testing.assert_array_equal(
        after.alpha[:, :, [0, 11]], alpha[:, [0] * 8][:, :, [0, 5], None]
    )


def test_fills_in_missing_pixels(tmp_path, capsys):
    mask = np.random.default_rng(1).uniform(size=(40, 48)) < 0.7
    Image.fromarray(np.uint8(255 * mask)).save(tmp_path / "mask ä.png")
    holes = np.where(mask[..., None], _noisy(_CAT, 2), 0).astype(np.uint8)
    Image.fromarray(holes).save(tmp_path / "holes.png")
    new = tmp_path / "new.png"
    flags = [f"--mask={tmp_path / 'mask ä.png'}", "--sigma=2", *_QUICKLY]
    _run("inpaint", tmp_path / "holes.png", new, *flags)
    with Image.open(new) as image:
        assert _psnr(np.asarray(image), _CAT) > 25


def test_undoes_a_blur_and_makes_colours_of_a_mosaic(tmp_path, copied):
    """As far as the start goes."""
    np.save(tmp_path / "kernel.npy", np.ones((1, 3)))
    gray = _CAT[..., :1]
    Image.fromarray(gray[..., 0]).save(tmp_path / "blurred.png")
    new = tmp_path / "new.png"
    flags = [f"--kernel={tmp_path / 'kernel.npy'}", "--sigma=2"]
    _run("deblur", tmp_path / "blurred.png", new, *flags)
    expected = rim_tf.forward_models.Blur(np.full((1, 3), 1 / 3), "symmetric").adjoint(
        np.float32(gray[None])
    )
    np.testing.assert_allclose(picture.read(new).pages, expected, atol=1)
    raw = np.asarray(Mosaic("GRBG").forward(np.float32(_CAT[None])))
    tifffile.imwrite(tmp_path / "raw.tif", np.uint16(257 * raw[0, ..., 0]))
    new = tmp_path / "new.tif"
    flags = ["--pattern=GRBG", "--sigma=500", "--range=0,65535"]
    _run("demosaic", tmp_path / "raw.tif", new, *flags)
    colors = picture.read(new).pages
    assert colors.dtype == np.uint16
    assert _psnr(colors[0] / 257, _CAT) > 28


@pytest.mark.parametrize("moved", [(0, 2), (1, -2)])
def test_a_kernel_beside_its_middle_moves_nothing(tmp_path, copied, capsys, moved):
    """It is centred, and the result is moved back."""
    kernel = np.zeros((5, 5))
    kernel[2 + moved[0], 2 + moved[1]] = 1
    np.save(tmp_path / "kernel.npy", kernel)
    gray = _CAT[..., :1]
    blurred = rim_tf.forward_models.Blur(kernel, "symmetric").forward(
        np.float32(gray[None])
    )
    blurred = np.uint8(np.rint(np.asarray(blurred)))[0, ..., 0]
    Image.fromarray(blurred).save(tmp_path / "blurred.png")
    flags = [f"--kernel={tmp_path / 'kernel.npy'}", "--sigma=2"]
    _run("deblur", tmp_path / "blurred.png", tmp_path / "new.png", *flags)
    sides = {(0, 2): "0 up and 2 right", (1, -2): "1 down and 2 left"}
    said = f"lies {sides[moved]} of its middle"
    assert said in capsys.readouterr().out
    inside = (0, slice(2, -2), slice(2, -2))
    restored = picture.read(tmp_path / "new.png").pages[inside]
    np.testing.assert_array_equal(restored, gray[None][inside])


def test_says_what_lies_beyond_white(tmp_path, copied, capsys):
    values = _CAT[..., 0] / np.float32(255)
    for patch, is_said in ((0, False), (20, True)):
        values[:patch, :patch] = 1.4
        tifffile.imwrite(tmp_path / "old.tif", values)
        flags = ["--sigma=0.02", "--overwrite"]
        _run("denoise", tmp_path / "old.tif", tmp_path / "new.tif", *flags)
        said = capsys.readouterr().out
        assert ("of the values lie beyond black or white" in said) == is_said
    assert "*** 20.8% of the values" in said
    assert "to 1.4. The result is cut off there: give another --range." in said


def test_tiff_keeps_its_resolution(tmp_path, copied):
    tifffile.imwrite(
        tmp_path / "old.tif", _CAT, resolution=(300, 200), resolutionunit="INCH"
    )
    _run("denoise", tmp_path / "old.tif", tmp_path / "new.tif", "--sigma=9")
    _run("enlarge", tmp_path / "old.tif", tmp_path / "large.tif", "--factor=2")
    for name, expected in (("new", (300, 200)), ("large", (600, 400))):
        with tifffile.TiffFile(tmp_path / f"{name}.tif") as file:
            (page,) = file.pages
            assert page.get_resolution() == expected
            assert page.resolutionunit.name == "INCH"


def test_a_stack_is_restored_page_by_page(tmp_path, copied, capsys):
    stack = np.stack([_noisy(_CAT, seed=i) for i in range(3)])
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="rgb")
    _run("denoise", tmp_path / "stack.tif", tmp_path / "new.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "new.tif"), stack)
    assert "3 pages of 48 x 40 pixels, RGB, uint8" in capsys.readouterr().out


def test_a_file_of_a_folder_is_named_where_a_flag_is_to_blame(tmp_path, copied, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    tifffile.imwrite(folder / "floats.tif", np.float32(_CAT[..., 0] / 80))
    _run("denoise", folder, tmp_path / "new", "--sigma=25", code=1)
    printed = capsys.readouterr().out
    assert f"*** Left out: {folder / 'floats.tif'}: --range: floats from" in printed


def test_a_broken_file_of_a_folder_is_named_and_left_out(tmp_path, copied, capsys):
    folder, new = tmp_path / "in", tmp_path / "new"
    folder.mkdir()
    for name in ("a ü.png", "b.gif", "d.tif"):
        Image.fromarray(_noisy(_CAT[..., 0])).save(folder / name)
    (folder / "c.png").write_text("no image")
    _run("denoise", folder, new, "--sigma=25", code=1)
    printed = capsys.readouterr().out
    assert f"*** Left out: {folder / 'c.png'} cannot be read as an image" in printed
    assert printed.endswith("Restored 3 of 4 images.\n")
    names = sorted(path.name for path in new.iterdir())
    assert names == ["a ü.png", "b.png", "d.tif"]
    (folder / "c.png").unlink()
    _run("denoise", folder, new, "--sigma=25", code=1)
    complaint = capsys.readouterr().err
    assert "a ü.png exists; choose another name, or" in complaint
    assert "to go on with a folder --skip_existing" in complaint
    (new / "b.png").unlink()
    before = (new / "d.tif").stat().st_mtime_ns
    _run("denoise", folder, new, "--sigma=25", "--skip_existing")
    printed = capsys.readouterr().out
    assert "Of 2 images there is a file already.\n" in printed
    assert printed.endswith("Restored 1 of 1 image.\n")
    assert (new / "b.png").exists()
    assert (new / "d.tif").stat().st_mtime_ns == before
    _run("denoise", folder, new, "--sigma=25", "--overwrite")
    assert (new / "d.tif").stat().st_mtime_ns > before


def test_a_folder_that_goes_in_between_ends_it(tmp_path, monkeypatch, capsys):
    """One line, not one for each image that is left."""
    folder, new = tmp_path / "old", tmp_path / "new"
    folder.mkdir()
    for name in "abc":
        Image.fromarray(_CAT).save(folder / f"{name}.png")

    def restore_file(arguments, path, output, show_steps):
        arguments.output.rmdir()
        raise OSError(f"{output} is no more")

    monkeypatch.setattr(run, "_restore_file", restore_file)
    _run("denoise", folder, new, "--sigma=25", code=1)
    said = capsys.readouterr()
    assert said.out == f"*** Left out: {new / 'a.png'} is no more\n"
    assert (
        said.err.rpartition("\r")[2]
        .strip()
        .splitlines()[-1]
        .startswith(f"error: {new} cannot be written: ")
    )


def test_photons(tmp_path, capsys):
    clean = np.mean(_CAT, axis=-1) / 8
    photons = np.random.default_rng(0).poisson(clean)
    tifffile.imwrite(tmp_path / "dark.tif", np.uint16(photons))
    new = tmp_path / "new.tif"
    flags = ["--noise=poisson", "--range=0,32", *_QUICKLY]
    _run("denoise", tmp_path / "dark.tif", new, *flags)
    assert "noise of photons" in capsys.readouterr().out
    restored = tifffile.imread(new).astype(float)
    assert _psnr(restored, clean, 32.0) > _psnr(photons, clean, 32.0) + 3
    assert restored.mean() == pytest.approx(clean.mean(), rel=0.03)
    flags = ["--noise=poisson", "--sigma=3"]
    _run("denoise", tmp_path / "dark.tif", tmp_path / "b.tif", *flags, code=1)
    assert "error: --sigma: the noise of photons" in capsys.readouterr().err


def test_estimates_the_noise_level_and_warns_of_strong_noise(tmp_path, copied, capsys):
    path = tmp_path / "photo.png"
    Image.fromarray(_noisy(np.full((64, 64), 128), 80)).save(path)
    _run("denoise", path, tmp_path / "new.png")
    printed = capsys.readouterr().out
    sigma = float(re.search(r"from the image: --sigma=([\d.]+)\.\n", printed)[1])
    # Clipping takes a part of the noise.
    assert 60 < sigma < 85
    assert "The weights saw noise up to 22% of black to white, not" in printed
    assert "as black or white as can be" in printed


@pytest.mark.parametrize(
    ("sigma", "instead"), [("0", ""), ("0.06", "15.3"), ("0.49", "125"), ("0.5", "")]
)
def test_a_noise_level_on_another_scale_is_asked_about(
    tmp_path, copied, capsys, sigma, instead
):
    path = tmp_path / "photo.png"
    Image.new("L", (8, 8)).save(path)
    _run("denoise", path, tmp_path / "new.png", f"--sigma={sigma}")
    lines = capsys.readouterr().out.splitlines()
    said = [line for line in lines if line.startswith("***")]
    assert len(said) == bool(instead)
    assert all(f"give --sigma={instead}." in line for line in said)


def test_a_noise_level_of_8_bits_for_an_image_of_16_is_asked_about(tmp_path, capsys):
    path = tmp_path / "photo.tif"
    tifffile.imwrite(path, np.uint16(_CAT[..., 0]) * 257)
    _run("denoise", path, tmp_path / "new.tif", "--sigma=5", "--num_steps=1")
    said = capsys.readouterr().out
    assert "If white was 255 in your mind, give --sigma=1285." in said


@pytest.mark.parametrize(
    ("residual", "words"),
    [
        (1.5, "--sigma is too small, or kernel"),
        (1.0, "as noise explains."),
        (0.4, "--sigma is too large."),
    ],
)
@pytest.mark.parametrize("may_fit_noise", [False, True])
def test_a_residual_says_what_it_means(capsys, residual, words, may_fit_noise):
    """A network that sees sigma gets better where it is small."""
    run._say_residual(residual, may_fit_noise, is_estimated=False)
    said = capsys.readouterr().out
    assert "was taken for noise" not in said
    assert f"residual / sigma: {residual:.2f}" in said
    assert words in said
    has_advice = "fewer --num_steps" in said
    assert has_advice == (residual == 0.4 and may_fit_noise)


@pytest.mark.parametrize("may_fit_noise", [False, True])
def test_an_estimated_noise_level_is_not_called_a_flag(capsys, may_fit_noise):
    run._say_residual(0.4, may_fit_noise, is_estimated=True)
    run._say_residual(1.5, may_fit_noise, is_estimated=True)
    low, high = capsys.readouterr().out.splitlines()
    assert "The noise level that was estimated is too large. Fine detail may" in low
    assert ("fewer --num_steps." in low) == may_fit_noise
    assert "The noise level that was estimated is too small, or kernel" in high


def test_auto_says_how_many_steps_were_made(tmp_path, capsys):
    Image.fromarray(_noisy(_CAT)).save(tmp_path / "noisy.png")
    _run(
        *("denoise", tmp_path / "noisy.png", tmp_path / "new.png", "--sigma=25"),
        "--num_steps=auto",
    )
    said = capsys.readouterr().out
    steps = re.search(r"--num_steps=auto made (\d+) steps\.", said)
    assert 8 <= int(steps[1]) <= 30


_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
_GRAY_PROFILE = _PROFILE[:16] + b"GRAY" + _PROFILE[20:]


@pytest.mark.parametrize(
    ("mode", "color", "profile", "is_kept"),
    [
        ("RGB", (200, 100, 50), _PROFILE, True),
        # Grey in colours, and the profile is that of colours.
        ("RGB", (100, 100, 100), _PROFILE, True),
        ("L", 100, _GRAY_PROFILE, True),
        ("RGB", (200, 100, 50), _GRAY_PROFILE, False),
        ("L", 100, _PROFILE, False),
    ],
)
def test_profile_is_that_of_what_is_written(
    tmp_path, copied, mode, color, profile, is_kept
):
    path = tmp_path / "photo.png"
    Image.new(mode, (8, 8), color).save(path, icc_profile=profile)
    _run("denoise", path, tmp_path / "new.png", "--sigma=5")
    with Image.open(tmp_path / "new.png") as image:
        assert image.mode == mode
        assert image.info.get("icc_profile") == (profile if is_kept else None)
        assert image.getpixel((0, 0)) == color


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["denoise", "no/photo.png", "a.png"], "There is no file no/photo.png"),
        (["denoise", "text.png", "a.png"], "text.png cannot be read"),
        (["denoise", "photo.png", "a.png"], "--sigma: it cannot be estimated"),
        (["denoise", "photo.png", "a.png", "--sigma=300"], "--sigma: 300 is more than"),
        (["denoise", "deep.tif", "a.jpg"], "a.jpg: .jpg files do not hold uint16"),
        (["denoise", "float.tif", "a.tif"], "--range: floats from 0 to 200"),
        (["enlarge", "photo.png", "large.txt"], "large.txt must end in one of"),
        (["enlarge", "photo.png", "no/a.png"], "There is no folder no"),
        (["enlarge", "photo.png", "photo.png"], "give --overwrite"),
        (["enlarge", "photo.png", "a.png", "--skip_existing"], "is for a folder"),
        (["enlarge", "photo.png", "c.png", "--overwrite"], "c.png is a folder"),
        (["enlarge", "photo.png", "/proc/a.png"], "cannot be written"),
        (["enlarge", "photo.png", f"{'a' * 260}.png"], "too long"),
        (["enlarge", "c.png", "d", "--picture=b.png"], "--picture is for one file"),
        (["enlarge", "c.png", "d", "--trajectory=b.html"], "--trajectory is for one"),
        (["enlarge", "photo.png", "a.png", "--trajectory=b.png"], "must end in .html"),
        (["enlarge", "photo.png", "a.png", "--picture=photo.png"], "photo.png exists"),
        (["enlarge", "photo.png", "a.png", "--picture=no/a.png"], "no folder no"),
        (
            ["enlarge", "photo.png", "a.png", "--compare=-"],
            "--compare: There is no file -",
        ),
        (["inpaint", "photo.png", "a.png", "--mask=photo.png"], "photo.png is black"),
        (["inpaint", "photo.png", "a.png", "--mask=wide.png"], "has 3 x 1 pixels, the"),
        (["deblur", "photo.png", "a.png", "--kernel=wide.png"], "more than the image"),
        (["deblur", "photo.png", "a.png", "--kernel=photo.png"], "sum is above 0"),
        *(
            (["deblur", "photo.png", "a.png", f"--kernel={name}"], message)
            for name, message in (
                ("no.npy", "--kernel: no.npy cannot"),
                ("zip.npy", "--kernel: zip.npy cannot"),
                ("huge.npy", "--kernel: huge.npy cannot"),
                ("nan.npy", "--kernel: nan.npy must hold numbers"),
                ("cancels.npy", "--kernel: cancels.npy must hold numbers"),
            )
        ),
        (["enlarge", "~nobody at all/a.png", "a.png"], "there is no such user"),
        (
            ["enlarge", "photo.png", "a.png", "--picture=./a.png"],
            "--picture: a.png is what the image is written to",
        ),
        (["demosaic", "rgb.png", "a.png", "--pattern=RGGB"], "rgb.png has colours"),
        (
            ["enlarge", "wide.png", "a.png", "--compare=rgb.png"],
            r"--compare: rgb.png is uint8 of 1 x 1 x 1 x 3, the .* 1 x 2 x 6 x 1",
        ),
    ],
)
def test_refuses_what_the_user_can_mend(
    tmp_path, monkeypatch, capsys, copied, arguments, message
):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (1, 1)).save("photo.png")
    Image.new("L", (3, 1), 255).save("wide.png")
    Image.new("RGB", (1, 1), "red").save("rgb.png")
    tifffile.imwrite("deep.tif", np.ones((2, 2), "uint16"))
    tifffile.imwrite("float.tif", np.float32([[0, 200]]))
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "c.png").mkdir()
    _write_kernels()
    _run(*arguments, code=1)
    complaint = capsys.readouterr().err
    complaint = complaint[complaint.rindex("error: ") :]
    assert re.match(f"error: .*{message}", complaint), complaint
    assert complaint.count("\n") == 1


def _write_kernels():
    """Writes files that are no kernels."""
    Path("zip.npy").write_bytes(b"PK\3\4")
    with open("huge.npy", "wb") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (10**5, 10**5)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(8))
    np.save("nan.npy", np.full((1, 1), np.nan))
    np.save("cancels.npy", np.array([[1.0, -0.9999]]))


def test_a_path_that_cannot_be_printed(tmp_path, monkeypatch, copied):
    path = tmp_path / "\udcff\u03c3.png"
    Image.new("L", (8, 8)).save(path)
    screen = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    _run("denoise", path, tmp_path / "\u03c3.png", "--sigma=5")
    screen.flush()
    assert rb"/\u03c3.png, 8 x 8 pixels" in screen.buffer.getvalue()
