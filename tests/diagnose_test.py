"""Tests of `diagnose.py`."""

from unittest import mock

import pytest
import skimage.data

from data_prep.bsds300 import loading
from paper_experiments.choices import diagnosis, summary, together
from paper_experiments.choices.measurement import Row
from paper_experiments.choices.summary import Numbers
from paper_experiments.common import image_sets

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
    assert "* OpenCV, `INTER_CUBIC` (opencv 5.0)\n" in said
    assert "  It explains 1.20 dB an image, and leaves 0.00 dB, on 4 images." in said
    assert "  Cure: make images small by `rim_tf.bicubic.imresize_uint8` or" in said
    assert "See WHY_ANOTHER_NUMBER.md#small-images." in said


def test_names_all_that_make_the_same_values(diagnose, monkeypatch):
    numbers = summary.load("")
    torch = {i: v + 0.001 for i, v in _OPENCV.items()}
    numbers = numbers._replace(
        results={**numbers.results, Row("torch_default", *_KEY): torch}
    )
    monkeypatch.setattr(summary, "load", lambda name: numbers)
    said = diagnose(_OPENCV, *_ASKED).stdout
    assert "`INTER_CUBIC` (opencv 5.0), or torch, bicubic, its default\n" in said


def test_a_folder_is_measured_and_the_measure_ruled_out(diagnose, tmp_path):
    folder = tmp_path / "restored"
    folder.mkdir()
    with mock.patch.object(diagnosis, "measure_folder", lambda *_: _OURS):
        said = diagnose(
            _OURS, *_ASKED, f"--result={folder}", "--dataset=embedded"
        ).stdout
    assert "Your images were measured as this project does.\nYour values agree" in said
    assert "If your own number is another, it is your measure's." in said


@pytest.fixture(name="of_baseline")
def _of_baseline(monkeypatch):
    """Of bicubic enlarging two choices are known, not that they make other values."""
    key, half = ("x3", "baseline"), {i: 0.25 * n for n, i in enumerate(_OURS)}
    results = {
        Row("ours", *key): _OURS,
        Row("opencv_cubic", *key): _OPENCV,
        Row("with_border", *key): {i: v + half[i] for i, v in _OURS.items()},
    }
    monkeypatch.setattr(summary, "load", lambda name: Numbers(results, {}, {}, {}))
    return {i: v - 2 * half[i] for i, v in _OPENCV.items()}


_BASELINE = ("--condition=x3", "--compared_with=baseline")


def test_two_choices_are_made_together_where_images_are(
    diagnose, of_baseline, monkeypatch, tmp_path
):
    """Also of a TFDS directory, which holds no files of images."""
    (tmp_path / "bsds300").mkdir()
    image = skimage.data.chelsea()[:48, :60]
    images = dict.fromkeys(_OURS, image)
    test = mock.Mock(images=images, numbers={i: int(i) for i in images})
    monkeypatch.setattr(image_sets, "load_test_images", lambda *_: test)
    monkeypatch.setattr(together, "measure", lambda *_: of_baseline)
    monkeypatch.setattr(together, "can_be_made", lambda choices: True)
    said = diagnose(of_baseline, *_BASELINE, f"--data_dir={tmp_path}").stdout
    assert "* border not cropped\n  together with OpenCV, `INTER_CUBIC`\n" in said
    assert "leaves 0.00 dB, on 4 images." in said
    assert "; make images small by" in said and "without a border" in said
    monkeypatch.setattr(together, "can_be_made", lambda choices: False)
    said = diagnose(of_baseline, *_BASELINE, f"--data_dir={tmp_path}").stdout
    assert "None of the choices" in said
    assert "Not installed here: opencv-python-headless. What it changes" in said


@pytest.mark.parametrize("arguments", [[], ["--data_dir=."]])
def test_nothing_is_downloaded_to_make_two_choices(
    diagnose, of_baseline, monkeypatch, arguments
):
    monkeypatch.setattr(loading, "DEFAULT_DATA_DIR", "nowhere")
    monkeypatch.setattr(loading, "load", lambda *_: pytest.fail("loaded"))
    said = diagnose(of_baseline, *_BASELINE, *arguments).stdout
    assert "their changes were added: there are no images of BSDS-300 here" in said


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
