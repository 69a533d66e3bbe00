"""Tests of the steps that a page shows."""

import numpy as np
import pytest

import rim_tf
from paper_experiments.rim_restore import steps
from rim_tf import tiles


def test_of_a_large_image_a_page_shows_the_middle(tmp_path, shown, monkeypatch):
    parts = [tiles.Tile(*[slice(i, i + 4), slice(0, 6)] * 2) for i in (0, 4)]
    monkeypatch.setattr(steps.tiles, "divide", lambda height, width: parts)
    observation = np.random.default_rng(0).uniform(size=(1, 8, 6, 1))
    recorder = steps.Recorder(8, 6)
    for part in parts:
        own = observation[:, part.own_rows]
        recorder.keep(tiles.Step(part, own, rim_tf.Denoising(), own + 0.1))
    page = tmp_path / "c.html"
    before = {"before": observation[0]}
    steps.save(page, recorder, [recorder.steps[0].own[0]], before, 0.2, "a")
    assert shown[0].caption == "columns 0 to 5, rows 4 to 7 of 6 x 8 pixels"
    np.testing.assert_array_equal(shown[0].beside["before"], observation[0, 4:])
    assert shown[0].residuals == pytest.approx([0.5])
