"""Tests of `when_to_stop.py`."""

import json

import pytest

from paper_experiments.common import forward_model_names as names
from paper_experiments.common import image_sets
from paper_experiments.common.observations import Observations
from paper_experiments.unseen import problems
from rim_tf import metrics, pretrained, restoration

_OPERATORS = tuple(o for o in problems.OPERATORS if o.name in ("half", "denoising"))
_ID = names.TEST_IDS[0]
_WHAT = (", t = 3", ", auto", ", steps of auto")


@pytest.fixture(name="ran", scope="module")
def _ran(tmp_path_factory, run_here, small_weights, small_bsds300):
    """A run of three small steps on one of images as those of BSDS-300 come."""
    test = small_bsds300([_ID])
    folder = tmp_path_factory.mktemp("stops") / "out"
    arguments = [f"--output_dir={folder}", "--num_steps=3"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_sets, "load_test_images", lambda *_: test)
        patch.setattr(problems, "OPERATORS", _OPERATORS)
        finished = run_here("when_to_stop", *arguments, f"--weights={small_weights}")
        result = json.loads((folder / "result.json").read_text())
        (folder / "result.json").unlink()
        run_here("when_to_stop", *arguments, f"--weights={small_weights}")
    return test, folder, result, finished.stdout


def _values(result):
    return {
        (
            record["model"],
            record["condition"].get("forward_model"),
            record["condition"]["sigma"],
        ): (record["test_set"], record["per_image"])
        for record in result["measured"]
    }


def test_what_is_measured_on_what(ran):
    values = _values(ran[2])
    mine, denoiser = "small (yours)", "RIM-denoise"
    noisy = {
        *(
            (f"{denoiser}{what}", None, sigma)
            for what in _WHAT
            for sigma in (15, 25, 50)
        ),
        *((f"{row}, t = 3", None, s) for row in (mine, denoiser) for s in (1, 2, 5)),
        *(("observation", None, sigma) for sigma in (1, 2, 5, 15, 25, 50)),
    }
    seen = {(f"{mine}{what}", o.title, o.sigma) for what in _WHAT for o in _OPERATORS}
    assert set(values) == noisy | seen
    for (_, title, _), (test_set, per_image) in values.items():
        expected = ("5", [_ID]) if title else ("68", ["3096"])
        assert (test_set, list(per_image)) == expected


def test_values_are_those_of_the_library(ran, small_weights):
    test, _, result, *_ = ran
    values = _values(result)
    precision = result["settings"]["precision_used"]
    noisy = Observations(test.only("68"), 2, "gray", False, 0)
    clean, y = noisy.clean("3096"), noisy.noisy("3096")
    _, observed = values["observation", None, 2]
    assert observed["3096"] == pytest.approx(noisy.psnr_of_noisy("3096"), abs=1e-4)
    model = pretrained.load_pretrained("rim_denoise", precision)
    restored = restoration.restore(model, y[None], sigma=2 / 255, num_steps=3)
    (expected,) = metrics.psnr(restored, clean[None])
    _, found = values["RIM-denoise, t = 3", None, 2]
    assert found["3096"] == pytest.approx(expected, abs=0.02)
    model = pretrained.load_pretrained(small_weights, precision)
    clean = problems.to_gray(test.images[_ID])
    for operator in _OPERATORS:
        problem = problems.observe(operator, clean, 0, test.numbers[_ID])
        observed = problem.observation, problem.model, problem.sigma
        restored, details = restoration.restore(
            model, *observed, num_steps="auto", details=True
        )
        (expected,) = metrics.psnr(restored, clean[None])
        key = operator.title, operator.sigma
        _, found = values["small (yours), auto", *key]
        assert found[_ID] == pytest.approx(expected, abs=0.02)
        _, steps = values["small (yours), steps of auto", *key]
        assert steps == {_ID: details.num_steps}


def test_table_and_files(ran):
    _, folder, result, said = ran
    table = (folder / "table.md").read_text()
    rows = [
        [field.strip() for field in line.split("|")[1:-1]]
        for line in table.split("\n\n")[0].splitlines()
    ]
    assert rows[0][1:] == ["observation", "t = 3", '"auto"', "difference", "mean t"]
    assert [row[0] for row in rows[2:]] == [
        *(f"RIM-denoise, denoising, sigma = {sigma}" for sigma in (15, 25, 50)),
        *(
            f"{row}, denoising, sigma = {sigma}"
            for sigma in (1, 2, 5)
            for row in ("small (yours)", "RIM-denoise")
        ),
        *(f"small (yours), {operator.title}" for operator in _OPERATORS),
    ]
    assert "rows take about" in said
    assert "* RIM-denoise: Weights rim_denoise: 2,361,922 parameters" in table
    assert {path.name for path in folder.iterdir()} == {
        *("result.json", "table.md", "measured")
    }
    steps = [r for r in result["measured"] if r["metric"] == "steps"]
    assert len(steps) == 3 + len(_OPERATORS)


def test_another_run_takes_what_was_kept(ran):
    _, folder, result, *_ = ran
    now = json.loads((folder / "result.json").read_text())
    assert now["measured"] == result["measured"]
    kept = json.loads((folder / "measured" / "values.json").read_text())
    assert len(kept) == 9 + len(_OPERATORS)
