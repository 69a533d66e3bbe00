"""Tests of the classical restorations."""

import time

import numpy as np
import pytest
import skimage.data
from skimage import restoration

from paper_experiments.common.observations import psnr_of
from paper_experiments.unseen import classics, problems
from paper_experiments.unseen.problems import OPERATORS
from rim_tf import images

_CAT = np.float32(images.to_gray(skimage.data.chelsea())[90:153, 150:213] / 255)
_BY_NAME = {operator.name: operator for operator in OPERATORS}
_BLURS = ("gaussian", "motion_15", "motion_25", "motion_21", "defocus", "double")


def _problem(name, clean=_CAT):
    return problems.observe(_BY_NAME[name], clean, 0, 0)


def _error(image, clean):
    return -10 * np.log10(np.mean((image - clean) ** 2))


@pytest.mark.parametrize("name", [*_BLURS, "mirrored"])
def test_wieners_border_is_no_worse_than_its_inside(name):
    image = classics.wiener(_problem(name))
    assert image.min() >= 0
    assert image.max() <= 1
    inside = np.zeros(_CAT.shape, bool)
    inside[8:-8, 8:-8] = True
    of_inside, of_border = (
        _error(image[where], _CAT[where]) for where in (inside, ~inside)
    )
    assert of_border > of_inside - 1
    assert psnr_of(image, _CAT) > psnr_of(_problem(name).observation[0], _CAT) + 2.5


@pytest.mark.parametrize("name", ["gaussian", "motion_25", "defocus"])
def test_wiener_without_the_smooth_image_would_ring(name):
    """What scikit-image does with the observation itself, at its best."""
    problem = _problem(name)
    kernel = np.asarray(problem.model.kernel)
    plain = [
        restoration.wiener(problem.observation[0, ..., 0], kernel, b, clip=False)
        for b in np.geomspace(1e-4, 10, 13)
    ]
    best = max(psnr_of(image[..., None], _CAT) for image in plain)
    assert psnr_of(classics.wiener(problem), _CAT) > best + 0.3


def test_wiener_mirrors_what_a_mirroring_blur_observed():
    """It matters where there is little noise: taken as circular it reaches 32.4 dB."""
    operator = _BY_NAME["mirrored"]._replace(sigma=0.2)
    problem = problems.observe(operator, _CAT, 0, 0)
    assert psnr_of(classics.wiener(problem), _CAT) > 32.8


@pytest.mark.parametrize("function", [classics.wiener, classics.total_variation])
def test_strengths_are_tuned_on_the_truth(function):
    clean = _CAT[:36, :36]
    problem = _problem("gaussian", clean)
    other = problem._replace(clean=problem.observation[0])
    assert psnr_of(function(problem), clean) > psnr_of(function(other), clean)


@pytest.mark.parametrize("name", ["half", "fifth", "scribbles"])
def test_biharmonic_is_scikit_images(name):
    problem = _problem(name)
    missing = np.asarray(problem.model.mask)[0, ..., 0] == 0
    y = problem.observation[0, ..., 0]
    filled = np.clip(restoration.inpaint_biharmonic(y, missing), 0, 1)
    np.testing.assert_allclose(classics.biharmonic(problem)[..., 0], filled)
    assert psnr_of(classics.biharmonic(problem), _CAT) > 25


def test_biharmonic_takes_seconds_for_a_whole_image():
    """A tenth of BSDS-300's, with 80% missing; of regions apart it takes minutes."""
    clean = np.float32(skimage.data.camera()[:126, :126, None] / 255)
    start = time.monotonic()
    classics.biharmonic(_problem("fifth", clean))
    assert time.monotonic() - start < 10


def test_each_is_for_its_forward_models():
    for operator in OPERATORS:
        problem = _problem(operator.name, _CAT[:36, :36])
        blurred = operator.name in (*_BLURS, "mirrored")
        masked = operator.name in ("half", "fifth", "scribbles")
        assert (classics.wiener(problem) is not None) == blurred
        assert (classics.biharmonic(problem) is not None) == masked


@pytest.mark.parametrize(
    ("name", "gain"), [("radial", 1), ("bicubic_3", 0), ("denoising", 6)]
)
def test_total_variation_is_for_all(name, gain):
    problem = _problem(name)
    image = classics.total_variation(problem)
    assert image.shape == _CAT.shape
    assert 0 <= image.min() <= image.max() <= 1
    plain = np.asarray(problem.model.initial_estimate(problem.observation))[0]
    assert psnr_of(image, _CAT) > psnr_of(plain, _CAT) + gain
