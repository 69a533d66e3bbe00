"""Tests of what restores the images."""

import numpy as np
import pytest
import skimage.data

import rim_tf
from paper_experiments.common.method_files import Methods
from paper_experiments.unseen import methods, problems
from paper_experiments.unseen.problems import OPERATORS
from paper_experiments.unseen.splitting import Splitting
from rim_tf import pretrained

_CLEAN = np.float32(skimage.data.camera()[100:136, 200:236, None] / 255)
_NONE = Methods([])
_PROBLEMS = {o.name: problems.observe(o, _CLEAN, 0, 0) for o in OPERATORS}


@pytest.fixture(name="model")
def _model(small_weights):
    return pretrained.load_pretrained(small_weights, "float32")


def test_columns_are_those_of_the_table(model):
    ways = methods.all_of({"A": model, "B": model}, model, 50, _NONE)
    assert [column for way in ways for column in way.columns] == [
        *("observation", "Wiener", "biharmonic", "TV", "PnP"),
        *("A, t = 10", "A, t = 20", "A, t = 50", "B, t = 10", "B, t = 20", "B, t = 50"),
    ]
    for num_steps, steps in ((5, [5]), (10, [10]), (20, [10, 20]), (30, [10, 20, 30])):
        ways = methods.all_of({"A": model}, model, num_steps, _NONE)
        assert ways[-1].columns == tuple(f"A, t = {t}" for t in steps)
        for name in ("half", "bicubic_3"):
            assert len(ways[-1].restore(_PROBLEMS[name])) == len(steps)


def test_what_a_value_depends_on_is_in_its_fingerprint(model, small_weights):
    other = pretrained.load_pretrained(small_weights, "float32")
    other.phi_epsilon.assign(1.0)
    before = methods.all_of({"A": model, "B": model}, model, 10, _NONE)
    after = methods.all_of({"A": model, "B": other}, other, 10, _NONE)
    changed = [
        a.name
        for a, b in zip(before, after, strict=True)
        if a.fingerprint != b.fingerprint
    ]
    # Another model costs no time but its own.
    assert changed == ["PnP", "B"]
    # Another T has other columns.
    longer = methods.all_of({"A": model}, model, 12, _NONE)
    assert longer[-1].fingerprint != before[-2].fingerprint


@pytest.mark.parametrize("name", ["gaussian", "fifth", "bicubic_3", "brighter"])
def test_estimates_of_all_t_are_those_of_the_library(model, name):
    problem = _PROBLEMS[name]
    (way,) = [
        w for w in methods.all_of({"A": model}, model, 12, _NONE) if w.name == "A"
    ]
    for t, image in zip((10, 12), way.restore(problem), strict=True):
        expected = rim_tf.restore(
            model, problem.observation, problem.model, problem.sigma, num_steps=t
        )
        np.testing.assert_allclose(image, expected[0], atol=1e-5)


def test_observations_as_images():
    images = {name: methods.as_image(problem) for name, problem in _PROBLEMS.items()}
    for name, image in images.items():
        assert image.shape == _CLEAN.shape, name
        assert 0 <= image.min() <= image.max() <= 1, name
    y = {name: p.observation[0] for name, p in _PROBLEMS.items()}
    # A^T y of a blur would be blurred twice.
    for name in ("gaussian", "motion_25", "mirrored", "half", "denoising"):
        np.testing.assert_allclose(images[name], np.clip(y[name], 0, 1), atol=1e-6)
    for name, factor in (("darker", 2), ("brighter", 1 / 3)):
        expected = np.clip(factor * y[name], 0, 1)
        np.testing.assert_allclose(images[name], expected, atol=1e-6)
    larger = rim_tf.bicubic.imresize(y["bicubic_3"][np.newaxis], (36, 36))
    np.testing.assert_allclose(images["bicubic_3"], np.clip(larger[0], 0, 1), atol=1e-3)


def test_plug_and_play_removes_noise_of_the_level_asked_for(model, monkeypatch):
    asked = []

    def restore(denoiser, image, sigma, num_steps):
        asked.append((denoiser, sigma, num_steps))
        return np.clip(image, 0, 1)

    monkeypatch.setattr(methods, "restore", restore)
    image = methods.plug_and_play(_PROBLEMS["half"], model)
    assert len(asked) == 8
    assert {(denoiser, steps) for denoiser, _, steps in asked} == {(model, 8)}
    assert asked[-1][1] == pytest.approx(2 / 255)
    clipped = Splitting(_PROBLEMS["half"]).restore(lambda x, _: np.clip(x, 0, 1))
    np.testing.assert_array_equal(image, clipped)


def test_a_file_is_a_method_that_is_measured_anew(model, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "def restore(y, sigma, a):\n"
        "    if not hasattr(a, 'mask'):\n"
        "        raise NotImplementedError\n"
        "    return a.adjoint(y[None])[0]\n"
    )
    first, second = (
        methods.all_of({"A": model}, model, 10, asked)
        for asked in (Methods([str(path)], True), Methods([str(path)], True))
    )
    assert [way.name for way in first][3:] == ["TV", "PnP", "file 0", "A"]
    ours, again = first[5], second[5]
    assert ours.columns == ("mine (yours)",)
    assert ours.fingerprint != again.fingerprint
    (estimate,) = ours.restore(_PROBLEMS["half"])
    expected = _PROBLEMS["half"].model.adjoint(_PROBLEMS["half"].observation)[0]
    np.testing.assert_array_equal(estimate, expected)
    assert ours.restore(_PROBLEMS["gaussian"]) == [None]
