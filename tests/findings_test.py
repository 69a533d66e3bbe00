"""Tests of the verdicts on the paper's findings."""

import numpy as np
import pytest

from paper_experiments import findings, three_task
from paper_experiments.findings import TRAINED_STEPS

_T = 50
# Both patches of an image of their own.
_IMAGES = np.array([0, 1])
# Of the lowest PSNR, and with the fewest measurements.
_HARD = three_task.Panel("Fourier", 0.2)
_MIDDLE = three_task.Panel("Fourier", 0.4)


def _curve(first, trained, last):
    """A curve of two patches, whose mean goes through values at t = 0, 20 and 50."""
    mean = np.interp(np.arange(_T + 1), [0, 20, _T], [first, trained, last])
    return three_task.Curve(np.stack([mean - 1, mean + 1], axis=1))


def _dip(trained, lowest):
    """A curve that falls after t = 20, and is up again at t = 50."""
    curve = _curve(10, trained, trained)
    curve.psnr[35] += lowest - trained
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
    lines = findings.judge(curves, _IMAGES)[:7]
    return [line.endswith("**reproduced**.") for line in lines]


def test_the_papers_curves_reproduce_all():
    assert _verdicts(_curves()) == [True] * 7
    lines = findings.judge(_curves(), _IMAGES)
    # Over the FFN by 1 dB, over the GDN by 2.
    assert "margins of +1.00 to +2.00 dB" in lines[0]
    assert "certain +1.00 ± 0.00 dB (RIM over FFN, Gaussian, p = 0.2)" in lines[0]
    assert "certain +1.00 ± 0.00 dB (FFN over GDN, Gaussian, p = 0.2)" in lines[1]
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
        (6, "inpainting", "GDN", _curve(10, 19.8, 20)),
        (6, "inpainting", "FFN", _curve(10, 31, 27)),
        (6, "inpainting", "FFN", _curve(10, 20, 20)),
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


def _with_margins(*margins):
    """Curves where the RIM is above the FFN by so much on the patches of a panel."""
    curves = _curves()
    row = curves[_MIDDLE]
    row["RIM"] = three_task.Curve(row["FFN"].psnr + np.array(margins))
    return curves


def test_standard_error_is_that_of_differences_on_the_same_patches():
    line = findings.judge(_with_margins(0.5, 0.1), _IMAGES)[0]
    assert "+0.30 ± 0.20 dB (RIM over FFN, Fourier, p = 0.4)" in line
    assert line.endswith("**not decided, within 2 standard errors**.")


def test_the_least_certain_margin_decides():
    """Not the smallest one."""
    line = findings.judge(_with_margins(4.0, -1.0), _IMAGES)[0]
    assert "margins of +1.00 to +2.50 dB" in line
    assert "+1.50 ± 2.50 dB (RIM over FFN, Fourier, p = 0.4)" in line
    assert line.endswith("**not decided, within 2 standard errors**.")


def test_the_model_that_is_beaten_less_certainly_decides():
    """Not the better one of the others."""
    curves = _with_margins(0.5, 0.6)
    row = curves[_MIDDLE]
    row["GDN"] = three_task.Curve(row["FFN"].psnr + np.array([-1.0, 0.5]))
    line = findings.judge(curves, _IMAGES)[0]
    assert "+0.80 ± 0.70 dB (RIM over GDN, Fourier, p = 0.4)" in line
    assert line.endswith("**not decided, within 2 standard errors**.")


def test_a_certain_loss_refutes_beside_an_uncertain_gain():
    curves = _with_margins(-0.5, -0.5)
    row = curves[three_task.Panel("binary", 0.4)]
    row["RIM"] = three_task.Curve(row["FFN"].psnr + np.array([4.0, -1.0]))
    assert findings.judge(curves, _IMAGES)[0].endswith("**NOT REPRODUCED**.")


def test_inpainting_is_not_decided_by_uncertain_margins():
    curves = _curves()
    row = curves[three_task.Panel("inpainting", 0.4)]
    row["RIM"] = three_task.Curve(row["FFN"].psnr + np.array([0.5, 0.1]))
    line = findings.judge(curves, _IMAGES)[6]
    assert "+0.30 ± 0.20 dB (RIM over FFN, inpainting, p = 0.4)" in line
    assert line.endswith("**not decided, within 2 standard errors**.")


def test_patches_of_one_image_decide_nothing():
    lines = findings.judge(_curves(), np.array([3, 3]))[:7]
    assert "certain +1.00 dB (" in lines[0]
    for said in lines:
        assert said.endswith("**not decided on a single image**.")


def _falling(trained, *falls):
    """A curve that falls by so much on each patch after t = 20."""
    curve = _curve(10, trained, trained)
    curve.psnr[TRAINED_STEPS + 1 :] -= np.array(falls)
    return curve


@pytest.mark.parametrize(
    ("finding", "panel", "model", "curve", "said"),
    [
        (2, _MIDDLE, "GDN", _falling(27, 0.2, 1.0), "+0.60 ± 0.40 dB (GDN, Fourier"),
        (3, _MIDDLE, "RIM", _falling(29, 0.0, 0.4), "+0.20 ± 0.20 dB (RIM, Fourier"),
        (4, _HARD, "FFN", _falling(28, 0.2, 1.0), "+0.60 ± 0.40 dB (FFN, Fourier"),
    ],
)
def test_uncertain_falls_decide_nothing(finding, panel, model, curve, said):
    curves = _curves()
    curves[panel][model] = curve
    line = findings.judge(curves, _IMAGES)[finding]
    assert said in line
    assert line.endswith("**not decided, within 2 standard errors**.")


@pytest.mark.parametrize(
    ("falls", "verdict"),
    [
        ((2.0, 1.8), "not decided, within 2 standard errors"),
        ((1.7, 2.1), "reproduced"),
    ],
)
def test_falls_on_hard_and_easy_tasks_are_compared_on_the_same_patches(falls, verdict):
    curves = _curves()
    curves[_HARD]["FFN"] = _falling(28, 1.9, 2.3)
    curves[three_task.Panel("binary", 0.6)]["FFN"] = _falling(29.6, *falls)
    line = findings.judge(curves, _IMAGES)[4]
    assert "+2.10 ± 0.20 dB (FFN, Fourier, p = 0.2)" in line
    assert "(FFN, binary, p = 0.6)" in line
    assert line.endswith(f"**{verdict}**.")


@pytest.mark.parametrize(("gain", "fails"), [(9.6, True), (9.8, False)])
def test_gdn_that_gains_little_fails(gain, fails):
    """Half of what the FFN gains, 19.4 dB."""
    curves = _curves()
    panel = three_task.Panel("inpainting", 0.4)
    curves[panel]["GDN"] = _curve(10, 10 + gain, 20)
    assert _verdicts(curves) == [True] * 6 + [fails]


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
    lines = findings.judge(curves, _IMAGES)
    assert f"at t = {min(20, last)}" in lines[0]
    assert len(lines) == 7
    for letter, line in zip("bcd", lines[2:5], strict=True):
        assert line.startswith(f"* ({letter})")
        assert "not tested" in line
        assert "reproduced" not in line
