"""Tests of the denoisers of other libraries, and of what is remembered of them."""

import json

import numpy as np
import pytest
import skimage.data

from paper_experiments import baselines, denoising, image_sets


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
    observations = denoising.Observations(25, color, False, 0)
    clean = observations.clean(test_images, "a")
    restored = found.restore(name, observations, "a")
    assert restored.shape == clean.shape
    assert denoising.psnr_of(restored, clean) > 20.17 + 4


def test_remembers(tmp_path, test_images, monkeypatch):
    observations = denoising.Observations(25, "gray", False, 0)
    first = baselines.Baselines("none", "gray", test_images, tmp_path, 0)
    assert first.known("wavelet", observations) == {}
    first.measure("wavelet", observations)
    known = first.known("wavelet", observations)
    assert set(known) == {"a", "b"}

    second = baselines.Baselines("none", "gray", test_images, tmp_path, 0)
    monkeypatch.setattr(second, "restore", None)
    second.measure("wavelet", observations)
    assert second.known("wavelet", observations) == known
    # Other noise is not the same observation.
    other_seed = baselines.Baselines("none", "gray", test_images, tmp_path, 1)
    assert other_seed.known("wavelet", observations) == {}


def test_shipped_values_are_used(tmp_path, test_images, monkeypatch):
    monkeypatch.setattr(baselines, "_SHIPPED_FOLDER", tmp_path)
    values = {"mine, seed 0": {"BM3D": {"25": {"a": 31.5, "elsewhere": 1.0}}}}
    (tmp_path / "script.json").write_text(json.dumps(values))
    found = baselines.Baselines("script", "gray", test_images, tmp_path / "out", 0)
    assert "BM3D" in found.names
    observations = denoising.Observations(25, "gray", False, 0)
    assert found.known("BM3D", observations) == {"a": 31.5}
    assert found.known("BM3D", denoising.Observations(15, "gray", False, 0)) == {}


def test_strength_follows_the_noise(tmp_path, test_images):
    """At each noise level the estimate is better than that for another level."""
    found = baselines.Baselines("none", "gray", test_images, tmp_path, 0)
    observations = denoising.Observations(50, "gray", False, 0)
    clean = observations.clean(test_images, "a")
    noisy = observations.observe(clean, 0)
    right, weak = (
        denoising.psnr_of(found._denoisers["total variation"](noisy, sigma), clean)
        for sigma in (50 / 255, 10 / 255)
    )
    assert right > weak + 3
    assert np.isfinite(right)
