"""Tests of what is said of durations before they are over."""

import dataclasses
import pathlib
import types

import numpy as np
import pytest

from paper_experiments.common import durations, image_sets, run
from paper_experiments.common.kept_values import KeptValues

_IMAGES = {name: np.zeros((20, 30, 3), np.uint8) for name in "ab"}
_TEST = image_sets.TestImages("mine", _IMAGES, {"a": 0, "b": 1}, {"mine": ["a", "b"]})
_RUN = run.Run(
    "s",
    {"num_images": None, "overwrite": False},
    pathlib.Path("out"),
    "float32",
    5,
    0.0,
)


@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_all_pixels_steps_and_times_count(monkeypatch, capsys, color):
    tried = []
    monkeypatch.setattr(
        durations,
        "seconds_per_pixel_step",
        lambda model, batch: tried.append(batch.shape) or 1e-3,
    )
    durations.announce_duration(None, _TEST, color, _RUN, 6, KeptValues())
    # 2 images of 600 pixels, 5 steps, 6 times.
    assert capsys.readouterr().out == (
        "Restoring 2 images 6 times with 5 steps takes about 36 s. If it is "
        "interrupted, the same command goes on with it.\n"
        "For a quick look: --num_images=1 --num_steps=5.\n\n"
    )
    assert tried == [(1, 20, 30, 3 if color == "rgb" else 1)]
    quick = dataclasses.replace(_RUN, flags={"num_images": 1, "overwrite": False})
    durations.announce_duration(None, _TEST.first(1), color, quick, 1, KeptValues())
    assert capsys.readouterr().out == (
        "Restoring 1 image 1 time with 5 steps takes about 3 s. If it is "
        "interrupted, the same command goes on with it.\n\n"
    )
    kept = types.SimpleNamespace(found_before=3)
    durations.announce_duration(None, _TEST, color, _RUN, 2, kept)
    assert (
        "\n3 values of an earlier run are here: less, if they are of the same"
        in capsys.readouterr().out
    )


def test_the_step_that_is_timed_is_the_third(monkeypatch):
    """The first two compile."""
    monkeypatch.setattr(
        durations, "iterate", lambda *_, num_steps, sigma: iter(range(num_steps))
    )
    times = iter([0.0, 100.0, 101.5])
    monkeypatch.setattr(durations.time, "perf_counter", lambda: next(times))
    seconds = durations.seconds_per_pixel_step(None, np.zeros((2, 5, 10, 3)))
    assert seconds == pytest.approx(1.5 / 100)
