"""Tests of `diagnose.py`."""

from unittest import mock

import pytest

from paper_experiments.choices import diagnosis, summary
from paper_experiments.choices.measurement import Row
from paper_experiments.choices.summary import Numbers

_OURS = {"1": 25.0, "2": 28.0, "3": 31.0, "4": 26.0}
_OPENCV = {"1": 24.0, "2": 26.5, "3": 29.5, "4": 25.5}
_KEY = ("x3", "network")
_ASKED = ("--condition=x3", "--compared_with=network")


@pytest.fixture(name="diagnose")
def _diagnose(tmp_path, monkeypatch, run_here):
    results = {Row("ours", *_KEY): _OURS, Row("opencv_cubic", *_KEY): _OPENCV}
    numbers = Numbers(results, {"opencv_cubic": "opencv 5.0"}, {}, {})
    monkeypatch.setattr(summary, "load", lambda name: numbers)
    path = tmp_path / "mine.csv"

    def run(values, *arguments, **how):
        path.write_text("".join(f"{i},{value}\n" for i, value in values.items()))
        finished = run_here(
            "diagnose",
            f"--result={path}",
            f"--output_dir={tmp_path / 'out'}",
            *arguments,
            **how,
        )
        assert not (tmp_path / "out").exists()
        return finished

    return run


def test_names_what_fits(diagnose):
    said = diagnose(_OPENCV, *_ASKED).stdout
    assert "4 images, x3, network: the mean is 27.50 dB here and 26.38 dB in" in said
    assert (
        "* OpenCV, `INTER_CUBIC` (opencv 5.0): with it our values differ from yours by "
        "0.00 dB an image, and not by 1.20 dB." in said
    )
    assert "Cure: make images small by `rim_tf.bicubic.imresize_uint8`, or by" in said
    assert "See WHY_ANOTHER_NUMBER.md#small-images." in said


def test_names_all_that_make_the_same_values(diagnose, monkeypatch):
    numbers = summary.load("")
    torch = {i: v + 0.001 for i, v in _OPENCV.items()}
    numbers = numbers._replace(
        results={**numbers.results, Row("torch_default", *_KEY): torch}
    )
    monkeypatch.setattr(summary, "load", lambda name: numbers)
    said = diagnose(_OPENCV, *_ASKED).stdout
    assert "`INTER_CUBIC` (opencv 5.0), or torch, bicubic, its default: with" in said


def test_a_folder_is_measured_and_the_measure_ruled_out(diagnose, tmp_path):
    folder = tmp_path / "restored"
    folder.mkdir()
    with mock.patch.object(diagnosis, "measure_folder", lambda *_: _OURS):
        said = diagnose(
            _OURS, *_ASKED, f"--result={folder}", "--dataset=embedded"
        ).stdout
    assert "Your images were measured as this project does.\nYour values agree" in said
    assert "If your own number is another, it is your measure's." in said


def test_says_that_nothing_fits_or_differs(diagnose):
    other = {i: v + 1.0 for i, v in _OURS.items()}
    assert "None of the choices" in diagnose(other, *_ASKED).stdout
    assert "Your values agree with ours" in diagnose(_OURS, *_ASKED).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--condition=x3", "--compared_with=baseline"],
            "nothing was measured yet of the baseline; give values of the network, and "
            "--compared_with=network.",
        ),
        (
            ["--condition=sigma25", "--compared_with=network"],
            "nothing was measured yet of the network",
        ),
        ([], "--condition: say what was restored: sigma25, x2, x3, x4."),
        (["--condition=x3"], "--compared_with: say what restored it: baseline, which"),
        (["--condition=x3", "--result=nowhere.csv"], "there is no nowhere.csv"),
    ],
)
def test_what_cannot_be_done_is_refused(diagnose, arguments, message):
    finished = diagnose(_OURS, *arguments, expect_success=False)
    (line,) = finished.stderr.splitlines()
    assert line.startswith("error: --")
    assert message in line


def test_needs_a_result(check_refused):
    check_refused("diagnose", message="error: --result: give a CSV file")
