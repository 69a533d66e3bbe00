"""Tests of what the denoising tables show."""

import dataclasses

import numpy as np
import pytest

from paper_experiments import denoising, denoising_table, image_sets, reporting

_OBSERVATIONS = denoising.Observations(25, "gray", quantized=False, seed=0)


def _measured(*image_ids):
    """Returns the results of a baseline, and the test images."""
    images = {i: np.zeros((8, 8, 3), np.uint8) for i in "abc"}
    sets = {"68": ["a", "b"], "100": ["a", "b", "c"]}
    test = image_sets.TestImages("bsds300", images, {}, sets)
    psnr = {i: 28.0 for i in image_ids}
    return denoising.to_measured(psnr, "BM3D", test, _OBSERVATIONS), test


def _of_whole_sets(model, mean, test_set="68", number=68):
    return [
        reporting.Measured(model, test_set, {"sigma": s}, "psnr", mean, number, {})
        for s in (15, 25)
    ]


@pytest.mark.parametrize(
    ("mean", "differences", "verdict"),
    [
        (30.0, "-0.10 / +1.90 dB on the 68 images", "**reproduced**"),
        (29.9, "-0.20 / +1.80 dB on the 68 images", "**NOT REPRODUCED**"),
    ],
)
def test_says_whether_reported_numbers_are_reached(mean, differences, verdict):
    reported = {"RIM-x": {"68": {"15": 30.1, "25": 28.1}}, "BM3D": {"68": {"15": 1}}}
    _, test = _measured()
    measured = _of_whole_sets("RIM-x", mean) + _of_whole_sets("BM3D", mean)
    (line,) = denoising_table.compare(measured, reported, test)
    assert "RIM-x, measured less reported" in line
    assert differences in line
    assert verdict in line


def test_says_nothing_of_what_cannot_be_compared():
    reported = {"RIM-x": {"68": {"15": 30.1}}}
    _, test = _measured()
    elsewhere = dataclasses.replace(test, dataset="embedded")
    for measured, images in (
        (_of_whole_sets("RIM-x", 30.0, number=1), test),
        (_of_whole_sets("RIM-x", 30.0, "100", 100), test),
        (_of_whole_sets("RIM (ours)", 30.0), test),
        (_of_whole_sets("RIM-x", 30.0), elsewhere),
    ):
        assert denoising_table.compare(measured, reported, images) == []


def _sets(*image_ids):
    return [r.test_set for r in denoising_table.whole_sets(*_measured(*image_ids))]


def test_a_baseline_stands_where_it_was_measured_on_the_whole_set():
    assert _sets("a", "b", "c") == ["68", "100"]
    assert _sets("a", "b") == ["68"]


def test_a_baseline_measured_on_some_images_stands_with_their_number():
    assert _sets("a") == ["68", "100"]
    assert _sets("c") == ["100"]
