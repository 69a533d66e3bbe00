"""Tests of what the denoising tables show."""

import numpy as np

from paper_experiments import denoising, denoising_table, image_sets

_OBSERVATIONS = denoising.Observations(25, "gray", quantized=False, seed=0)


def _measured(*image_ids):
    """Returns the results of a baseline, and the test images."""
    images = {i: np.zeros((8, 8, 3), np.uint8) for i in "abc"}
    sets = {"68": ["a", "b"], "100": ["a", "b", "c"]}
    test = image_sets.TestImages("bsds300", images, {}, sets)
    psnr = {i: 28.0 for i in image_ids}
    return denoising.to_measured(psnr, "BM3D", test, _OBSERVATIONS), test


def _sets(*image_ids):
    return [r.test_set for r in denoising_table.whole_sets(*_measured(*image_ids))]


def test_a_baseline_stands_where_it_was_measured_on_the_whole_set():
    assert _sets("a", "b", "c") == ["68", "100"]
    assert _sets("a", "b") == ["68"]


def test_a_baseline_measured_on_some_images_stands_with_their_number():
    assert _sets("a") == ["68", "100"]
    assert _sets("c") == ["100"]
