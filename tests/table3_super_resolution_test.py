"""Tests of `table3_super_resolution.py`."""

import itertools
import json

import pytest
import skimage.data
from PIL import Image

from paper_experiments.common import image_sets


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
    pictures = {"estimates.png", "detail.png", "trajectory.html"}
    assert names == {"result.json", "table.md", "measured", *pictures}
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
        "Weights rim_super_resolution: 502,558 parameters, 50,000 patches of bsds300",
        "Restoring 2 images 3 times with 10 steps",
    ):
        assert (text in table) == ("Restoring" not in text)
        assert text in said
    # Two images are not the paper's hundred.
    assert "REPRODUCED" not in table


def test_row_has_means_and_standard_errors_of_both_metrics(result):
    measured, table = result[0]["measured"], result[1]
    (row,) = (line for line in table.splitlines() if line.startswith("| RIM, MEASURED"))
    fields = [field.strip() for field in row.split("|")[2:-1]]
    values = [list(r["per_image"].values()) for r in measured if r["model"] == "RIM"]
    for field, (one, two), digits in zip(
        fields, values, 3 * [2] + 3 * [4], strict=True
    ):
        mean, error = map(float, field.split(" ± "))
        assert mean == pytest.approx((one + two) / 2, abs=0.6 * 10**-digits)
        # Of two values: half of their difference.
        assert error == pytest.approx(abs(one - two) / 2, abs=0.6 * 10**-digits)


def test_a_single_image_has_no_error(functions_of):
    script = functions_of("table3_super_resolution")
    assert script._format("psnr", 31.389, None) == "31.39"
    assert script._format("ssim", 0.89124, None) == "0.8912"


def test_a_method_of_a_user(tmp_path, run_here, small_images):
    """Bicubic up-sampling as one, which must be what the table has; and a wrong one."""
    (tmp_path / "mine.py").write_text(
        "def restore(y, sigma, a):\n"
        "    assert sigma == 0\n"
        "    return a.initial_estimate(y[None])[0]\n"
    )
    (tmp_path / "small.py").write_text("def restore(y, sigma, a):\n    return y\n")
    output = tmp_path / "out"
    finished = run_here(
        "table3_super_resolution",
        f"--images={small_images}",
        "--num_steps=1",
        "--num_images=1",
        *(f"--method={tmp_path}/{name}.py" for name in ("mine", "small")),
        f"--output_dir={output}",
        expect_success=False,
    )
    (line,) = (x for x in finished.stderr.splitlines() if x.startswith("error: "))
    assert line.startswith(
        "error: --method: small.py, image astronaut.png, x2: it returns the shape "
        "(32, 36, 1), not (64, 72, 1)."
    )
    result = json.loads((output / "result.json").read_text())
    means = {
        (r["model"], r["metric"], r["condition"]["factor"]): r["mean"]
        for r in result["measured"]
    }
    for metric, factor in itertools.product(("psnr", "ssim"), (2, 3, 4)):
        # It rounds to 8 bits once, in the luminance; Bicubic each colour.
        assert means["mine (yours)", metric, factor] == pytest.approx(
            means["Bicubic", metric, factor], rel=0.01
        )
    assert "* mine (yours), mine.py: less RIM" in (output / "table.md").read_text()


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
        (["--lr_dir=x"], "Unknown command line flag 'lr_dir'"),
        (["--weights=rim_denoise"], "rim_denoise was trained on gray images"),
        (["--weights=rim_rgb_denoise"], "rim_rgb_denoise restores images of 3 chan"),
    ],
)
def test_what_cannot_be_done_is_refused(arguments, message, check_refused):
    check_refused("table3_super_resolution", *arguments, message=message)
