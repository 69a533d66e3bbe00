"""Tests of how cost grows: fits, table, picture, and what fails; no measurement."""

import json

import pytest

from paper_experiments.common.errors import UserError
from paper_experiments.speed_comparison import growth, measure, processes

_QUICK = processes.Settings(quick=True)


def _curve(*values):
    points = list(zip((1, 10, 100), values, strict=False))
    return growth.Curve("restoring", "megapixels", "s", points)


def test_exponents_are_slopes_of_the_log_log_picture():
    assert _curve(2, 20, 200).exponent == pytest.approx(1)
    assert _curve(2, 2, 200).last_exponent == pytest.approx(2)
    assert _curve(3, 3, 3).exponent == pytest.approx(0)
    assert _curve(3).exponent is None
    assert _curve().exponent is None


def test_what_grows_too_fast_is_bold():
    *_, row = growth.lines([_curve(1, 10, 200)])
    assert row == (
        "| restoring, s by megapixels | 1.00 at 1 | 200 at 100 | **1.15** | **1.30** |"
    )
    *_, row = growth.lines([_curve(1, 10, 100)])
    assert row.endswith("| 1.00 | 1.00 |")
    *_, row = growth.lines([_curve()])
    assert row.endswith("| failed | failed |  |  |")


def _answers(name, more):
    if name == "train_size":
        return {"s": 0.1 * more["batch_size"], "mb": 1000.0}
    pixels = more["height"] * more["width"]
    return {
        f"{unit}_{steps}": float(pixels * steps)
        for unit in ("s", "mb")
        for steps in measure.GROWTH_STEPS
    }


def test_writes_table_picture_and_values(tmp_path, monkeypatch):
    def answer(build, name, settings, **more):
        return {"values": _answers(name, more)}

    monkeypatch.setattr(processes, "measure_build", answer)
    lines = []
    assert growth.run(tmp_path, _QUICK, tmp_path, lines.append)
    assert lines[0].startswith("This takes about ")
    result = json.loads((tmp_path / "growth.json").read_text())
    assert len(result["curves"]) == 8
    assert result["curves"][0]["exponent"] == pytest.approx(1)
    assert (tmp_path / "growth.md").read_text().startswith("*** --quick: ")
    assert (tmp_path / "growth.png").stat().st_size > 10_000


def test_what_fails_is_told_and_the_rest_is_kept(tmp_path, monkeypatch):
    def answer(build, name, settings, **more):
        if more.get("height") == 32:
            raise processes.FailedError("it ended with -9")
        return {"values": _answers(name, more)}

    monkeypatch.setattr(processes, "measure_build", answer)
    assert not growth.run(tmp_path, _QUICK, tmp_path, lambda line: None)
    text = (tmp_path / "growth.md").read_text()
    assert "* **failed**: restoring 32 x 48: it ended with -9" in text
    assert (tmp_path / "growth.png").exists()


def test_nothing_at_all_is_refused(tmp_path, monkeypatch):
    def answer(build, name, settings, **more):
        raise processes.FailedError("no memory")

    monkeypatch.setattr(processes, "measure_build", answer)
    with pytest.raises(UserError, match=r"could be measured: restoring 16 x 24: no"):
        growth.run(tmp_path, _QUICK, tmp_path, lambda line: None)
    assert not list(tmp_path.iterdir())
