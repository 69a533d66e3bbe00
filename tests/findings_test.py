"""Tests of the verdicts on the paper's findings."""

import numpy as np
import pytest

from paper_experiments import findings, three_task

_T = 50


def _curve(first, trained, last):
    """A curve through three values, at t = 0, 20 and 50."""
    mean = np.interp(np.arange(_T + 1), [0, 20, _T], [first, trained, last])
    return three_task.Curve(mean, np.ones(_T + 1))


def _curves():
    """Curves as the paper's."""
    curves = {}
    for task in three_task.TASKS:
        for p in three_task.FRACTIONS:
            hard = p == min(three_task.FRACTIONS)
            curves[three_task.Panel(task, p)] = {
                "RIM": _curve(10, 30, 29.9),
                "GDN": _curve(10, 9 if task == "inpainting" else 28, 8),
                "FFN": _curve(10, 29, 27 if hard else 29),
            }
    return curves


def _verdicts(curves):
    return ["NOT REPRODUCED" not in line for line in findings.judge(curves)[:5]]


def test_the_papers_curves_reproduce_all():
    assert _verdicts(_curves()) == [True] * 5
    assert "smallest margin +1.00 dB" in findings.judge(_curves())[0]


@pytest.mark.parametrize(
    ("finding", "task", "model", "curve"),
    [
        (0, "Fourier", "FFN", _curve(10, 30.5, 20)),
        (1, "binary", "GDN", _curve(10, 28, 28.1)),
        (2, "Gaussian", "RIM", _curve(10, 30, 29.6)),
        (4, "inpainting", "GDN", _curve(10, 29.5, 20)),
        (4, "inpainting", "FFN", _curve(10, 31, 27)),
    ],
)
def test_one_panel_is_enough_to_refute(finding, task, model, curve):
    curves = _curves()
    curves[three_task.Panel(task, 0.4)][model] = curve
    expected = [True] * 5
    expected[finding] = False
    assert _verdicts(curves) == expected


def test_feed_forward_network_that_does_not_fall():
    curves = _curves()
    for row in curves.values():
        row["FFN"] = _curve(10, 29, 29)
    assert _verdicts(curves) == [True, True, True, False, True]


def test_short_runs():
    """With fewer steps than in training the last one takes their place."""
    curves = {
        panel: {
            name: three_task.Curve(curve.mean[:6], curve.deviation[:6])
            for name, curve in row.items()
        }
        for panel, row in _curves().items()
    }
    assert findings.last_step(curves) == 5
    assert "at t = 5" in findings.judge(curves)[0]
