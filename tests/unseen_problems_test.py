"""Tests of the forward models that no model saw."""

import collections

import numpy as np
import pytest
import skimage.data

from paper_experiments.unseen import problems
from paper_experiments.unseen.problems import OPERATORS
from rim_tf.forward_models import check_adjoint

_CLEAN = np.float32(skimage.data.camera()[100:136, 200:248, None] / 255)
_BY_NAME = {operator.name: operator for operator in OPERATORS}


@pytest.mark.parametrize("name", _BY_NAME)
def test_adjoints_are_right(name):
    check_adjoint(_BY_NAME[name].make((36, 48)), (1, 36, 48, 1))


@pytest.mark.parametrize("name", _BY_NAME)
def test_the_least_size_is_enough(name):
    size = problems.LEAST_SIZE
    _BY_NAME[name].make((size, size)).forward(np.zeros((1, size, size, 1), "float32"))


def test_there_are_twelve_half_of_them_never_seen_and_three_beside():
    number = collections.Counter(operator.origin for operator in OPERATORS)
    assert number == {problems.SEEN: 6, problems.NEVER: 6, problems.BESIDE: 3}
    assert len({o.name for o in OPERATORS}) == len({o.title for o in OPERATORS}) == 15


@pytest.mark.parametrize("name", _BY_NAME)
def test_noise_has_the_level_that_is_told(name):
    operator = _BY_NAME[name]
    problem = problems.observe(operator, _CLEAN, 0, 0)
    noiseless = np.asarray(problem.model.forward(_CLEAN[np.newaxis]))
    noise = problem.observation - noiseless
    # What is missing is 0, and has no noise.
    expected = operator.sigma / 255
    assert noise[noise != 0].std() == pytest.approx(expected, rel=0.12)
    assert problem.sigma == expected
    np.testing.assert_array_equal(problem.clean, _CLEAN)


@pytest.mark.parametrize("name", ["half", "fifth", "radial", "scribbles"])
def test_what_is_not_measured_is_0(name):
    problem = problems.observe(_BY_NAME[name], _CLEAN, 0, 0)
    mask = np.asarray(problem.model.mask).reshape(36, 48)
    observation = problem.observation[0, ..., 0]
    np.testing.assert_array_equal(observation[mask == 0], 0)
    assert (observation[mask == 1] != 0).mean() > 0.99


def test_a_factor_changes_nothing_but_the_scale():
    plain, darker, brighter = (
        problems.observe(_BY_NAME[name], _CLEAN, 0, 1).observation
        for name in ("denoising", "darker", "brighter")
    )
    np.testing.assert_allclose(2 * darker, plain, atol=1e-6)
    np.testing.assert_allclose(brighter / 3, plain, atol=1e-6)


def test_images_and_seeds_have_noise_of_their_own():
    observed = {
        problems.observe(_BY_NAME["half"], _CLEAN, seed, number).observation.tobytes()
        for seed in (0, 1)
        for number in (0, 1)
    }
    assert len(observed) == 4


def test_the_mirrored_blur_mirrors():
    """At the corner of a ramp the mean is that of the mirrored image."""
    ramp = np.zeros((1, 36, 48, 1), "float32") + np.arange(36)[:, None, None] / 100
    blurred = np.asarray(_BY_NAME["mirrored"].make((36, 48)).forward(ramp))
    expected = np.mean([3, 2, 1, 0, 0, 1, 2, 3, 4]) / 100
    np.testing.assert_allclose(blurred[0, 0, :, 0], expected, atol=1e-6)
