"""Tests of `unseen_operators.py`."""

import json

import numpy as np
import pytest
from PIL import Image

from paper_experiments.common import image_sets
from paper_experiments.unseen import problems, splitting
from rim_tf import images, metrics, pretrained, restoration

# All of them take minutes; each is tested in `unseen_problems_test.py`.
_NAMES = ("mirrored", "half", "radial", "denoising", "darker", "brighter")
_OPERATORS = tuple(o for o in problems.OPERATORS if o.name in _NAMES)
_IDS = ["101085", "148026", "21077", "299086", "45096"]


@pytest.fixture(name="ran", scope="module")
def _ran(tmp_path_factory, run_here, small_weights, small_bsds300):
    """A run of three small steps on one of images as those of BSDS-300 come."""
    test = small_bsds300(reversed(_IDS))
    folder = tmp_path_factory.mktemp("unseen") / "out"
    arguments = [f"--output_dir={folder}", f"--weights={small_weights}"]
    arguments += ["--num_steps=3", "--num_images=1"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_sets, "load_test_images", lambda *_: test)
        patch.setattr(problems, "OPERATORS", _OPERATORS)
        patch.setattr(splitting, "_ITERATIONS", 2)
        finished = run_here("unseen_operators", *arguments)
        result = json.loads((folder / "result.json").read_text())
        (folder / "result.json").unlink()
        again = run_here("unseen_operators", *arguments)
        refused = run_here("unseen_operators", *arguments, expect_success=False)
    return test, folder, result, finished.stdout, again.stdout, refused.stderr


def test_the_five_images_are_taken_in_their_order(ran):
    _, _, result, said, *_ = ran
    assert "Test images: 1 of bsds300." in said
    for record in result["measured"]:
        assert (record["test_set"], list(record["per_image"])) == ("5", [_IDS[0]])
    titles = [r["condition"]["forward_model"] for r in result["measured"]]
    assert list(dict.fromkeys(titles)) == [o.title for o in _OPERATORS]


def test_values_are_those_of_the_library(ran, small_weights):
    test, _, result, *_ = ran
    model = pretrained.load_pretrained(
        small_weights, result["settings"]["precision_used"]
    )
    clean = np.float32(images.to_gray(test.images[_IDS[0]])[:36, :36]) / 255
    number = test.numbers[_IDS[0]]
    measured = {
        (r["model"], r["condition"]["forward_model"]): r["mean"]
        for r in result["measured"]
    }
    for operator in _OPERATORS:
        problem = problems.observe(operator, clean, 0, number)
        restored = restoration.restore(
            model, problem.observation, problem.model, problem.sigma, num_steps=3
        )
        (expected,) = metrics.psnr(restored, clean[np.newaxis])
        found = measured["small (yours), t = 3", operator.title]
        assert found == pytest.approx(expected, abs=0.02), operator.name
    (blurred,) = (o for o in _OPERATORS if o.name == "mirrored")
    observed = problems.observe(blurred, clean, 0, number).observation
    (expected,) = metrics.psnr(observed, clean[np.newaxis])
    found = measured["observation", blurred.title]
    assert found == pytest.approx(expected, abs=1e-3)


def test_a_factor_in_a_costs_nothing(ran):
    values = {}
    for record in ran[2]["measured"]:
        title = record["condition"]["forward_model"]
        values.setdefault(title, {})[record["model"]] = record["mean"]
    for title in ("A = x / 2", "A = 3 x"):
        assert values[title] == pytest.approx(values["A = x"], abs=0.05)


def test_table_notes_and_files(ran):
    _, folder, result, said, _, _ = ran
    table = (folder / "table.md").read_text()
    heading = table.splitlines()[0]
    columns = [field.strip() for field in heading.split("|")[1:-1]]
    assert columns == [
        *("PSNR in dB", "sigma", "observation", "Wiener", "biharmonic", "TV", "PnP"),
        *("small (yours), t = 3", "RIM-3task, t = 3", "RIM-denoise, t = 3"),
    ]
    rows = table.split("\n\n")[0].splitlines()[2:]
    assert len(rows) == len(_OPERATORS)
    for operator, row in zip(_OPERATORS, rows, strict=True):
        fields = [field.strip() for field in row.split("|")[1:-1]]
        assert fields[:2] == [
            f"{operator.title}: {operator.origin}",
            f"{operator.sigma:g}",
        ]
        # Wiener is for blurs, biharmonic for missing pixels.
        assert (fields[3] != "") == (operator.name == "mirrored")
        assert (fields[4] != "") == (operator.name == "half")
        assert "" not in fields[5:]
    assert len(result["measured"]) == len(_OPERATORS) * 6 + 2
    for text in (
        "* small (yours), t = 3: above the best classic on ",
        "**Only the first image of each test set",
        "* PnP: half-quadratic splitting around RIM-denoise",
        "* RIM-denoise: Weights rim_denoise: 2,361,922 parameters, 429,200",
    ):
        assert text in table
        assert text in said
    assert "what is not measured yet takes about" in said
    assert {path.name for path in folder.iterdir()} == {
        *("result.json", "table.md", "forward_models.png", "measured")
    }


def test_another_run_takes_what_was_kept(ran):
    _, folder, result, _, again, refused = ran
    assert "takes about 1 s" in again
    now = json.loads((folder / "result.json").read_text())
    assert now["measured"] == result["measured"]
    assert "has results already" in refused


def test_methods_of_a_user(tmp_path, run_here, small_weights, small_images):
    (tmp_path / "mine.py").write_text(
        "def restore(y, sigma, a):\n"
        "    if y.shape != (63, 72, 1):\n"
        "        raise NotImplementedError\n"
        "    return a.adjoint(y[None])[0]\n"
    )
    (tmp_path / "bad.py").write_text("def restore(y, sigma, a):\n    return y * 99\n")
    output = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(problems, "OPERATORS", _OPERATORS[:3])
        patch.setattr(splitting, "_ITERATIONS", 1)
        finished = run_here(
            "unseen_operators",
            f"--images={small_images}",
            f"--weights={small_weights}",
            "--num_steps=1",
            "--num_images=1",
            *(f"--method={tmp_path}/{name}.py" for name in ("mine", "bad")),
            f"--output_dir={output}",
            expect_success=False,
        )
    (line,) = (x for x in finished.stderr.splitlines() if x.startswith("error"))
    title = _OPERATORS[0].title
    assert f"--method: bad.py, image astronaut.png, {title}: it returns values" in line
    table = (output / "table.md").read_text()
    heading = table.splitlines()[0]
    assert "mine (yours)" in heading
    assert "bad" not in heading
    assert "* mine (yours), mine.py: less small (yours), t = 1, mean" in table
    measured = json.loads((output / "result.json").read_text())["measured"]
    found = [r["model"] for r in measured].count("mine (yours)")
    assert found == len(_OPERATORS[:3])


def test_findings(functions_of):
    script = functions_of("unseen_operators")
    values = {
        "blur": {"Wiener": 25.0, "TV": 26.0, "PnP": 28.0, "R, t = 20": 27.0},
        "mask": {"TV": 26.0, "PnP": 25.0, "R, t = 20": 25.5},
        "A = x": {"TV": 26.0, "PnP": 25.0, "R, t = 20": 35.0},
    }
    later = {"blur": 27.5, "mask": 24.25, "A = x": 20.0}
    records = [
        _score(name, psnr, title)
        for title, row in values.items()
        for name, psnr in {**row, "R, t = 50": later[title]}.items()
    ]
    assert script._findings(records, ["R"], 50) == [
        "* R, t = 20: above the best classic on 1 of the 2, above plug-and-play on 1. "
        "Largest fall up to t = 50: 1.25 dB, mask."
    ]


def _score(model, psnr, title):
    from paper_experiments.common.table import Score

    origin = problems.BESIDE if title == "A = x" else problems.NEVER
    condition = {"forward_model": title, "origin": origin}
    return Score(model, "5", condition, "psnr", psnr, 1, {"a": psnr})


def test_images_that_are_too_small(tmp_path, check_refused):
    Image.new("RGB", (60, 32)).save(tmp_path / "small.png")
    check_refused(
        "unseen_operators",
        f"--images={tmp_path}",
        message="error: --images: small.png has 32x60 pixels",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--test_set=68"], "error: --test_set: not for this script"),
        (["--weights=rim_rgb_denoise"], "rim_rgb_denoise restores images of 3 chan"),
    ],
)
def test_what_cannot_be_done_is_refused(arguments, message, check_refused):
    check_refused("unseen_operators", *arguments, message=message)
