"""Tests of the command line of `table3_super_resolution.py`."""

import json

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from PIL import Image

from paper_experiments import (
    experiment,
    image_sets,
    super_resolution,
    table3_super_resolution,
)
from rim_tf import pretrained


def test_training_and_table(tmp_path, run_script, tiny_training):
    output = tmp_path / "out"
    finished = run_script(
        "table3_super_resolution",
        *tiny_training,
        "--num_images=2",
        f"--output_dir={output}",
    )
    result = json.loads((output / "result.json").read_text())
    measured = {
        (r["model"], r["metric"], r["condition"]["factor"]): r
        for r in result["measured"]
    }
    assert len(measured) == 2 * 2 * 3
    for factor in (2, 3, 4):
        # Untrained, the RIM stays where it starts: at the bicubic image.
        bicubic, rim = (measured[m, "psnr", factor]["mean"] for m in ("Bicubic", "RIM"))
        assert abs(bicubic - rim) < 0.1
        assert set(measured["RIM", "ssim", factor]["per_image"]) == {
            "chelsea",
            "astronaut",
        }
    table = (output / "table.md").read_text()
    for text in (
        "RIM, reported, UNVERIFIED",
        "Bicubic, MEASURED",
        "RIM, MEASURED",
        "Test set embedded: 2 images.",
        "UNVERIFIED row: RIM, recalled",
    ):
        assert text in table
        assert text in finished.stdout
    path = output / "training" / "rim_super_resolution.weights.h5"
    assert pretrained.load_pretrained(path).count_params() == 502_557 + 1
    assert pretrained.read_history(path)["patch_size"] == 36
    assert {p.name for p in output.iterdir()} >= {"detail.png", "estimates.png"}


def test_bad_lr_dir(tmp_path, check_refused):
    check_refused(
        "table3_super_resolution", f"--lr_dir={tmp_path}", message="--lr_dir: "
    )


@pytest.mark.parametrize("flag", ["baselines", "max_sigma=10", "test_set=68"])
def test_flags_without_use_are_refused(check_refused, flag):
    check_refused(
        "table3_super_resolution",
        f"--{flag}",
        message=f"error: --{flag.split('=')[0]}: not for this script",
    )


def test_only_the_papers_set_is_restored(monkeypatch):
    """Not the first of the 68, too, which the table does not show."""
    image = np.zeros((20, 20, 3), np.uint8)
    test = image_sets.TestImages(
        "bsds300",
        {"a": image, "b": image},
        {"a": 0, "b": 1},
        {"68": ["a"], "100": ["b", "a"]},
    )
    monkeypatch.setattr(image_sets, "load_test_images", lambda *_: test)
    with flagsaver.flagsaver():
        flags.FLAGS(["program", "--num_images=1"])
        shown = experiment.load_test_images(table3_super_resolution._SET)
    assert shown.sets == {"100": ["b"]}
    assert list(shown.images) == ["b"]


def test_row(capsys):
    test = image_sets.TestImages("x", {}, {"a": 0, "b": 1}, {"100": ["a", "b"]})
    quality = super_resolution.Quality
    results = {k: {"a": quality(10, 0.1), "b": quality(20, 0.2)} for k in (2, 3, 4)}
    measured = table3_super_resolution._Table().add_measured("X", results, test)
    row = capsys.readouterr().out.splitlines()[-1]
    assert row.count("15.00 ± 5.00") == row.count("0.1500 ± 0.0500") == 3
    assert {record.test_set for record in measured} == {"100"}
    assert measured[0].per_image == {"a": 10, "b": 20}


def test_images_that_are_too_small(tmp_path, check_refused):
    Image.new("RGB", (60, 19)).save(tmp_path / "small.png")
    check_refused(
        "table3_super_resolution",
        f"--images={tmp_path}",
        message="error: --images: small.png has 19x60 pixels",
    )
