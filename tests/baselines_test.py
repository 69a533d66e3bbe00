"""Tests of the files of `baselines/`, each on grey and on colour images."""

import numpy as np
import pytest
import skimage.data

from paper_experiments.common import method_files
from paper_experiments.common.method_files import MethodError, NotForThisError
from paper_experiments.common.observations import psnr_of
from rim_tf import Denoising
from rim_tf.forward_models import Blur

_IMAGE = np.float32(skimage.data.astronaut()[:64, 150:230] / 255)
_CLEAN = {1: _IMAGE[..., 1:2], 3: _IMAGE}
_CHANNELS = {"bm3d": [1], "cbm3d": [3], "dncnn_scico": [1]}
_OF_BLUR = "admm_scico"
_DENOISERS = [name for name in method_files.names() if name != _OF_BLUR]


def _load(name):
    try:
        return method_files.load(method_files.find(name))
    except MethodError as error:
        pytest.skip(f"{name}: {error}")


def _noisy(channels, sigma):
    clean = _CLEAN[channels]
    normal = np.random.default_rng(0).standard_normal(clean.shape, np.float32)
    return clean + np.float32(sigma) * normal


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", _DENOISERS)
def test_removes_noise(name, channels):
    file = _load(name)
    if channels not in _CHANNELS.get(name, [1, 3]):
        with pytest.raises(NotForThisError):
            file.estimate(_CLEAN[channels], 0.1, Denoising(), _CLEAN[channels].shape)
        return
    for level, gain in ((15, 2), (25, 4), (50, 6)):
        noisy = _noisy(channels, level / 255)
        estimate = file.estimate(noisy, level / 255, Denoising(), noisy.shape)
        clean = _CLEAN[channels]
        assert psnr_of(estimate, clean) > psnr_of(noisy, clean, clip=False) + gain


@pytest.mark.parametrize("boundary", Blur.BOUNDARIES)
def test_deblurs_up_to_the_border(boundary):
    file = _load(_OF_BLUR)
    # Not centred, not symmetric: neither flip nor shift goes unseen.
    kernel = np.triu(np.ones((5, 4)))
    blur = Blur(kernel / kernel.sum(), boundary)
    y = np.asarray(blur.forward(_CLEAN[1][np.newaxis])[0])
    y += _noisy(1, 2 / 255) - _CLEAN[1]
    estimate = file.estimate(y, 2 / 255, blur, y.shape)
    clean, inside = _CLEAN[1], slice(8, -8)
    assert psnr_of(estimate, clean) > psnr_of(y, clean) + 4
    whole, middle = (
        psnr_of(a, b)
        for a, b in (
            (estimate, clean),
            (estimate[inside, inside], clean[inside, inside]),
        )
    )
    assert whole > middle - 1


@pytest.mark.parametrize("name", method_files.names())
def test_is_for_its_forward_models(name):
    file = _load(name)
    other = Denoising() if name == _OF_BLUR else Blur(np.ones((3, 3)) / 9)
    with pytest.raises(NotForThisError):
        file.estimate(_CLEAN[1], 0.1, other, _CLEAN[1].shape)


@pytest.mark.parametrize("name", method_files.names())
def test_says_what_it_is(name):
    """Of which package, in which units, and what it was trained for."""
    text = method_files.find(name).read_text()
    said = text.split('"""')[1]
    for words in ("scale from 0", "trained", "sigma"):
        assert words in " ".join(said.split()), words
    assert "NAME = " in text


def test_total_variation_is_converged():
    """A thousand times the tolerance stops a tenth of a dB lower."""
    file = _load("converged_total_variation")
    noisy = _noisy(1, 50 / 255)
    estimate = file.estimate(noisy, 50 / 255, Denoising(), noisy.shape)
    settled = skimage.restoration.denoise_tv_chambolle(
        noisy, weight=0.8 * 50 / 255, eps=1e-9, max_num_iter=20000, channel_axis=-1
    )
    early = skimage.restoration.denoise_tv_chambolle(
        noisy, weight=0.8 * 50 / 255, channel_axis=-1
    )
    clean = _CLEAN[1]
    assert psnr_of(estimate, clean) == pytest.approx(psnr_of(settled, clean), abs=0.01)
    assert abs(psnr_of(early, clean) - psnr_of(settled, clean)) > 0.02


@pytest.mark.parametrize("channels", [1, 3])
def test_cycle_spinning_gains_a_db(channels):
    file = _load("cycle_spun_wavelet")
    noisy, sigma = _noisy(channels, 25 / 255), 25 / 255
    plain = skimage.restoration.denoise_wavelet(
        noisy,
        sigma=sigma,
        method="BayesShrink",
        rescale_sigma=True,
        convert2ycbcr=channels == 3,
        channel_axis=-1,
    )
    estimate = file.estimate(noisy, sigma, Denoising(), noisy.shape)
    clean = _CLEAN[channels]
    assert psnr_of(estimate, clean) > psnr_of(plain, clean) + 0.9


@pytest.mark.parametrize("level", [5, 20, 35, 75])
def test_a_network_for_one_level_is_not_taken_for_another(level):
    file = _load("dncnn_scico")
    with pytest.raises(NotForThisError, match="for sigma 15, 25 and 50 of 255"):
        file.estimate(_noisy(1, level / 255), level / 255, Denoising(), (64, 80, 1))
