"""Tests of the command line that restores an image file."""

import io
import re
import resource
import shutil
import sys
import tempfile

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageCms, ImageDraw
from skimage.restoration import estimate_sigma

from paper_experiments import restore_image
from paper_experiments.restore_image import main
from rim_tf import bicubic, metrics

_SIGMA = 25
_QUICKLY = ["--num_steps=4", "--precision=float32"]


def _psnr(image, clean):
    pair = (np.float32(pixels)[None] / 255 for pixels in (image, clean))
    return metrics.psnr(*pair)[0]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_denoises_gray_and_colour_images(tmp_path, capsys, mode):
    clean = np.asarray(
        Image.fromarray(skimage.data.astronaut()[100:161, 180:241]).convert(mode)
    ).reshape(61, 61, -1)
    noise = _SIGMA * np.random.default_rng(0).standard_normal(clean.shape)
    noisy = np.uint8(np.clip(clean + noise, 0, 255))
    path = tmp_path / "photo.png"
    Image.fromarray(noisy.squeeze()).save(path)
    main(["denoise", str(path), f"--sigma={_SIGMA}", *_QUICKLY])
    with Image.open(tmp_path / "photo_denoised.png") as restored:
        assert restored.mode == ("L" if mode == "L" else "RGB")
        restored = np.asarray(restored).reshape(61, 61, -1)
    shown = clean[..., :3]  # Without transparency.
    assert _psnr(restored, shown) > _psnr(noisy[..., :3], shown) + 5
    assert "photo_denoised.png, 61 x 61 pixels" in capsys.readouterr().out
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("channels", [1, 3])
def test_enlarges(tmp_path, channels):
    clean = skimage.data.astronaut()[100:160, 180:240, :channels]
    small = bicubic.imresize_uint8(clean, (20, 20))
    path, output = tmp_path / "small.png", tmp_path / "large.jpg"
    Image.fromarray(small.squeeze()).save(path)
    main(["enlarge", str(path), "--factor=3", f"--output={output}", *_QUICKLY])
    with Image.open(output) as image:
        large = np.asarray(image).reshape(60, 60, channels)
    bicubic_psnr = _psnr(bicubic.imresize_uint8(small, (60, 60)), clean)
    assert _psnr(large, clean) > bicubic_psnr + 0.5


@pytest.mark.parametrize("is_aliased", [False, True])
def test_warns_of_a_picture_without_anti_aliasing(tmp_path, capsys, is_aliased):
    clean = skimage.data.astronaut()[150:300, 200:350]
    matlab = bicubic.imresize_uint8(clean, (50, 50))
    path = tmp_path / "small.png"
    Image.fromarray(clean[1::3, 1::3] if is_aliased else matlab).save(path)
    main(["enlarge", str(path), "--factor=3", "--num_steps=1"])
    assert ("without anti-aliasing" in capsys.readouterr().out) == is_aliased


def test_estimates_the_noise_level_and_warns_of_strong_noise(tmp_path, capsys):
    noise = 80 * np.random.default_rng(0).standard_normal((64, 64))
    path = tmp_path / "photo.png"
    Image.fromarray(np.uint8(np.clip(128 + noise, 0, 255))).save(path)
    main(["denoise", str(path), *_QUICKLY])
    printed = capsys.readouterr().out
    sigma = float(
        re.search(r"estimated from the image: --sigma=([\d.]+)\.", printed)[1]
    )
    # Clipping takes a part of the noise.
    assert 60 < sigma < 85
    assert "The weights saw noise up to 55" in printed


def _noisy(shape):
    noise = 25 * np.random.default_rng(0).standard_normal(shape)
    return np.uint8(np.clip(128 + noise, 0, 255))


def _letters():
    image = Image.new("L", (128, 128))
    ImageDraw.Draw(image).text((5, 5), "letters\non black", 255, font_size=24)
    return np.asarray(image)


_ROUND = np.hypot(*(np.mgrid[:128, :128] - 64)) < 58
_IMAGES = {
    **{f"on {i}": np.where(_ROUND, _noisy((128, 128)), i) for i in (0, 1, 100, 255)},
    "photograph": skimage.data.chelsea()[:61, :80],
    "noise": _noisy((61, 80)),
    "letters": _letters(),
    "twice as large": np.asarray(
        Image.fromarray(_noisy((64, 64))).resize((128, 128), Image.BICUBIC)
    ),
}


@pytest.mark.parametrize("name", _IMAGES)
def test_an_image_and_its_negative_have_one_noise_level(name):
    image = np.atleast_3d(_IMAGES[name])
    assert restore_image._estimate_sigma(image) == pytest.approx(
        restore_image._estimate_sigma(255 - image), rel=1e-9
    )


@pytest.mark.parametrize("level", [0, 1, 100, 255])
def test_flat_areas_of_any_level_are_left_out(level):
    sigma, flat = restore_image._estimate_sigma(_IMAGES[f"on {level}"][..., None])
    assert sigma == pytest.approx(_noisy((128, 128))[_ROUND].std(), rel=0.07)
    # Of what is outside of the circle, but for coefficients that lie across it.
    assert 0.9 * np.mean(~_ROUND) < flat < np.mean(~_ROUND)


def test_flat_channels_are_left_out():
    red = np.zeros((61, 80, 3), np.uint8)
    red[..., 0] = _noisy((61, 80))
    sigma, flat = restore_image._estimate_sigma(red)
    assert sigma == pytest.approx(
        restore_image._estimate_sigma(red[..., :1])[0], rel=1e-9
    )
    assert flat == pytest.approx(2 / 3, abs=0.01)


def test_without_flat_areas_the_estimate_is_that_of_scikit_image():
    image = _noisy((61, 80, 3))
    expected = estimate_sigma(image, average_sigmas=True, channel_axis=-1)
    sigma, flat = restore_image._estimate_sigma(image)
    assert sigma == pytest.approx(expected, rel=1e-3)
    assert flat < 0.01


@pytest.mark.parametrize(
    ("name", "lowest", "highest", "words"),
    [
        ("on 255", 22, 26, []),
        ("noise", 23, 26, []),
        ("letters", 10, 30, ["of the image is flat"]),
        ("twice as large", 1, 3, ["That is little"]),
        ("photograph", 0, 3, ["That is little"]),
    ],
)
def test_says_what_an_estimate_is_worth(capsys, name, lowest, highest, words):
    image = np.atleast_3d(_IMAGES[name])
    sigma = restore_image._estimated_sigma(image)
    assert lowest < sigma < highest
    printed = capsys.readouterr().out
    assert f"--sigma={sigma:.1f}." in printed
    said = [line for line in printed.splitlines() if line.startswith("***")]
    assert len(said) == len(words)
    assert all(word in line for word, line in zip(words, said, strict=True))


@pytest.mark.parametrize(
    ("sigma", "instead"), [("0", ""), ("0.06", "15.3"), ("0.49", "125"), ("0.5", "")]
)
def test_a_noise_level_on_another_scale_is_asked_about_once(
    tmp_path, copied, capsys, sigma, instead
):
    path = tmp_path / "photo.png"
    Image.new("L", (8, 8)).save(path)
    main(["denoise", str(path), f"--sigma={sigma}", *_QUICKLY])
    lines = capsys.readouterr().out.splitlines()
    said = [line for line in lines if line.startswith("***")]
    assert len(said) == bool(instead)
    assert all(f"give --sigma={instead}." in line for line in said)


def test_images_of_one_pixel_width_keep_their_colours_and_profile(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path, output = tmp_path / "line.png", tmp_path / "new.png"
    Image.new("RGB", (1, 7), (200, 100, 50)).save(path, icc_profile=profile)
    main(["denoise", str(path), "--sigma=5", f"--output={output}", *_QUICKLY])
    with Image.open(output) as image:
        assert (image.mode, image.size) == ("RGB", (1, 7))
        assert image.info["icc_profile"] == profile


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["denoise", "no/photo.png", "--sigma=5"], "There is no file no/photo.png"),
        (["denoise", "text.png", "--sigma=5"], "text.png cannot be read"),
        (["denoise", "photo.png"], "--sigma: it cannot be estimated"),
        (["enlarge", "photo.png", "--output=large.txt"], "must end in one of"),
        (["enlarge", "photo.png", "--output=no/a.png"], "there is no folder no"),
        (["enlarge", "photo.png", "--output=photo.png"], "give --overwrite"),
        (["enlarge", "photo.png", "--output=a.png", "--overwrite"], "is a folder"),
        (["enlarge", "photo.png", "--output=/proc/a.png"], "cannot be written"),
    ],
)
def test_refuses_what_the_user_can_mend(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (1, 1)).save("photo.png")
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "a.png").mkdir()
    with pytest.raises(SystemExit, match=f"^error: .*{message}"):
        main(arguments)
    assert len(list(tmp_path.iterdir())) == 3


_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
_GRAY_PROFILE = _PROFILE[:16] + b"GRAY" + _PROFILE[20:]


@pytest.fixture(name="copied")
def _copied(monkeypatch):
    """Restores nothing, which would take time."""
    monkeypatch.setattr(restore_image, "_restore", lambda _, pixels, *__: pixels / 255)


@pytest.mark.parametrize(
    ("mode", "color", "profile", "kept"),
    [
        ("RGB", (200, 100, 50), _PROFILE, "RGB"),
        # Grey in colours, and the profile is that of colours.
        ("RGB", (100, 100, 100), _PROFILE, "RGB"),
        ("L", 100, _GRAY_PROFILE, "L"),
        ("RGB", (200, 100, 50), _GRAY_PROFILE, None),
        ("L", 100, _PROFILE, None),
    ],
)
def test_profile_is_that_of_what_is_written(
    tmp_path, copied, capsys, mode, color, profile, kept
):
    path = tmp_path / "photo.png"
    Image.new(mode, (8, 8), color).save(path, icc_profile=profile)
    main(["denoise", str(path), "--sigma=5"])
    with Image.open(tmp_path / "photo_denoised.png") as image:
        assert image.mode == (kept or mode)
        assert image.info.get("icc_profile") == (profile if kept else None)
        assert image.getpixel((0, 0)) == color
    assert ("photo.png has a colour profile of" in capsys.readouterr().out) != bool(
        kept
    )


def test_formats_without_a_profile_say_so(tmp_path, copied, capsys):
    path, output = tmp_path / "photo.png", tmp_path / "new.ppm"
    Image.new("RGB", (8, 8), "red").save(path, icc_profile=_PROFILE)
    main(["denoise", str(path), "--sigma=5", f"--output={output}"])
    assert "*** .ppm files have no colour profile; it is" in capsys.readouterr().out
    assert output.is_file()


def test_what_is_left_out_is_said(tmp_path, copied, capsys):
    path = tmp_path / "photo.gif"
    first, second = (Image.new("L", (8, 8), i) for i in (5, 7))
    first.save(path, save_all=True, append_images=[second])
    main(["denoise", str(path), "--sigma=5"])
    printed = capsys.readouterr()
    assert f"*** {path} holds 2 pictures; the first is read.\n" in printed.out
    assert not printed.err


def test_a_name_that_is_too_long_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(restore_image, "_restore", None)
    path = tmp_path / ("a" * 246 + ".png")
    Image.new("L", (8, 8)).save(path)
    with pytest.raises(SystemExit, match=r"^error: --output: .* cannot .*too long"):
        main(["denoise", str(path), "--sigma=5"])


def test_the_longest_name_is_written(tmp_path, copied):
    path = tmp_path / ("a" * (255 - len("_denoised.png")) + ".png")
    Image.new("L", (8, 8)).save(path)
    main(["denoise", str(path), "--sigma=5"])
    assert len(list(tmp_path.iterdir())) == 2


def test_a_full_disk_is_found_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(restore_image, "_restore", None)
    path = tmp_path / "photo.png"
    # 3 MB, and enlarged by 2 12 MB.
    Image.new("RGB", (1000, 1000), "red").save(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (11_000_000, hard))
    try:
        with pytest.raises(SystemExit, match=r"^error: --output: .* cannot be written"):
            main(["enlarge", str(path)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _remove(folder):
    shutil.rmtree(folder)


def _fill(folder):
    (folder / "new.png").mkdir()


@pytest.mark.parametrize("happen", [_remove, _fill])
def test_what_cannot_be_written_in_the_end_is_rescued(
    tmp_path, monkeypatch, copied, happen
):
    (tmp_path / "there").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path, output = tmp_path / "photo.png", tmp_path / "there" / "new.png"
    Image.new("L", (8, 8), 77).save(path)
    save = restore_image._save

    def late(*arguments):
        monkeypatch.setattr(restore_image, "_save", save)
        happen(output.parent)
        save(*arguments)

    monkeypatch.setattr(restore_image, "_save", late)
    with pytest.raises(SystemExit) as end:
        main(["denoise", str(path), "--sigma=5", f"--output={output}"])
    pattern = r"error: --output: .*new\.png cannot be written: .* is in (.*\.png)\."
    with Image.open(re.fullmatch(pattern, end.value.code)[1]) as image:
        assert image.getpixel((7, 7)) == 77


def test_what_jpeg_cannot_hold_is_rescued(tmp_path, monkeypatch, copied):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / "photo.png"
    Image.new("L", (65_536, 1), 77).save(path)
    with pytest.raises(SystemExit, match=r"The picture is in .*restored\.png"):
        main(["denoise", str(path), "--sigma=5", f"--output={tmp_path}/new.jpg"])


def test_a_path_that_cannot_be_printed(tmp_path, monkeypatch, copied):
    path = tmp_path / "\udcff\u03c3.png"
    Image.new("L", (8, 8)).save(path)
    screen = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    main(["denoise", str(path), "--sigma=5"])
    screen.flush()
    assert rb"/\udcff\u03c3_denoised.png, 8 x 8 pixels" in screen.buffer.getvalue()
    assert len(list(tmp_path.iterdir())) == 2


def test_overwrites_when_told(tmp_path, run_script):
    path = tmp_path / "photo.png"
    Image.new("L", (8, 8)).save(path)
    arguments = ["enlarge", path, f"--output={path}", "--overwrite", *_QUICKLY]
    finished = run_script("restore_image", *arguments)
    assert "16 x 16 pixels" in finished.stdout
    # Nothing but the progress bar: no remarks of TensorFlow.
    assert all("Restoring: " in line for line in finished.stderr.split("\n") if line)
    with Image.open(path) as image:
        assert image.size == (16, 16)


def test_a_process_that_is_refused_says_one_line(tmp_path, run_script):
    path = tmp_path / "missing.png"
    finished = run_script("restore_image", "enlarge", path, expect_success=False)
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert finished.stderr == f"error: There is no file {path}.\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sigma=-5"], "--sigma: must be from 0 to 255, not -5"),
        (["--sigma=much"], "--sigma: must be from 0 to 255, not much"),
        (["--sigma=nan"], "--sigma: must be from 0 to 255, not nan"),
        (["--sigma=5", "--num_steps=0"], "--num_steps: must be 1 or more, not 0"),
    ],
)
def test_refuses_numbers_that_make_no_sense(capsys, arguments, message):
    with pytest.raises(SystemExit):
        main(["denoise", "photo.png", *arguments])
    assert message in capsys.readouterr().err


def test_help_says_when_the_estimate_is_wrong(capsys):
    with pytest.raises(SystemExit):
        main(["denoise", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "too low where noise spans several pixels" in said
    assert "too high in letters" in said
