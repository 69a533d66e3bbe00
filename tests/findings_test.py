"""Tests of the verdicts on the paper's findings."""

import numpy as np
import pytest

from paper_experiments.figure3 import findings, measurement
from paper_experiments.figure3.findings import TRAINED_STEPS

_T = 50
# Both patches of an image of their own.
_IMAGES = np.array([0, 1])
# Of the lowest PSNR, and with the fewest measurements.
_HARD = measurement.Panel("Fourier", 0.2)
_MIDDLE = measurement.Panel("Fourier", 0.4)


def _curve(first, trained, last):
    """A curve of two patches, whose mean goes through values at t = 0, 20 and 50."""
    mean = np.interp(np.arange(_T + 1), [0, 20, _T], [first, trained, last])
    return measurement.Curve(np.stack([mean - 1, mean + 1], axis=1))


def _dip(trained, lowest):
    """A curve that falls after t = 20, and is up again at t = 50."""
    curve = _curve(10, trained, trained)
    curve.psnr[35] += lowest - trained
    return curve


def _curves():
    """Curves as the paper's."""
    curves = {}
    for task in measurement.TASKS:
        for p in measurement.FRACTIONS:
            rim = 30 + p - (task == "Fourier")
            curves[measurement.Panel(task, p)] = {
                "RIM": _curve(10, rim, rim - 0.1),
                "GDN": _curve(10, 9 if task == "inpainting" else rim - 2, 8),
                "FFN": _curve(10, rim - 1, rim - 1),
            }
    curves[_HARD]["FFN"] = _curve(10, 28.2, 26.2)
    return curves


def _verdicts(curves, images=_IMAGES):
    return [line.split("**")[-2] for line in findings.judge(curves, images)[:7]]


_YES, _NO = "reproduced", "NOT REPRODUCED"
_UNCERTAIN = "not decided, within 2 standard errors"


def test_the_papers_curves_reproduce_all():
    assert _verdicts(_curves()) == [_YES] * 7
    lines = findings.judge(_curves(), _IMAGES)
    # Over the FFN by 1 dB, over the GDN by 2.
    assert "margins of 1.00 to 2.00 dB" in lines[0]
    assert "evidence 1.00 ± 0.00 dB (RIM over FFN, Gaussian, p = 0.2)" in lines[0]
    assert "evidence 1.00 ± 0.00 dB (FFN over GDN, Gaussian, p = 0.2)" in lines[1]
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
    curves[measurement.Panel(task, 0.4)][model] = curve
    expected = [_YES] * 7
    expected[finding] = _NO
    assert _verdicts(curves) == expected


@pytest.mark.parametrize(
    ("task", "p", "curve", "verdicts"),
    [
        # It does not fall, or too little.
        ("Fourier", 0.2, _curve(10, 28.2, 28.2), [_NO, _NO]),
        ("Fourier", 0.2, _curve(10, 28.2, 28.0), [_NO, _NO]),
        # It need not stay down.
        ("Fourier", 0.2, _dip(28.2, 27), [_YES, _YES]),
        # It falls farther on a task of high PSNR, or of many measurements.
        ("Gaussian", 0.6, _curve(10, 29.6, 27.5), [_NO, _NO]),
        ("Fourier", 0.6, _curve(10, 28.6, 26.5), [_YES, _NO]),
    ],
)
def test_feed_forward_network_on_hard_tasks(task, p, curve, verdicts):
    """Once by the PSNR, once by the number of measurements."""
    curves = _curves()
    curves[measurement.Panel(task, p)]["FFN"] = curve
    assert _verdicts(curves) == [_YES, _YES, _YES, _YES, *verdicts, _YES]


def _with_margins(*margins):
    """Curves where the RIM is above the FFN by so much on the patches of a panel."""
    curves = _curves()
    row = curves[_MIDDLE]
    row["RIM"] = measurement.Curve(row["FFN"].psnr + np.array(margins))
    return curves


def test_standard_error_is_that_of_differences_on_the_same_patches():
    line = findings.judge(_with_margins(0.5, 0.1), _IMAGES)[0]
    assert "0.30 ± 0.20 dB (RIM over FFN, Fourier, p = 0.4)" in line
    assert line.endswith(f"**{_UNCERTAIN}**.")


def test_the_least_certain_margin_decides():
    """Not the smallest one."""
    line = findings.judge(_with_margins(4.0, -1.0), _IMAGES)[0]
    assert "margins of 1.00 to 2.50 dB" in line
    assert "1.50 ± 2.50 dB (RIM over FFN, Fourier, p = 0.4)" in line
    assert line.endswith(f"**{_UNCERTAIN}**.")


def test_the_model_that_is_beaten_less_certainly_decides():
    """Not the better one of the others."""
    curves = _with_margins(0.5, 0.6)
    row = curves[_MIDDLE]
    row["GDN"] = measurement.Curve(row["FFN"].psnr + np.array([-1.0, 0.5]))
    line = findings.judge(curves, _IMAGES)[0]
    assert "0.80 ± 0.70 dB (RIM over GDN, Fourier, p = 0.4)" in line
    assert line.endswith(f"**{_UNCERTAIN}**.")


def test_a_certain_loss_refutes_beside_an_uncertain_gain():
    curves = _with_margins(-0.5, -0.5)
    row = curves[measurement.Panel("binary", 0.4)]
    row["RIM"] = measurement.Curve(row["FFN"].psnr + np.array([4.0, -1.0]))
    assert findings.judge(curves, _IMAGES)[0].endswith(f"**{_NO}**.")


def test_inpainting_is_not_decided_by_uncertain_margins():
    curves = _curves()
    row = curves[measurement.Panel("inpainting", 0.4)]
    row["RIM"] = measurement.Curve(row["FFN"].psnr + np.array([0.5, 0.1]))
    line = findings.judge(curves, _IMAGES)[6]
    assert "0.30 ± 0.20 dB (RIM over FFN, inpainting, p = 0.4)" in line
    assert line.endswith(f"**{_UNCERTAIN}**.")


def test_patches_of_one_image_decide_nothing():
    lines = findings.judge(_curves(), np.array([3, 3]))[:7]
    for line in (0, 1, 6):
        assert "evidence 1.00 dB (" in lines[line]
    for said in lines:
        assert "±" not in said
        assert said.endswith("**not decided on a single image**.")


def _falling(trained, *falls):
    """A curve that falls by so much on each patch after t = 20."""
    curve = _curve(10, trained, trained)
    curve.psnr[TRAINED_STEPS + 1 :] -= np.array(falls)
    return curve


@pytest.mark.parametrize(
    ("finding", "panel", "model", "curve", "said"),
    [
        (2, _MIDDLE, "GDN", _falling(27, 0.2, 1.0), "0.60 ± 0.40 dB (GDN, Fourier"),
        (3, _MIDDLE, "RIM", _falling(29, 0.0, 0.4), "0.20 ± 0.20 dB (RIM, Fourier"),
        (4, _HARD, "FFN", _falling(28, 0.2, 1.0), "0.60 ± 0.40 dB (FFN, Fourier"),
    ],
)
def test_uncertain_falls_decide_nothing(finding, panel, model, curve, said):
    curves = _curves()
    curves[panel][model] = curve
    line = findings.judge(curves, _IMAGES)[finding]
    assert said in line
    assert line.endswith(f"**{_UNCERTAIN}**.")


@pytest.mark.parametrize(
    ("falls", "difference", "verdict"),
    [
        ((2.0, 1.8), "0.20 ± 0.30", _UNCERTAIN),
        ((1.9, 2.1), "0.10 ± 0.10", _UNCERTAIN),
        ((1.8, 2.24), "0.08 ± 0.02", _YES),
    ],
)
def test_falls_on_hard_and_easy_tasks_are_compared_on_the_same_patches(
    falls, difference, verdict
):
    curves = _curves()
    curves[_HARD]["FFN"] = _falling(28, 1.9, 2.3)
    curves[measurement.Panel("binary", 0.6)]["FFN"] = _falling(29.6, *falls)
    line = findings.judge(curves, _IMAGES)[4]
    assert "2.10 ± 0.20 dB (FFN, Fourier, p = 0.2, t = 21)" in line
    assert f"{difference} dB (Fourier, p = 0.2, over binary, p = 0.6)" in line
    assert line.endswith(f"**{verdict}**.")


def test_one_hard_task_of_certain_fall_is_enough():
    """Though the fall is farther on another one, which is not certain."""
    curves = _curves()
    curves[_HARD]["FFN"] = _falling(28, 1.0, 1.0)
    curves[_MIDDLE]["FFN"] = _falling(28, 0.0, 2.4)
    assert _verdicts(curves)[4] == _YES


def test_fall_is_to_be_farther_than_on_every_easy_task():
    """Not only than on that of the farthest fall."""
    curves = _curves()
    curves[_HARD]["FFN"] = _falling(28, 1.0, 1.0)
    curves[measurement.Panel("Gaussian", 0.6)]["FFN"] = _falling(29.6, 0.5, 0.5)
    curves[measurement.Panel("binary", 0.6)]["FFN"] = _falling(29.6, -1.0, 1.9)
    assert _verdicts(curves)[4] == _UNCERTAIN


def test_fall_is_not_refuted_by_the_first_later_step():
    """Where nothing has had time to fall, though later it may have."""
    curves = _curves()
    drift = np.linspace(0, 1, _T - TRAINED_STEPS + 1)[:, None] * np.array([-2.0, 3.0])
    gdn = _curve(10, 27, 27)
    gdn.psnr[TRAINED_STEPS:] += drift
    curves[_MIDDLE]["GDN"] = gdn
    line = findings.judge(curves, _IMAGES)[2]
    assert "-0.50 ± 2.50 dB (GDN, Fourier, p = 0.4, t = 50)" in line
    assert line.endswith(f"**{_UNCERTAIN}**.")


def test_rim_is_to_be_steady_at_every_later_step():
    """Not only where its mean is lowest."""
    curves = _curves()
    curve = _falling(29, 0.25, 0.25)
    curve.psnr[_T] += 0.02 + np.array([0.43, -0.43])
    curves[_MIDDLE]["RIM"] = curve
    line = findings.judge(curves, _IMAGES)[3]
    assert "0.23 ± 0.43 dB (RIM, Fourier, p = 0.4, t = 50)" in line
    assert line.endswith(f"**{_UNCERTAIN}**.")


def test_steady_mean_of_patches_that_fall_and_rise_is_not_certain():
    curves = _curves()
    curves[_MIDDLE]["RIM"] = _falling(29, 4.0, -3.9)
    assert _verdicts(curves)[3] == _UNCERTAIN


def test_failure_of_the_gdn_is_not_decided_by_uncertain_gains():
    curves = _curves()
    row = curves[measurement.Panel("inpainting", 0.4)]
    row["GDN"] = measurement.Curve(
        row["GDN"].psnr + np.linspace(0, 1, _T + 1)[:, None] * np.array([-50, 58])
    )
    assert _verdicts(curves)[6] == _UNCERTAIN
    assert _verdicts(curves, np.array([3, 3]))[6] == "not decided on a single image"


@pytest.mark.parametrize(("gain", "fails"), [(9.6, True), (9.8, False)])
def test_gdn_that_gains_little_fails(gain, fails):
    """Half of what the FFN gains, 19.4 dB."""
    curves = _curves()
    panel = measurement.Panel("inpainting", 0.4)
    curves[panel]["GDN"] = _curve(10, 10 + gain, 20)
    assert _verdicts(curves) == [_YES] * 6 + [_YES if fails else _NO]


@pytest.mark.parametrize("last", [5, 20, 29])
def test_short_runs(last):
    """What is said of later steps is not tested; the last takes the place of 20."""
    curves = {
        panel: {
            name: measurement.Curve(curve.psnr[: last + 1])
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
