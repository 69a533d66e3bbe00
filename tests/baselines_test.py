"""Tests of the denoisers of other libraries, and of what is remembered of them."""

import dataclasses
import json
import sys

import numpy as np
import pytest
import skimage.data

from paper_experiments.common import baselines, image_sets
from paper_experiments.common.observations import Observations, psnr_of


@pytest.fixture(name="test_images")
def _test_images():
    image = skimage.data.astronaut()[:64, 150:230]
    return image_sets.TestImages(
        "mine", {"a": image, "b": image[::-1]}, {"a": 0, "b": 1}, {"mine": ["a", "b"]}
    )


@pytest.mark.parametrize("color", ["gray", "rgb"])
@pytest.mark.parametrize("name", ["BM3D", "CBM3D", "total variation", "wavelet"])
def test_removes_noise(tmp_path, test_images, color, name):
    found = baselines.Baselines("none", color, test_images, tmp_path, 0)
    if name not in found.names:
        pytest.skip(f"{name} is for other images, or not installed.")
    observations = Observations(test_images, 25, color, False, 0)
    clean = observations.clean("a")
    restored = found.restore(name, observations, "a")
    assert restored.shape == clean.shape
    assert psnr_of(restored, clean) > 20.17 + 4


def test_remembers(tmp_path, test_images, monkeypatch):
    observations = Observations(test_images, 25, "gray", False, 0)
    first = baselines.Baselines("none", "gray", test_images, tmp_path, 0)
    assert first.known("wavelet", observations) == {}
    first.measure("wavelet", observations)
    known = first.known("wavelet", observations)
    assert set(known) == {"a", "b"}

    second = baselines.Baselines("none", "gray", test_images, tmp_path, 0)
    monkeypatch.setattr(second, "restore", None)
    second.measure("wavelet", observations)
    assert second.known("wavelet", observations) == known
    # Other noise is not the same observation, and other images are other images.
    upside_down = {i: image[::-1] for i, image in test_images.images.items()}
    others = dataclasses.replace(test_images, images=upside_down)
    for script, color, test, seed in (
        ("none", "gray", test_images, 1),
        ("quantized", "gray", test_images, 0),
        ("none", "rgb", test_images, 0),
        ("none", "gray", others, 0),
    ):
        found = baselines.Baselines(script, color, test, tmp_path, seed)
        assert found.known("wavelet", observations) == {}


def test_knows_a_part_of_bsds300(tmp_path, test_images):
    """But not a folder of that name."""
    sets = {"68": ["b"], "100": ["a", "b"]}
    whole = dataclasses.replace(test_images, dataset="bsds300", sets=sets)
    folder = dataclasses.replace(whole, sets={"bsds300": ["a", "b"]})
    observations = Observations(test_images, 25, "gray", False, 0)
    known = []
    for test in (whole, whole.only("68"), folder):
        found = baselines.Baselines("none", "gray", test, tmp_path, 0)
        if not known:
            found.measure("wavelet", observations)
        known.append(list(found.known("wavelet", observations)))
    assert known == [["a", "b"], ["b"], []]


def test_keeps_what_others_wrote(tmp_path, test_images):
    observations = Observations(test_images, 25, "gray", False, 0)
    runs = [
        baselines.Baselines("none", "gray", test_images, tmp_path, seed)
        for seed in (0, 1, 0)
    ]
    for run, name in zip(runs, ("wavelet", "wavelet", "total variation"), strict=True):
        run.measure(name, observations)
    content = json.loads((tmp_path / baselines.CACHE_FILE).read_text())
    first, second = sorted(content)
    assert first.startswith("none: gray, mine ")
    assert first.endswith(", seed 0")
    assert set(content[first]) == {"wavelet", "total variation"}
    assert set(content[second]) == {"wavelet"}


def test_a_folder_named_as_a_data_set(tmp_path, test_images):
    observations = Observations(test_images, 25, "gray", False, 0)
    key = "none: gray, bsds300, seed 0"
    known = {key: {"wavelet": {"25": {"a": 31.5}}}}
    (tmp_path / baselines.CACHE_FILE).write_text(json.dumps(known))
    named = dataclasses.replace(
        test_images, dataset="bsds300", sets={"bsds300": ["a", "b"]}
    )
    found = baselines.Baselines("none", "gray", named, tmp_path, 0)
    assert found.known("wavelet", observations) == {}


def test_shipped_values_are_used(tmp_path, test_images, monkeypatch):
    monkeypatch.setattr(baselines, "_SHIPPED_FOLDER", tmp_path)
    shipped = dataclasses.replace(test_images, dataset="bsds300", sets={"100": ["a"]})
    values = {
        "script: gray, bsds300, seed 0": {"BM3D": {"25": {"a": 31.5, "elsewhere": 1.0}}}
    }
    (tmp_path / "script.json").write_text(json.dumps(values))
    found = baselines.Baselines("script", "gray", shipped, tmp_path / "out", 0)
    assert "BM3D" in found.names
    observations = Observations(test_images, 25, "gray", False, 0)
    assert found.known("BM3D", observations) == {"a": 31.5}
    assert found.known("BM3D", Observations(test_images, 15, "gray", False, 0)) == {}


def test_strength_follows_the_noise(tmp_path, test_images):
    """At each noise level the estimate is better than that for another level."""
    found = baselines.Baselines("none", "gray", test_images, tmp_path, 0)
    observations = Observations(test_images, 50, "gray", False, 0)
    clean = observations.clean("a")
    noisy = observations.noisy("a")
    right, weak = (
        psnr_of(found._denoisers["total variation"](noisy, sigma), clean)
        for sigma in (50 / 255, 10 / 255)
    )
    assert right > weak + 3
    assert np.isfinite(right)


@pytest.mark.parametrize("error", ["ImportError", "OSError"])
def test_without_the_library(tmp_path, test_images, monkeypatch, error):
    """What is known of BM3D is still used; the others are measured."""
    (tmp_path / "bm3d.py").write_text(f"raise {error}('no binary part')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "bm3d", raising=False)
    observations = Observations(test_images, 25, "gray", False, 0)
    found = baselines.Baselines("none", "gray", test_images, tmp_path, 0)
    assert found.names == ["total variation", "wavelet"]
    known = {found._key: {"BM3D": {"25": {"a": 31.5}}}}
    (tmp_path / baselines.CACHE_FILE).write_text(json.dumps(known))
    found = baselines.Baselines("none", "gray", test_images, tmp_path, 0)
    assert found.names == ["total variation", "wavelet", "BM3D"]
    found.measure("BM3D", observations)
    assert found.known("BM3D", observations) == {"a": 31.5}
