"""Tests of claims: read in `numbers/`, and compared with what is measured now."""

import copy
import itertools
import json

import numpy as np
import pytest

from paper_experiments.common import claims, figure3_claims, table, weights
from paper_experiments.common.table import NUMBERS_FOLDER
from rim_tf import pretrained

_MEASURED = NUMBERS_FOLDER / "measured"


def test_every_row_of_the_paper_is_a_claim():
    found = claims.read()
    recipe = "the paper's recipe, 40,000 patches"
    assert [(c.what, c.recipe == recipe) for c in found if not c.holds] == [
        ("Table 2, RIM-3task, 68 images, sigma 15 / 25 / 50", True),
        ("Table 2, 8 bits, RIM-3task, 68 images, sigma 15 / 25 / 50", True),
        ("Table 2, 8 bits, RIM-denoise, 68 images, sigma 15 / 25 / 50", True),
        ("Figure 3: FFN falls on hard tasks", False),
        ("Figure 3: RIM converges", True),
        ("Figure 3: FFN falls on hard tasks", True),
    ]
    for row, number in (("Table 2, RIM-denoise, 68 images", 2), ("Table 1, RIM, ", 2)):
        assert sum(claim.what.startswith(row) for claim in found) == number
    assert {c.path.name for c in found if c.recipe == recipe} == {
        "table2_denoise_rim_denoise_paper.json",
        "table2_denoise_rim_3task_paper.json",
        "table2_quantized_denoise_rim_3task_paper.json",
        "table2_quantized_denoise_rim_denoise_paper.json",
        "figure3_three_task_paper.json",
    }
    (recalled,) = (c for c in found if "UNVERIFIED" in c.what)
    assert recalled.what.startswith("Table 3, RIM, 100 images, x2 / 3 / 4")
    assert sum(claim.what.startswith("Figure 3") for claim in found) == 10
    for claim in found:
        assert claim.path.exists()
        assert json.loads(claim.path.read_text())["versions"]["commit"] == claim.commit


def test_numbers_of_a_claim_are_those_of_the_files():
    claim = next(
        c for c in claims.read() if c.what.startswith("Table 2, RIM-3task, 68 images")
    )
    assert claim.what.endswith("sigma 15 / 25 / 50")
    paper = table.read_reported("table2_denoise")["rows"]["RIM-3task"]["68"]
    assert claim.reported == " / ".join(f"{v:.2f}" for v in paper.values()) + " dB"
    result = json.loads((_MEASURED / "table2_denoise_rim_3task.json").read_text())
    means = [
        f"{np.mean(list(record['per_image'].values())):.2f}"
        for record in result["measured"]
        if (record["model"], record["test_set"]) == ("RIM-3task", "68")
    ]
    assert claim.measured == " / ".join(means) + " dB"


def test_a_mean_below_the_reported_one_does_not_hold(monkeypatch):
    values = claims.document_tables.measured("table2_denoise")
    low = {
        key: [v - 1 for v in row] if key.row == "RIM-3task" else row
        for key, row in values.items()
    }
    monkeypatch.setattr(claims.document_tables, "measured", lambda script: low)
    holds = {c.what: c.holds for c in claims._of_table("table2_denoise")}
    for what, held in holds.items():
        assert held == ("RIM-3task" not in what)


_HARD = [("Fourier", p, "FFN") for p in (0.2, 0.4, 0.6)]


# PSNR at t = 20 and 50 that breaks a finding.
@pytest.mark.parametrize(
    ("broken", "curves", "psnr"),
    [
        (None, [], ()),
        (0, [("Fourier", 0.6, "FFN")], (31, 24)),
        (1, [("binary", 0.2, "GDN")], (20, 19.8)),
        (1, [("binary", 0.2, "GDN")], (26, 19)),
        (2, [("inpainting", 0.4, "RIM")], (30, 29.6)),
        (3, _HARD, (25, 24.8)),
        (4, [("inpainting", 0.2, "GDN")], (16, 15)),
        (4, [("inpainting", 0.2, "FFN")], (17, 16)),
    ],
)
def test_findings_of_figure_3(broken, curves, psnr):
    usual = {"RIM": (30, 30), "FFN": (25, 24), "GDN": (20, 19)}
    panels = itertools.product(
        ("Fourier", "binary", "inpainting"), (0.2, 0.4, 0.6), usual
    )
    found = {}
    for key in panels:
        task, _, model = key
        at_20, at_50 = psnr if key in curves else usual[model]
        if (task, model) == ("inpainting", "GDN") and key not in curves:
            at_20, at_50 = 8, 7
        found[key] = [*np.linspace(5, at_20, 21), *(29 * [at_20]), at_50]
    holds = [finding[-1] for finding in figure3_claims.judge(found)]
    assert [n for n, held in enumerate(holds) if not held] == (
        [] if broken is None else [broken]
    )


@pytest.fixture(name="result", scope="module")
def _result(tmp_path_factory, run_here, small_images):
    """Returns what a table measures with shipped or other weights, quickly."""

    def measure(*arguments):
        output = tmp_path_factory.mktemp("claims") / "out"
        run_here(
            *("table2_denoise", f"--images={small_images}", f"--output_dir={output}"),
            *("--num_images=1", "--num_steps=2", "--precision=float32", *arguments),
        )
        return json.loads((output / "result.json").read_text())

    return measure


def test_damaged_weights_are_seen(tmp_path, result, monkeypatch):
    """And whole ones measure what they did before, to a hundredth of a dB."""
    before = result()
    monkeypatch.setattr(claims, "_results_before", lambda _: [before])
    # As if those that are shipped were damaged.
    monkeypatch.setattr(weights, "row_of", lambda row, *_: row)
    again = claims.measured_again(result())
    assert [each.tolerance for each in again] == 3 * [0.01]
    assert all(each.agrees for each in again)
    model = pretrained.load_pretrained("rim_denoise", "float32")
    damaged = model.get_weights()
    damaged[0] = np.zeros_like(damaged[0])
    model.set_weights(damaged)
    path = tmp_path / "damaged.weights.h5"
    pretrained.save_pretrained(model, path, pretrained.read_history("rim_denoise"))
    again = claims.measured_again(result(f"--weights={path}"))
    assert len(again) == 3
    assert not any(each.agrees for each in again)


def _committed(name="table2_denoise_rim_denoise"):
    return json.loads((_MEASURED / f"{name}.json").read_text())


def test_what_was_measured_before_agrees_with_itself():
    again = claims.measured_again(_committed())
    assert len(again) == 3 * 100
    assert all(each.agrees and each.now == each.before for each in again)
    # It was measured in bfloat16.
    assert {each.tolerance for each in again} == {0.03}
    assert again[0].what.startswith("Table 2, RIM-denoise, sigma 15, image ")


def test_a_value_may_differ_by_the_tolerance():
    result = _committed()
    (first, *_) = (r for r in result["measured"] if r["model"] == "RIM-denoise")
    for shift, agrees in ((0.02, True), (0.04, False), (-0.04, False)):
        changed = copy.deepcopy(result)
        (record, *_) = (
            r
            for r in changed["measured"]
            if (r["model"], r["test_set"], r["condition"])
            == ("RIM-denoise", "100", first["condition"])
        )
        image_id = next(i for i in record["per_image"] if i not in first["per_image"])
        record["per_image"][image_id] += shift
        differing = [a for a in claims.measured_again(changed) if not a.agrees]
        assert bool(differing) == (not agrees)


def test_other_seeds_and_images_were_not_measured():
    result = _committed()
    assert claims.measured_again({**result, "seed": 5}) == []
    assert claims.measured_again({**result, "dataset": "mine"}) == []


def test_embedded_images_were_measured():
    for script, result in json.loads(claims._EMBEDDED.read_text()).items():
        assert result["script"] == script
        assert claims.measured_again(result)
