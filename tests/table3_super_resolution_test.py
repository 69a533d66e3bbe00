"""Tests of `table3_super_resolution.py`."""

import json

import pytest
import skimage.data
from PIL import Image

from paper_experiments.common import image_sets, super_resolution


@pytest.fixture(name="result", scope="module")
def _result(tmp_path_factory, run_here):
    """Result, table and output of a run on images as those of BSDS-300 come."""
    image = skimage.data.astronaut()[100:164, 180:252]
    sets = {"68": ["a"], "100": ["b", "c"]}
    images = {"a": image, "b": image, "c": skimage.data.chelsea()[100:164, 100:172]}
    numbers = {"a": 0, "b": 1, "c": 2}
    test = image_sets.TestImages("bsds300", images, numbers, sets)
    output = tmp_path_factory.mktemp("table3") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_sets, "load_test_images", lambda *_: test)
        finished = run_here(
            "table3_super_resolution", "--num_steps=10", f"--output_dir={output}"
        )
    result = json.loads((output / "result.json").read_text())
    names = {path.name for path in output.iterdir()}
    assert names == {"result.json", "table.md", "estimates.png", "detail.png"}
    return result, (output / "table.md").read_text(), finished.stdout


def test_measures_the_papers_set_only(result):
    """Not the 68, too, which the table does not show."""
    measured = result[0]["measured"]
    assert len(measured) == 2 * 2 * 3
    for record in measured:
        assert record["test_set"] == "100"
        assert list(record["per_image"]) == ["b", "c"]


def test_the_rim_is_better_than_bicubic(result):
    means = {
        (r["model"], r["metric"], r["condition"]["factor"]): r["mean"]
        for r in result[0]["measured"]
    }
    for factor in (2, 3, 4):
        psnr, ssim = (
            means["RIM", metric, factor] - means["Bicubic", metric, factor]
            for metric in ("psnr", "ssim")
        )
        assert 0.5 < psnr < 6
        assert 0.005 < ssim < 0.2


def test_table_and_notes(result):
    _, table, said = result
    for text in (
        "RIM, reported, UNVERIFIED",
        "Bicubic, MEASURED",
        "RIM, MEASURED",
        "Test set 100: 2 images.",
        "UNVERIFIED row: RIM, recalled",
        "Weights rim_super_resolution, trained on 50,000 patches",
        "Restoring 2 images 3 times with 10 steps",
    ):
        assert (text in table) == ("Restoring" not in text)
        assert text in said
    # Two images are not the paper's hundred.
    assert "REPRODUCED" not in table


def test_row(capsys, functions_of):
    script = functions_of("table3_super_resolution")
    test = image_sets.TestImages("x", {}, {"a": 0, "b": 1}, {"100": ["a", "b"]})
    quality = super_resolution.Quality
    results = {k: {"a": quality(10, 0.1), "b": quality(20, 0.2)} for k in (2, 3, 4)}
    columns = [(measure, k) for measure in ("psnr", "ssim") for k in (2, 3, 4)]
    rows = script.table.Table(["mean", *map(str, columns)], 10)
    measured = script._add_measured(rows, columns, "X", results, test)
    row = capsys.readouterr().out.splitlines()[-1]
    assert row.count("15.00 ± 5.00") == row.count("0.1500 ± 0.0500") == 3
    assert [record.condition["factor"] for record in measured] == [2, 3, 4, 2, 3, 4]
    assert {record.test_set for record in measured} == {"100"}
    assert measured[0].per_image == {"a": 10, "b": 20}


def test_a_single_image_has_no_error(functions_of):
    script = functions_of("table3_super_resolution")
    assert script._format("psnr", 31.389, None) == "31.39"
    assert script._format("ssim", 0.89124, None) == "0.8912"


def test_images_that_are_too_small(tmp_path, check_refused):
    Image.new("RGB", (60, 18)).save(tmp_path / "small.png")
    check_refused(
        "table3_super_resolution",
        f"--images={tmp_path}",
        message="error: --images: small.png has 18x60 pixels",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--test_set=68"], "error: --test_set: not for this script"),
        (["--baselines"], "error: --baselines: not for this script"),
        (["--lr_dir=x"], "Unknown command line flag 'lr_dir'"),
        (["--weights=rim_denoise"], "rim_denoise was trained on gray images"),
        (["--weights=rim_rgb_denoise"], "rim_rgb_denoise restores images of 3 chan"),
    ],
)
def test_what_cannot_be_done_is_refused(arguments, message, check_refused):
    check_refused("table3_super_resolution", *arguments, message=message)
