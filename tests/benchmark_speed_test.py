"""Tests that the measurements of speed measure something; not how much."""

import time

import pytest

from paper_experiments import speed


@pytest.fixture(name="small", autouse=True)
def _small(monkeypatch):
    for name in ("_HEIGHT", "_WIDTH", "_LARGE_HEIGHT", "_LARGE_WIDTH", "_PATCH_SIZE"):
        monkeypatch.setattr(speed, name, 16)


@pytest.mark.parametrize(
    ("part", "keys"),
    [
        (speed.train, {"startup_s", "train_patches_per_s", "train_peak_mb"}),
        (
            speed.restore,
            {"restore_320x480_s", "floor_320x480_s", "restore_peak_mb"},
        ),
        (speed.restore_large, {"restore_1920x1080_s", "restore_1920x1080_peak_mb"}),
        (speed.read_patches, {"pipeline_patches_per_s"}),
    ],
)
def test_measures(part, keys):
    measured = part("float32", 1, 1, time.time() - 1)
    assert set(measured) == keys
    assert all(value > 0 for value in measured.values())
