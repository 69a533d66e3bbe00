"""Tests of the verdicts on the paper's findings."""

import numpy as np
import pytest

from paper_experiments.figure3 import findings
from paper_experiments.figure3.measurement import FRACTIONS, TASKS, Curve, Panel

_T = 50
# Both patches of an image of their own.
_IMAGES = np.array([0, 1])
# Of the lowest PSNR, and with the fewest measurements.
_HARD = Panel("Fourier", 0.2)
_MIDDLE, _UNSEEN = Panel("Fourier", 0.4), Panel("inpainting", 0.4)
_YES, _NO, _UNCERTAIN = "reproduced", "NOT REPRODUCED", "not decided"
# Rows of the table: (b) at t = 20 and after it, (d) by PSNR and by measurements.
_ROWS = ("a", "b20", "b", "c", "dPSNR", "d", "e")


def _curve(first, trained, last):
    """A curve of two patches, whose mean goes through values at t = 0, 20 and 50."""
    mean = np.interp(np.arange(_T + 1), [0, 20, _T], [first, trained, last])
    return Curve(np.stack([mean - 1, mean + 1], axis=1))


def _moved(trained, *changes, at=slice(21, None)):
    """A steady curve, but for changes of each patch after t = 20, or at some t."""
    curve = _curve(10, trained, trained)
    curve.psnr[at] += np.array(changes)
    return curve


def _above(trained, *changes):
    """The same with changes at every t."""
    return _moved(trained, *changes, at=slice(None))


def _curves(*changed):
    """Curves as the paper's, but for some."""
    curves = {}
    for task in TASKS:
        for p in FRACTIONS:
            rim = 30 + p - (task == "Fourier")
            curves[Panel(task, p)] = {
                "RIM": _curve(10, rim, rim - 0.1),
                "GDN": _curve(10, 9 if task == "inpainting" else rim - 2, 8),
                "FFN": _curve(10, rim - 1, rim - 1),
            }
    curves[_HARD]["FFN"] = _curve(10, 28.2, 26.2)
    for panel, model, curve in changed:
        curves[panel][model] = curve
    return curves


def _rows(curves, images=_IMAGES):
    """Returns evidence, bound, range and verdict of each finding."""
    found = findings.judge(curves, images)
    return dict(zip(_ROWS, (list(finding[1:]) for finding in found), strict=True))


def test_the_papers_curves_reproduce_all():
    found, rows = findings.judge(_curves(), _IMAGES), _rows(_curves())
    lines = findings.describe(found, _curves())
    assert [row[-1] for row in rows.values()] == [_YES] * 7
    bounds = [row[1] for row in rows.values()]
    assert bounds == ["0", "0", "0.3", "-0.3", "0.3", "0.3", "0"]
    assert rows["a"][0] == "1.00 ± 0.00 (RIM over FFN, Gaussian, p = 0.2, t = 20)"
    assert rows["b20"][0] == "1.00 ± 0.00 (FFN over GDN, Gaussian, p = 0.2, t = 20)"
    # Over the FFN, not over the GDN, which is another quantity.
    assert rows["a"][2] == "1.00 to 1.00"
    assert rows["c"][2] == "-0.10 to 0.00"
    assert "p = 0.4: RIM +20.40, FFN +19.40, GDN -1.00;" in "".join(lines)
    # A Markdown table, whose lines are aligned.
    assert len({len(line) for line in lines[:9]}) == 1
    assert set(lines[1]) == {"|", "-"}
    assert lines[9] == ""


@pytest.mark.parametrize(
    ("task", "p", "model", "curve", "refuted"),
    [
        ("Fourier", 0.4, "FFN", _curve(10, 30.5, 20), ["a"]),
        ("Gaussian", 0.4, "FFN", _curve(10, 27.5, 20), ["b20"]),
        ("binary", 0.4, "GDN", _curve(10, 28, 28.1), ["b"]),
        ("binary", 0.4, "GDN", _curve(10, 28, 27.8), ["b"]),
        ("Gaussian", 0.4, "RIM", _curve(10, 30, 29.6), ["c"]),
        # Being up again at the end does not undo a fall.
        ("inpainting", 0.4, "RIM", _moved(30, -0.4, -0.4, at=35), ["c"]),
        ("Fourier", 0.2, "FFN", _moved(28.2, -1.2, -1.2, at=35), []),
        # The FFN does not fall, or too little,
        ("Fourier", 0.2, "FFN", _curve(10, 28.2, 28.2), ["d", "dPSNR"]),
        ("Fourier", 0.2, "FFN", _curve(10, 28.2, 28.0), ["d", "dPSNR"]),
        # or farther on a task of high PSNR, or of many measurements.
        ("Gaussian", 0.6, "FFN", _curve(10, 29.6, 27.5), ["d", "dPSNR"]),
        ("Fourier", 0.6, "FFN", _curve(10, 28.6, 26.5), ["d"]),
        # That one falls farther at another t does not count.
        ("Gaussian", 0.6, "FFN", _moved(29.6, -5, -5, at=45), []),
        # Half of what the FFN gains are 9.7 dB.
        ("inpainting", 0.4, "GDN", _curve(10, 19.6, 20), []),
        ("inpainting", 0.4, "GDN", _curve(10, 19.8, 20), ["e"]),
        ("inpainting", 0.4, "GDN", _curve(10, 29.5, 20), ["e"]),
        ("inpainting", 0.4, "FFN", _curve(10, 31, 27), ["e"]),
        ("inpainting", 0.4, "FFN", _curve(10, 20, 20), ["e"]),
    ],
)
def test_one_panel_is_enough_to_refute(task, p, model, curve, refuted):
    rows = _rows(_curves((Panel(task, p), model, curve)))
    verdicts = {name: row[-1] for name, row in rows.items()}
    assert verdicts == {name: _NO if name in refuted else _YES for name in _ROWS}


def _drifting(first, last):
    """A curve of GDN whose patches drift apart from t = 20 to 50."""
    curve = _curve(10, 27, 27)
    curve.psnr[20:] += np.linspace(0, 1, 31)[:, np.newaxis] * np.array([first, last])
    return curve


@pytest.mark.parametrize(
    ("name", "panel", "model", "curve", "evidence"),
    [
        # Errors are those of differences on the same patches.
        ("a", _MIDDLE, "RIM", _above(28.4, 0.5, 0.1), "0.30 ± 0.20 (RIM over FFN, F"),
        # The least certain margin decides, not the smallest one.
        ("a", _MIDDLE, "RIM", _above(28.4, 4, -1), "1.50 ± 2.50 (RIM over FFN, F"),
        # It may be that over the worse one of the others.
        ("a", _MIDDLE, "GDN", _above(28.4, -1.5, 0.5), "1.50 ± 1.00 (RIM over GDN, F"),
        ("b", _MIDDLE, "GDN", _moved(27, -0.2, -1), "0.60 ± 0.40 (fall of GDN, F"),
        # Where nothing has had time to fall at first, later it may have.
        (
            "b",
            _MIDDLE,
            "GDN",
            _drifting(-2, 3),
            "-0.50 ± 2.50 (fall of GDN, Fourier, p = 0.4, t = 50)",
        ),
        ("c", _MIDDLE, "RIM", _moved(29, 0, -0.4), "-0.20 ± 0.20 (change of RIM, F"),
        # Some patches fall, others rise.
        ("c", _MIDDLE, "RIM", _moved(29, -4, 3.9), "-0.05 ± 3.95 (change of RIM, F"),
        ("dPSNR", _HARD, "FFN", _moved(28, -0.2, -1), "0.60 ± 0.40 (fall of FFN, F"),
        ("e", _UNSEEN, "RIM", _above(29.4, 0.5, 0.1), "0.30 ± 0.20 (RIM over FFN, i"),
        (
            "e",
            _UNSEEN,
            "GDN",
            _moved(10.6, -20, 23, at=20),
            "7.60 ± 21.50 (half of FFN",
        ),
    ],
)
def test_uncertain_evidence_decides_nothing(name, panel, model, curve, evidence):
    row = _rows(_curves((panel, model, curve)))[name]
    assert row[0].startswith(evidence)
    assert row[-1] == _UNCERTAIN


def test_rim_is_to_be_steady_at_every_later_step():
    """Not only where its mean is lowest."""
    curve = _moved(29, -0.25, -0.25)
    curve.psnr[_T] += np.array([0.45, -0.41])
    row = _rows(_curves((_MIDDLE, "RIM", curve)))["c"]
    assert row[0] == "-0.23 ± 0.43 (change of RIM, Fourier, p = 0.4, t = 50)"
    assert row[-1] == _UNCERTAIN


def test_a_certain_loss_refutes_beside_an_uncertain_gain():
    uncertain = (Panel("binary", 0.4), "RIM", _above(29.4, 4, -1))
    curves = _curves((_MIDDLE, "RIM", _above(28.4, -0.5, -0.5)), uncertain)
    assert _rows(curves)["a"][-1] == _NO


def test_patches_of_one_image_decide_nothing():
    for row in _rows(_curves(), np.array([3, 3])).values():
        assert "±" not in row[0]
        assert row[-1] == _UNCERTAIN


@pytest.mark.parametrize(
    ("hard", "others", "verdict", "difference"),
    [
        # Falls are compared on the same patches.
        (
            (1.9, 2.3),
            {("binary", 0.6): (2.0, 1.8)},
            _UNCERTAIN,
            "0.20 ± 0.30 (fall of 2.10 on",
        ),
        ((1.9, 2.3), {("binary", 0.6): (1.9, 2.1)}, _UNCERTAIN, "0.10 ± 0.10"),
        ((1.9, 2.3), {("binary", 0.6): (1.8, 2.24)}, _YES, "0.08 ± 0.02"),
        # One hard task is enough, though the fall may be farther on another one.
        ((1, 1), {("Fourier", 0.4): (0, 2.4)}, _YES, "1.00 ± 0.00"),
        # It is to be farther than on every easy task, not than on that of the farthest.
        (
            (1, 1),
            {("Gaussian", 0.6): (0.5, 0.5), ("binary", 0.6): (-1, 1.9)},
            _UNCERTAIN,
            "",
        ),
    ],
)
def test_falls_of_the_feed_forward_network(hard, others, verdict, difference):
    falls = {_HARD: hard} | {Panel(*panel): fall for panel, fall in others.items()}
    changed = [(p, "FFN", _moved(28, *np.negative(fall))) for p, fall in falls.items()]
    row = _rows(_curves(*changed))["dPSNR"]
    assert row[0].startswith(difference)
    assert row[-1] == verdict


@pytest.mark.parametrize("last", [5, 20, 29])
def test_short_runs(last):
    """What is said of later steps is not tested; the last takes the place of 20."""
    curves = {
        panel: {name: Curve(curve.psnr[: last + 1]) for name, curve in row.items()}
        for panel, row in _curves().items()
    }
    assert findings.last_step(curves) == last
    assert f"at t = {min(20, last)}" in findings.judge(curves, _IMAGES)[0].finding
    untested = [name for name, row in _rows(curves).items() if row[-1] == "not tested"]
    assert untested == ["b", "c", "dPSNR", "d"]
