"""Tests of tables: records, what a table looks like, and what is reproduced."""

import dataclasses

import numpy as np
import pytest

import rim_tf
from paper_experiments.common import image_sets, table

_SETS = {"68": ["a", "b"], "100": ["a", "b", "c"]}


def _measured(*image_ids):
    """Returns the results of a baseline on some images."""
    return table.measured_on(_SETS, dict.fromkeys(image_ids, 28.0), "BM3D", {})


def test_table_is_aligned_markdown(capsys):
    shown = table.Table(["dB", "68: 15", "68: 25"], 8)
    shown.add("BM3D", [31.0849, None])
    assert shown.lines == [
        "| dB       | 68: 15 | 68: 25 |",
        "|----------|-------:|-------:|",
        "| BM3D     |  31.08 |        |",
    ]
    # Each line was printed when it was ready.
    assert capsys.readouterr().out.splitlines() == shown.lines


def test_text_is_shown_as_it_is():
    shown = table.Table(["mean ± error", "PSNR: x2"], 12, 15)
    shown.add("RIM", ["31.39 ± 0.35"])
    assert shown.lines[-1] == "| RIM          |    31.39 ± 0.35 |"


def test_means_are_over_the_images_of_a_set():
    sets = {"all": ["a", "b"], "one": ["b"]}
    whole, one = table.measured_on(sets, {"a": 20.0, "b": 30.0}, "RIM", {"sigma": 25})
    assert (whole.test_set, whole.mean, whole.num_images) == ("all", 25.0, 2)
    assert whole.standard_error == pytest.approx(5.0)
    assert (one.mean, one.per_image, one.standard_error) == (30.0, {"b": 30.0}, None)
    assert (one.model, one.condition, one.metric) == ("RIM", {"sigma": 25}, "psnr")
    # An image without a value is left out, and a set without any.
    (only,) = table.measured_on(sets, {"a": 20.0}, "RIM", {})
    assert (only.test_set, only.mean, only.num_images) == ("all", 20.0, 1)


def test_values_of_images_have_as_many_digits_as_their_measure_needs():
    (psnr,), (ssim,) = (
        table.measured_on({"one": ["a"]}, {"a": 0.123456}, "RIM", {}, metric)
        for metric in ("psnr", "ssim")
    )
    assert (psnr.per_image, ssim.per_image) == ({"a": 0.1235}, {"a": 0.12346})


_TEST = image_sets.TestImages("bsds300", {}, {}, _SETS)


def _whole_sets(*image_ids):
    records = table.whole_sets(_measured(*image_ids), _SETS)
    name = table.row_name("BM3D", records, _TEST)
    return [record.test_set for record in records], name


def test_a_baseline_stands_where_it_was_measured_on_the_whole_set():
    assert _whole_sets("a", "b", "c") == (["68", "100"], "BM3D, MEASURED")
    assert _whole_sets("a", "b") == (["68"], "BM3D, MEASURED")


def test_a_baseline_measured_on_some_images_stands_with_their_number():
    assert _whole_sets("a") == (["68", "100"], "BM3D, MEASURED (1 image)")
    assert _whole_sets("c") == (["100"], "BM3D, MEASURED (1 image)")
    assert _whole_sets("a", "c") == (["68", "100"], "BM3D, MEASURED (1 to 2 images)")


def test_a_quick_look_is_one_by_its_name():
    """Also where all images were measured of those that it asks for."""
    part = dataclasses.replace(_TEST, is_whole=False)
    records = _measured("a", "b", "c")
    assert table.row_name("RIM", records, part, 5) == (
        "RIM, MEASURED (2 to 3 images, t = 5)"
    )
    assert table.row_name("RIM", records, _TEST, 5) == "RIM, MEASURED (t = 5)"
    assert table.row_name("RIM", records, _TEST, 20, "measured before") == (
        "RIM, measured before"
    )


@pytest.mark.parametrize(
    ("mean", "differences", "verdict"),
    [
        (30.0, "-0.10 / +1.90 dB on the 68 images", "**reproduced**"),
        (29.9, "-0.20 / +1.80 dB on the 68 images", "**NOT REPRODUCED**"),
    ],
)
def test_says_whether_reported_numbers_are_reached(mean, differences, verdict):
    reported = {15: 30.1, 25: 28.1}
    measured = _of_a_whole_set("RIM-x", mean) + _of_a_whole_set("BM3D", mean)
    (line,) = table.compare(
        measured, lambda record: reported[record.condition["sigma"]], "bsds300", 20
    )
    assert line.startswith(f"* RIM-x, measured less reported: {differences}: {verdict}")


def _of_a_whole_set(model, mean, test_set="68", number=68, metric="psnr"):
    return [
        table.Score(model, test_set, {"sigma": s}, metric, mean, number, {})
        for s in (15, 25)
    ]


@pytest.mark.parametrize(
    ("record", "dataset", "reported"),
    [
        (_of_a_whole_set("RIM-x", 30.0, number=1), "bsds300", 30.1),
        (_of_a_whole_set("RIM-x", 30.0, metric="ssim"), "bsds300", 30.1),
        (_of_a_whole_set("noisy", 30.0), "bsds300", 30.1),
        (_of_a_whole_set("RIM-x", 30.0), "embedded", 30.1),
        (_of_a_whole_set("RIM (ours)", 30.0), "bsds300", None),
    ],
)
def test_says_nothing_of_what_cannot_be_compared(record, dataset, reported):
    assert table.compare(record, lambda _: reported, dataset, 20) == []


def test_too_few_steps_judge_nothing():
    record = _of_a_whole_set("RIM-x", 20.0)
    (line,) = table.compare(record, lambda _: 30.0, "bsds300", 5)
    assert line == (
        "* Too few steps to judge the paper's numbers: t = 5, the paper's is 20."
    )
    assert "NOT REPRODUCED" in table.compare(record, lambda _: 30.0, "bsds300", 20)[0]


def test_steps_of_the_paper_are_those_of_the_library():
    assert table.PAPER_NUM_STEPS == rim_tf.rim.PAPER_NUM_STEPS


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("table1_rgb_denoise", {"RIM": {"68": {"25": 30.84}, "100": {"25": 30.67}}}),
        (
            "table2_denoise",
            {"RIM-denoise": {"68": {"15": 31.31, "25": 28.91, "50": 26.06}}},
        ),
        (
            "table2_quantized_denoise",
            {"RIM-denoise": {"68": {"15": 31.25, "25": 28.76, "50": 25.27}}},
        ),
    ],
)
def test_reported_numbers_are_those_of_the_paper_and_have_a_provenance(name, rows):
    reported = table.read_reported(name)
    for row, sets in rows.items():
        for test_set, values in sets.items():
            assert reported["rows"][row][test_set] == values
    assert reported["source"]
    assert reported["provenance"]


def test_reported_numbers_of_super_resolution():
    reported = table.read_reported("table3_super_resolution")
    means = {factor: mean for factor, (mean, _) in reported["psnr"]["RIM"].items()}
    assert means == {"2": 31.39, "3": 28.51, "4": 27.01}
    assert "RIM" in reported["unverified_rows"]
    assert reported["source"]
    assert reported["provenance"]


def test_names_of_rows_are_short_without_what_is_in_brackets():
    assert table.short("RIM-denoise-quantized (ours)") == "RIM-denoise-quantized"
    assert table.short("RIM") == "RIM"


def test_error_of_single_values_is_the_usual_one():
    values = np.random.default_rng(0).normal(size=10)
    expected = np.std(values, ddof=1) / np.sqrt(10)
    assert table.standard_error(values) == pytest.approx(expected)
    assert table.standard_error(values, np.arange(10)) == (pytest.approx(expected))


def test_repeated_values_say_nothing_new():
    values = np.random.default_rng(0).normal(size=10)
    numbers = np.arange(10)
    once = table.standard_error(values, numbers)
    thrice = table.standard_error(np.tile(values, 3), np.tile(numbers, 3))
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
        errors.append(table.standard_error(values, clusters))
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(means), rel=0.1)


def test_one_cluster_has_no_error():
    assert table.standard_error(np.arange(3.0), np.zeros(3)) is None


def test_images_without_error_are_left_out_of_means_and_said():
    sets = {"all": ["a", "b", "c"]}
    values = {"a": 20.0, "b": np.inf, "c": 30.0}
    (score,) = table.measured_on(sets, values, "RIM", {})
    assert (score.mean, score.num_images, score.num_exact) == (25.0, 3, 1)
    assert score.standard_error == pytest.approx(5.0)
    test = image_sets.TestImages("bsds300", {}, {}, sets)
    name = table.row_name("RIM", [score], test)
    assert name == "RIM, MEASURED (2 of 3; 1 restored without error)"


def test_what_was_published_since_is_of_one_table_only():
    rows, line = table.published_since("table2_denoise")
    assert set(rows) == {"DnCNN", "FFDNet", "DRUNet"}
    assert line.startswith("After the paper: the figure figs/grayscale_psnr.png of ")
    for script in ("table1_rgb_denoise", "table2_quantized_denoise"):
        rows, line = table.published_since(script)
        assert rows == {}
        assert "noise that was neither clipped nor rounded; not shown." in line
