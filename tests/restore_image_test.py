"""Tests of the command line that restores an image file."""

import numpy as np
import pytest
import skimage.data
from PIL import Image

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
    shown = clean[..., :3]
    assert _psnr(restored, shown) > _psnr(noisy[..., :3], shown) + 5
    assert "photo_denoised.png, 61 x 61 pixels" in capsys.readouterr().out
    assert len(list(tmp_path.iterdir())) == 2


def test_enlarges(tmp_path):
    clean = skimage.data.astronaut()[100:160, 180:240]
    small = bicubic.imresize_uint8(clean, (20, 20))
    path, output = tmp_path / "small.png", tmp_path / "large.tif"
    Image.fromarray(small).save(path)
    main(["enlarge", str(path), "--factor=3", f"--output={output}", *_QUICKLY])
    with Image.open(output) as image:
        large = np.asarray(image)
    bicubic_psnr = _psnr(bicubic.imresize_uint8(small, (60, 60)), clean)
    assert _psnr(large, clean) > bicubic_psnr + 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["denoise", "missing.png", "--sigma=5"], "missing.png cannot be read"),
        (["enlarge", "photo.png", "--output=large.txt"], "must end in one of"),
        (["enlarge", "photo.png", "--output=no/a.png"], "there is no folder no"),
        (["enlarge", "photo.png", "--output=photo.png"], "give --overwrite"),
    ],
)
def test_refuses_what_the_user_can_mend(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (24, 24)).save("photo.png")
    with pytest.raises(SystemExit, match=f"^error: .*{message}"):
        main(arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_overwrites_when_told(tmp_path):
    path = tmp_path / "photo.png"
    Image.new("L", (8, 8)).save(path)
    arguments = [f"--output={path}", "--overwrite", *_QUICKLY]
    main(["enlarge", str(path), *arguments])
    with Image.open(path) as image:
        assert image.size == (16, 16)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: --sigma"),
        (["--sigma=-5"], "--sigma: must be from 0 to 255, not -5"),
        (["--sigma=nan"], "--sigma: must be from 0 to 255, not nan"),
        (["--sigma=5", "--num_steps=0"], "--num_steps: must be at least 1, not 0"),
    ],
)
def test_refuses_numbers_that_make_no_sense(capsys, arguments, message):
    with pytest.raises(SystemExit):
        main(["denoise", "photo.png", *arguments])
    assert message in capsys.readouterr().err
