"""Tests that the measurements of speed measure what they say; not how much."""

import time

import numpy as np
import pytest

from paper_experiments.speed_comparison import alone


@pytest.fixture(name="speed")
def _speed(monkeypatch):
    """The measurements, of small images."""
    for name in ("_HEIGHT", "_WIDTH", "_LARGE_HEIGHT", "_LARGE_WIDTH", "_PATCH_SIZE"):
        monkeypatch.setattr(alone, name, 16)
    return alone


@pytest.mark.parametrize(
    ("part", "keys"),
    [
        ("train", {"startup_s", "train_patches_per_s", "train_peak_mb"}),
        ("restore", {"restore_320x480_s", "floor_320x480_s", "restore_peak_mb"}),
        ("restore_large", {"restore_1920x1080_s", "restore_1920x1080_peak_mb"}),
        ("read_patches", {"pipeline_patches_per_s"}),
    ],
)
def test_measures(speed, monkeypatch, part, keys):
    if part == "read_patches":
        # Of small patches its images have very many.
        monkeypatch.setattr(alone, "_PATCH_SIZE", 320)
    started = time.time()
    measured = getattr(speed, part)("float32", 1, 1, started)
    took = time.time() - started
    assert set(measured) == keys
    for key, value in measured.items():
        assert value > 0
        # No part takes longer than all.
        if key.endswith("_s") and "_per_" not in key:
            assert value <= took + 0.1
        # TensorFlow alone takes more; memory is in megabytes.
        if key.endswith("_mb"):
            assert 100 < value < 100_000


def test_time_is_the_median_without_the_first(speed, monkeypatch):
    times = iter([0.0, 1.0, 10.0, 14.0, 20.0, 22.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(times))
    calls = []
    assert speed.measure.median_seconds(lambda: calls.append(1), 3) == 2.0
    assert len(calls) == 4


def test_convolutions_are_those_of_a_step(speed):
    """In the first step there is no state: fewer channels, the same result."""
    model = speed.rim_tf.RIM(dtype="float32")
    model.build()
    first, later = (
        np.asarray(speed._convolutions(model, 16, 16, has_state)())
        for has_state in (False, True)
    )
    assert first.shape == later.shape == (5,)
    # Those that see no state are the same.
    np.testing.assert_allclose(first[[0, 3, 4]], later[[0, 3, 4]], rtol=1e-4)
    assert np.isfinite(first).all()
