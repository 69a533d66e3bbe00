"""Tests of what a choice costs, and of the tables that say so."""

import numpy as np
import pytest

from paper_experiments.choices import groups, noise, summary
from paper_experiments.choices.measurement import Row
from paper_experiments.choices.steps import DENOISING
from paper_experiments.choices.summary import Effect, Line, Numbers

_IDS = ["1", "2", "3", "4"]
_OURS = {"1": 25.0, "2": 28.0, "3": 31.0, "4": 34.0}
_BASELINE, _NETWORK = (DENOISING, "baseline"), (DENOISING, "network")


def _numbers(results, sets=None):
    rows = {Row(*row): values for row, values in results.items()}
    return Numbers(rows, {"clip": "numpy 2.0"}, sets or {"mine": _IDS}, {"seed": 0})


def _line(numbers, group, begin):
    (line,) = (li for li in numbers.lines(group) if li.what.startswith(begin))
    return line


def test_change_is_a_mean_over_pairs_of_images():
    changes = np.array([0.1, 0.2, 0.3])
    made = {i: _OURS[i] + c for i, c in zip(_IDS, changes)}  # noqa: B905 - of three
    numbers = _numbers({("ours", *_BASELINE): _OURS, ("clip", *_BASELINE): made})
    line = _line(numbers, "noise", "noisy image clipped to")
    (effect,) = line.effects.values()
    # Images differ much more than this; the standard error is that of differences.
    assert effect == pytest.approx((0.2, np.std(changes, ddof=1) / np.sqrt(3), 3))
    assert line.made_by == "numpy 2.0"
    assert set(line.effects) == {_BASELINE}


def test_ssim_is_compared_with_ssim():
    values = {"wang_ssim": 0.8, "skimage_ssim": 0.85, "ours": 25.0}
    numbers = _numbers({(n, *_BASELINE): {"1": v} for n, v in values.items()})
    line = _line(numbers, "measure", "SSIM by scikit-image")
    assert line.effects[_BASELINE].change == pytest.approx(0.05)
    assert line.metric == "ssim"
    # Ours is no choice.
    assert not any("ours" in line.what for line in numbers.lines("measure"))


def test_all_images_for_the_usual_ones():
    sets = {"68": _IDS[:2], "100": _IDS}
    numbers = _numbers({("ours", *_BASELINE): _OURS}, sets)
    line = _line(numbers, "images", "the 100 images")
    assert line.effects == {_BASELINE: Effect(29.5 - 26.5, None, 4)}
    some = {i: _OURS[i] for i in _IDS[:3]}
    numbers = _numbers({("ours", *_BASELINE): some}, sets)
    assert not _line(numbers, "images", "the 100 images").effects


def test_psnr_of_the_mean_error():
    numbers = _numbers({("ours", *_BASELINE): {"1": 20.0, "2": 30.0}})
    effect = _line(numbers, "measure", "PSNR of the mean").effects[_BASELINE]
    expected = -10 * np.log10((0.01 + 0.001) / 2) - 25
    assert effect == pytest.approx((expected, None, 2))


def test_seeds_are_one_line():
    results = {("ours", *_BASELINE): _OURS, ("ours", *_NETWORK): _OURS}
    for number, choice in enumerate(noise.SEEDS, start=1):
        results[choice.name, *_BASELINE] = {i: v + number for i, v in _OURS.items()}
    numbers = _numbers(results)
    line = _line(numbers, "noise", "standard deviation")
    expected = np.std(np.arange(8), ddof=1)
    assert line.effects == {_BASELINE: Effect(pytest.approx(expected), None, 4)}
    assert not any("another seed" in li.what for li in numbers.lines("noise"))


def test_numbers_are_read_as_they_were_written(tmp_path):
    some = {"2": 25.12345678, "3": 7.0}
    numbers = _numbers(
        {
            ("ours", *_BASELINE): _OURS,
            ("clip", *_BASELINE): some,
            ("wang_ssim", *_BASELINE): {"2": 0.123456},
        },
        {"68": _IDS},
    )
    assert summary.save(numbers, "mine", tmp_path) == ["mine.csv", "mine.json"]
    first, *lines = (tmp_path / "mine.csv").read_text().splitlines()
    assert first.split(",")[3:5] == ["2", "3"], "First what most rows have."
    assert lines[1] == "clip,sigma 25,baseline,25.123,7.000"
    read = summary.load("mine", tmp_path)
    assert read.results == {
        Row("ours", *_BASELINE): _OURS,
        Row("clip", *_BASELINE): {"2": 25.123, "3": 7.0},
        Row("wang_ssim", *_BASELINE): {"2": 0.12346},
    }
    assert read[1:] == numbers[1:]


def test_table():
    lines = [
        Line("a", "numpy 2.0", {_NETWORK: Effect(-0.126, 0.014, 20)}),
        Line("b", "", {_NETWORK: Effect(0.5, None, 20), ("x3", "baseline"): _EFFECT}),
        Line("c", summary.NOT_INSTALLED, {}),
    ]
    assert summary.table(lines) == [
        "| choice | RIM | bicubic x3 | images | made by |",
        "| --- | ---: | ---: | ---: | --- |",
        "| a | -0.13 ± 0.01 |  | 20 | numpy 2.0 |",
        "| b | +0.50 | +0.002 ± 0.001 | 68 / 20 |  |",
        "| c |  |  |  | not installed |",
    ]


_EFFECT = Effect(0.002, 0.001, 68)


@pytest.mark.parametrize(
    ("change", "metric", "shown"),
    [
        (-1.234, "psnr", "-1.23"),
        (0.0049, "psnr", "+0.005"),
        (0.0, "psnr", "+0.00"),
        (0.02312, "ssim", "+0.0231"),
    ],
)
def test_cell(change, metric, shown):
    assert summary.cell(Effect(change, None, 3), metric) == shown
    assert summary.cell(None, metric) == ""


def test_every_group_has_lines_without_numbers():
    for group in groups.ALL:
        lines = _numbers({}).lines(group)
        assert lines
        assert all(not line.effects and line.largest == 0 for line in lines)
