"""Tests of tables and results."""

import json

import numpy as np
import pytest

from paper_experiments import reporting


def test_table_is_aligned_markdown():
    table = reporting.Table(["dB", "68: 15", "68: 25"], 8)
    row = table.add("BM3D", [31.0849, None])
    assert row == "| BM3D     |  31.08 |        |"
    assert table.lines == [
        "| dB       | 68: 15 | 68: 25 |",
        "|----------|-------:|-------:|",
        "| BM3D     |  31.08 |        |",
    ]


def test_numbers_of_things_in_words():
    assert reporting.count(1, "image") == "1 image"
    assert reporting.count(0, "image") == "0 images"
    assert reporting.count(2, "patch", "patches") == "2 patches"


def test_reported_numbers_have_a_provenance():
    reported = reporting.read_reported("table2_denoise")
    assert reported["rows"]["RIM-denoise"]["68"] == {
        "15": 31.31,
        "25": 28.91,
        "50": 26.06,
    }
    assert reported["provenance"]


def test_result_json():
    record = reporting.Measured(
        "RIM", "68", {"sigma": 25}, "psnr", 28.9, 1, {"3096": 28.9}
    )
    result = json.loads(
        reporting.result_json("s", {"seed": 3}, "bsds300", 1.26, [record], {}, {})
    )
    assert result["measured"][0]["per_image"] == {"3096": 28.9}
    assert (result["seed"], result["seconds"]) == (3, 1.3)
    assert result["versions"]["keras"]


def test_note_on_a_training_and_the_one_that_it_began_with():
    first = {
        "name": "b",
        "patches_seen": 2000,
        "data": "bsds300",
        "seconds": 600,
        "problem": "DenoisingProblem(max_sigma=0.2, quantized=False)",
        "settings": {"steps_schedule": [[20, 1.0]]},
    }
    second = {
        **first,
        "name": "a",
        "patches_seen": 3000,
        "patch_size": 64,
        "problem": "DenoisingProblem(max_sigma=0.2, quantized=True)",
        "settings": {
            "steps_schedule": [[10, 0.4], [20, 0.6]],
            "optimizer": "muon",
            "loss": "log_mse",
        },
        "initial_weights": first,
    }
    assert reporting.training_note(second) == (
        "Weights a, trained on 5,000 patches (the paper: about 800,000, with T = 20): "
        "2,000 of bsds300 in 10 min, T = 20; then "
        "3,000 of bsds300 (64 x 64 pixels, observations of 8 bits) in 10 min, "
        "T = 10 for 40% of the computation, 20 for 60% of the computation, "
        "optimizer Muon, loss log MSE."
    )


def test_error_of_single_values_is_the_usual_one():
    values = np.random.default_rng(0).normal(size=10)
    expected = np.std(values, ddof=1) / np.sqrt(10)
    assert reporting.standard_error(values) == pytest.approx(expected)
    assert reporting.standard_error(values, np.arange(10)) == (pytest.approx(expected))


def test_repeated_values_say_nothing_new():
    values = np.random.default_rng(0).normal(size=10)
    numbers = np.arange(10)
    once = reporting.standard_error(values, numbers)
    thrice = reporting.standard_error(np.tile(values, 3), np.tile(numbers, 3))
    assert thrice == pytest.approx(once)


def test_clustered_error_is_that_of_new_clusters():
    """Of all means that might have been measured, with clusters of several sizes."""
    generator = np.random.default_rng(0)
    means, errors = [], []
    for _ in range(500):
        sizes = generator.integers(1, 20, 30)
        clusters = np.repeat(np.arange(30), sizes)
        values = generator.normal(size=30)[clusters]
        values += 0.5 * generator.normal(size=len(clusters))
        means.append(values.mean())
        errors.append(reporting.standard_error(values, clusters))
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(means), rel=0.1)


def test_one_cluster_has_no_error():
    assert reporting.standard_error(np.arange(3.0), np.zeros(3)) is None
