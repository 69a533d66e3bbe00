"""Tests of what is remembered of rival methods on the test images."""

import dataclasses
import json

import numpy as np
import pytest
import skimage.data

from paper_experiments.common import image_sets, method_values, provenance
from paper_experiments.common.method_files import Methods
from paper_experiments.common.method_values import MethodValues
from paper_experiments.common.observations import Observations, psnr_of

_WAVELET = "cycle-spun wavelet"


@pytest.fixture(name="test_images")
def _test_images():
    image = skimage.data.astronaut()[:64, 150:230]
    return image_sets.TestImages(
        "mine", {"a": image, "b": image[::-1]}, {"a": 0, "b": 1}, {"mine": ["a", "b"]}
    )


def _values(test, folder, *asked, script="none", color="gray", seed=0):
    return MethodValues(script, color, test, folder, seed, Methods(asked))


@pytest.fixture(name="wavelet")
def _wavelet(tmp_path, test_images):
    return _values(test_images, tmp_path, "cycle_spun_wavelet")


@pytest.fixture(name="mine")
def _mine(tmp_path):
    """A user's file, and what it says of its calls."""
    path = tmp_path / "mine.py"
    path.write_text(
        "CALLS = []\n"
        "def restore(observation, sigma, forward_model):\n"
        "    CALLS.append((sigma, str(forward_model), observation.shape))\n"
        "    return observation / (2 if len(CALLS) < 5 else 0)\n"
    )
    return path


def test_remembers(tmp_path, test_images, wavelet, monkeypatch):
    observations = Observations(test_images, 25, "gray", False, 0)
    assert wavelet.known(_WAVELET, observations) == {}
    wavelet.measure(_WAVELET, observations)
    known = wavelet.known(_WAVELET, observations)
    assert set(known) == {"a", "b"}
    for image_id, psnr in known.items():
        estimate = wavelet.restore(_WAVELET, observations, image_id)
        expected = psnr_of(estimate, observations.clean(image_id))
        assert psnr == pytest.approx(expected, abs=1e-4)

    second = _values(test_images, tmp_path, "cycle_spun_wavelet")
    monkeypatch.setattr(second, "restore", None)
    second.measure(_WAVELET, observations)
    assert second.known(_WAVELET, observations) == known
    # Other noise is not the same observation, and other images are other images.
    upside_down = {i: image[::-1] for i, image in test_images.images.items()}
    others = dataclasses.replace(test_images, images=upside_down)
    for test, how in (
        (test_images, {"seed": 1}),
        (test_images, {"script": "quantized"}),
        (test_images, {"color": "rgb"}),
        (others, {}),
    ):
        found = _values(test, tmp_path, **how)
        assert found.known(_WAVELET, observations) == {}


def test_versions_are_remembered(tmp_path, test_images, wavelet):
    wavelet.measure(_WAVELET, Observations(test_images, 25, "gray", False, 0))
    content = json.loads((tmp_path / method_values.CACHE_FILE).read_text())
    assert content["versions"] == {_WAVELET: provenance.versions()}


def test_a_users_method_is_measured_each_time(tmp_path, test_images, mine):
    observations = Observations(test_images, 25, "gray", False, 0)
    for _ in range(2):
        values = _values(test_images, tmp_path, str(mine))
        assert values.known("mine (yours)", observations) == {}
        values.measure("mine (yours)", observations)
        known = values.known("mine (yours)", observations)
        assert known == {
            i: pytest.approx(
                psnr_of(observations.noisy(i) / 2, observations.clean(i)), abs=1e-4
            )
            for i in "ab"
        }
    assert not (tmp_path / method_values.CACHE_FILE).exists()


def test_a_users_method_that_fails_has_no_values(tmp_path, test_images, mine):
    """In the middle of the third noise level, after two that were fine."""
    values = _values(test_images, tmp_path, str(mine))
    levels = [Observations(test_images, s, "gray", False, 0) for s in (15, 25, 50)]
    with np.errstate(divide="ignore"):
        for observations in levels:
            values.measure("mine (yours)", observations)
    assert [values.known("mine (yours)", o) for o in levels] == [{}, {}, {}]
    assert values.rows == []
    (line,) = values._methods.failures
    assert line.startswith("mine.py, image a, sigma 50: it returns values that are not")


def test_knows_a_part_of_bsds300(tmp_path, test_images):
    """But not a folder of that name."""
    sets = {"68": ["b"], "100": ["a", "b"]}
    whole = dataclasses.replace(test_images, dataset="bsds300", sets=sets)
    folder = dataclasses.replace(whole, sets={"bsds300": ["a", "b"]})
    observations = Observations(test_images, 25, "gray", False, 0)
    _values(whole, tmp_path, "cycle_spun_wavelet").measure(_WAVELET, observations)
    known = [
        list(_values(test, tmp_path).known(_WAVELET, observations))
        for test in (whole, whole.only("68"), folder)
    ]
    assert known == [["a", "b"], ["b"], []]


def test_keeps_what_others_wrote(tmp_path, test_images):
    observations = Observations(test_images, 25, "gray", False, 0)
    names = {
        _WAVELET: "cycle_spun_wavelet",
        "converged total variation": "converged_total_variation",
    }
    wavelet, total_variation = names
    runs = [(0, wavelet), (1, wavelet), (0, total_variation)]
    # All of them have read the file before one writes.
    values = [_values(test_images, tmp_path, names[r], seed=s) for s, r in runs]
    for each, (_, row) in zip(values, runs, strict=True):
        each.measure(row, observations)
    content = json.loads((tmp_path / method_values.CACHE_FILE).read_text())
    assert set(content.pop("versions")) == set(names)
    first, second = sorted(content)
    assert first.startswith("none: gray, mine ")
    assert first.endswith(", seed 0")
    assert set(content[first]) == set(names)
    assert set(content[second]) == {wavelet}


def test_shipped_values_are_used(tmp_path, test_images, monkeypatch):
    """Of methods that cannot be measured here, too."""
    monkeypatch.setattr(method_values, "_SHIPPED_FOLDER", tmp_path)
    shipped = dataclasses.replace(test_images, dataset="bsds300", sets={"100": ["a"]})
    values = {
        "script: gray, bsds300, seed 0": {"BM3D": {"25": {"a": 31.5, "elsewhere": 1.0}}}
    }
    (tmp_path / "script.json").write_text(json.dumps(values))
    found = _values(shipped, tmp_path / "out", script="script")
    assert found.rows == ["BM3D"]
    observations = Observations(test_images, 25, "gray", False, 0)
    assert found.known("BM3D", observations) == {"a": 31.5}
    assert found.known("BM3D", Observations(test_images, 15, "gray", False, 0)) == {}
    found.measure("BM3D", observations)
    assert found.known("BM3D", observations) == {"a": 31.5}
