"""Tests of the verdicts on the paper's findings."""

import numpy as np
import pytest

from paper_experiments import findings, three_task

_T = 50
# Of the lowest PSNR, and with the fewest measurements.
_HARD = three_task.Panel("Fourier", 0.2)


def _curve(first, trained, last):
    """A curve of two patches, whose mean goes through values at t = 0, 20 and 50."""
    mean = np.interp(np.arange(_T + 1), [0, 20, _T], [first, trained, last])
    return three_task.Curve(np.stack([mean - 1, mean + 1], axis=1))


def _dip(trained, lowest):
    """A curve that falls after t = 20, and is up again at t = 50."""
    curve = _curve(10, trained, trained)
    curve.psnr[35] = lowest
    return curve


def _curves():
    """Curves as the paper's."""
    curves = {}
    for task in three_task.TASKS:
        for p in three_task.FRACTIONS:
            rim = 30 + p - (task == "Fourier")
            curves[three_task.Panel(task, p)] = {
                "RIM": _curve(10, rim, rim - 0.1),
                "GDN": _curve(10, 9 if task == "inpainting" else rim - 2, 8),
                "FFN": _curve(10, rim - 1, rim - 1),
            }
    curves[_HARD]["FFN"] = _curve(10, 28.2, 26.2)
    return curves


def _verdicts(curves):
    lines = findings.judge(curves)[:7]
    return [line.endswith("**reproduced**.") for line in lines]


def test_the_papers_curves_reproduce_all():
    assert _verdicts(_curves()) == [True] * 7
    lines = findings.judge(_curves())
    assert "least certain margin +1.00 ± 0.00 dB (Gaussian, p = 0.2)" in lines[0]
    assert "below the others by +1.00 to +1.00 dB" in lines[1]
    assert "p = 0.4: RIM +20.40 dB, FFN +19.40 dB, GDN -1.00 dB" in lines[6]
    assert "not tested" not in "".join(lines)


@pytest.mark.parametrize(
    ("finding", "task", "model", "curve"),
    [
        (0, "Fourier", "FFN", _curve(10, 30.5, 20)),
        (1, "Gaussian", "FFN", _curve(10, 27.5, 20)),
        (2, "binary", "GDN", _curve(10, 28, 28.1)),
        (2, "binary", "GDN", _curve(10, 28, 27.8)),
        (3, "Gaussian", "RIM", _curve(10, 30, 29.6)),
        (3, "inpainting", "RIM", _dip(30, 29.6)),
        (6, "inpainting", "GDN", _curve(10, 29.5, 20)),
        (6, "inpainting", "GDN", _curve(10, 26.9, 20)),
        (6, "inpainting", "FFN", _curve(10, 31, 27)),
        (6, "inpainting", "FFN", _curve(10, 27, 27)),
    ],
)
def test_one_panel_is_enough_to_refute(finding, task, model, curve):
    curves = _curves()
    curves[three_task.Panel(task, 0.4)][model] = curve
    expected = [True] * 7
    expected[finding] = False
    assert _verdicts(curves) == expected


@pytest.mark.parametrize(
    ("task", "p", "curve", "reproduced"),
    [
        # It does not fall, or too little.
        ("Fourier", 0.2, _curve(10, 28.2, 28.2), [False, False]),
        ("Fourier", 0.2, _curve(10, 28.2, 28.0), [False, False]),
        # It need not stay down.
        ("Fourier", 0.2, _dip(28.2, 27), [True, True]),
        # It falls as far on a task of high PSNR, or of many measurements.
        ("Gaussian", 0.6, _curve(10, 29.6, 27.6), [False, False]),
        ("Fourier", 0.6, _curve(10, 28.6, 26.6), [True, False]),
    ],
)
def test_feed_forward_network_on_hard_tasks(task, p, curve, reproduced):
    """Once by the PSNR, once by the number of measurements."""
    curves = _curves()
    curves[three_task.Panel(task, p)]["FFN"] = curve
    assert _verdicts(curves) == [True, True, True, True, *reproduced, True]


def test_standard_error_is_that_of_differences_on_the_same_patches():
    curves = _curves()
    row = curves[three_task.Panel("Fourier", 0.4)]
    # On one patch 0.5 dB above the FFN, on the other 0.1 dB.
    row["RIM"] = three_task.Curve(row["FFN"].psnr + np.array([0.5, 0.1]))
    line = findings.judge(curves)[0]
    assert "least certain margin +0.30 ± 0.20 dB (Fourier, p = 0.4)" in line
    assert line.endswith("**not decided, within 2 standard errors**.")


def test_the_least_certain_margin_decides():
    """Not the smallest one."""
    curves = _curves()
    row = curves[three_task.Panel("Fourier", 0.4)]
    # 4 dB above the FFN on one patch, 1 dB below it on the other.
    row["RIM"] = three_task.Curve(row["FFN"].psnr + np.array([4.0, -1.0]))
    line = findings.judge(curves)[0]
    assert "least certain margin +1.50 ± 2.50 dB (Fourier, p = 0.4)" in line
    assert line.endswith("**not decided, within 2 standard errors**.")


def test_one_patch_has_no_standard_error():
    curves = {
        panel: {name: three_task.Curve(c.psnr[:, :1]) for name, c in row.items()}
        for panel, row in _curves().items()
    }
    line = findings.judge(curves)[0]
    assert "least certain margin +1.00 dB" in line
    assert line.endswith("**reproduced**.")


def test_gdn_that_gains_little_fails():
    curves = _curves()
    curves[three_task.Panel("inpainting", 0.4)]["GDN"] = _curve(10, 25.9, 20)
    assert _verdicts(curves) == [True] * 7


@pytest.mark.parametrize("last", [5, 20, 29])
def test_short_runs(last):
    """What is said of later steps is not tested; the last takes the place of 20."""
    curves = {
        panel: {
            name: three_task.Curve(curve.psnr[: last + 1])
            for name, curve in row.items()
        }
        for panel, row in _curves().items()
    }
    assert findings.last_step(curves) == last
    lines = findings.judge(curves)
    assert f"at t = {min(20, last)}" in lines[0]
    assert len(lines) == 7
    for letter, line in zip("bcd", lines[2:5], strict=True):
        assert line.startswith(f"* ({letter})")
        assert "not tested" in line
        assert "reproduced" not in line
