"""Tests of the command line that restores an image file."""

import re

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageCms

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
