"""Tests of measuring all choices, and of going on with it."""

import dataclasses
import json

import numpy as np
import pytest
import skimage.data

from paper_experiments.choices import groups, measurement, restoring
from paper_experiments.choices.measurement import Measurement, Row
from paper_experiments.choices.methods import Baseline, Network
from paper_experiments.choices.steps import (
    DENOISING,
    OURS,
    Choice,
    NotMeasurableError,
    Photograph,
)

_PHOTOGRAPHS = [
    Photograph(name, number, getattr(skimage.data, name)()[100:124, 200:224])
    for number, name in enumerate(("astronaut", "chelsea", "coffee"))
]
_IDS = [photograph.image_id for photograph in _PHOTOGRAPHS]


class _Gray(Baseline):
    """A quick method; the calls of both methods are counted."""

    calls = 0

    def denoise(self, noisy, sigma):
        _Gray.calls += 1
        return np.clip(noisy, 0, 1)


class _Net(Network):
    def denoise(self, noisy, sigma, ensemble=False):
        _Gray.calls += 1
        return np.clip(noisy, 0, 1) + sigma / 100

    def enlarge(self, small, factor, luminance):
        return np.repeat(np.repeat(luminance(small), factor, 0), factor, 1)

    def fingerprint(self):
        return f"T = {self.num_steps}"


def _add(clean, normal):
    return clean + normal / 5


def _refuse(method, noisy, sigma):
    raise NotMeasurableError("never")


def _break(method, noisy, sigma):
    raise ImportError("libsomething.so is missing")


_CHOICES = {
    "images": (Choice("decode", "another decoder", {"gray": np.mean}),),
    "noise": (
        Choice("add", "more noise", {"add": _add}),
        Choice("refused", "never", {"denoise": _refuse}),
        Choice("broken", "not here", {"denoise": _break}),
        Choice("absent", "never", {"add": _add}, packages=("no-such-package",)),
    ),
    "restoring": (
        Choice("told", "twice", {"told": 2.0}, for_network=True),
        restoring.JAX,
    ),
}


@pytest.fixture(name="measured")
def _measured(tmp_path, monkeypatch):
    monkeypatch.setattr(groups, "ALL", _CHOICES)
    _Gray.calls = 0
    methods = {_Gray(): _IDS, _Net("a", "b", "float32", 3): _IDS[:2]}
    asked = ["noise", "restoring"]
    folder = tmp_path / "measured"
    return Measurement(_PHOTOGRAPHS, _IDS[:2], methods, 0, folder, asked)


def test_values_are_those_of_the_steps(measured):
    results = measured.run()
    ours = OURS[DENOISING]
    noisy = dataclasses.replace(ours, add=_add)
    for name, steps in {"ours": ours, "add": noisy}.items():
        values = results[Row(name, DENOISING, "baseline")]
        for photograph in _PHOTOGRAPHS[: len(values)]:
            estimate = steps.estimate(photograph, _Gray(), 0)
            expected = steps.value(photograph, estimate)
            assert values[photograph.image_id] == pytest.approx(expected)


def test_who_is_measured_on_which_images(measured):
    results = measured.run()
    measured_on = {
        (row.choice, row.method): list(values)
        for row, values in results.items()
        if row.condition == DENOISING
    }
    assert measured_on == {
        # Of all images, so that there is a mean of the 100, too.
        ("ours", "baseline"): _IDS,
        ("add", "baseline"): _IDS[:2],
        ("ours", "network"): _IDS[:2],
        ("add", "network"): _IDS[:2],
        # What is about restoring, on half of the images.
        ("told", "network"): _IDS[:1],
    }
    assert Row("ours", "x3", "network") in results
    assert Row("add", "x3", "network") not in results


def test_another_run_measures_nothing_again(measured):
    results, calls = measured.run(), _Gray.calls
    assert calls > 5
    again = dataclasses.replace(measured)
    assert {task.choice.name for task in again.missing()} == {"broken"}
    assert again.run() == results
    # Nor do groups that are not asked for now get lost.
    fewer = dataclasses.replace(measured, asked=["images"])
    assert fewer.known() == results
    assert _Gray.calls == calls


def test_stops_when_told(measured):
    assert measured.run(minutes=0) == {}
    assert measured.run(minutes=10) == measured.run()


def _without_broken(self, missing=Measurement.missing):
    return [task for task in missing(self) if task.choice.name != "broken"]


def test_an_interrupted_run_goes_on(measured, monkeypatch):
    measure, number = Measurement._measure, []

    def interrupted(self, task):
        if len(number) == 7:
            raise KeyboardInterrupt
        number.append(task)
        measure(self, task)

    before = [t for t in measured.missing() if t.choice.name != "broken"]
    monkeypatch.setattr(measured.__class__, "missing", _without_broken)
    with monkeypatch.context() as patch:
        patch.setattr(Measurement, "_measure", interrupted)
        with pytest.raises(KeyboardInterrupt):
            measured.run()
    assert len(measured.missing()) == len(before) - 7


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"photographs": [p._replace(rgb=p.rgb + np.uint8(1)) for p in _PHOTOGRAPHS]},
    ],
)
def test_other_settings_are_measured_again(measured, change):
    everything = len(measured.missing())
    measured.run()
    assert len(dataclasses.replace(measured, **change).missing()) == everything


def test_another_network_is_measured_again(measured):
    measured.run()
    (baseline, ids), (network, of_network) = measured.methods.items()
    other = dataclasses.replace(network, num_steps=4)
    methods = {baseline: ids, other: of_network}
    missing = dataclasses.replace(measured, methods=methods).missing()
    assert {task.method for task in missing} >= {other}
    assert {t.choice.name for t in missing if t.method == baseline} == {"broken"}


def test_another_version_of_a_library_is_measured_again(measured):
    measured.run()
    path = measured.folder / "000.json"
    kept = json.loads(path.read_text())
    for key in kept:
        if key.startswith("add|"):
            kept[key]["made_by"] = "numpy 0.1"
    path.write_text(json.dumps(kept))
    names = [task.choice.name for task in measured.missing()]
    assert names.count("add") == 2


def test_values_of_a_library_that_was_installed_then_are_taken(measured):
    measured.run()
    row = Row("absent", DENOISING, "baseline")
    assert row not in measured.known()
    path = measured.folder / "000.json"
    kept = json.loads(path.read_text())
    of_add = kept[f"add|{DENOISING}|baseline"]
    kept["|".join(row)] = {**of_add, "made_by": "no-such-package 2.0"}
    path.write_text(json.dumps(kept))
    assert measured.known()[row] == {_IDS[0]: of_add["value"]}
    assert measured.made_by()["absent"] == "no-such-package 2.0"


def test_who_made_a_choice_or_why_it_was_not_made(measured):
    measured.run(minutes=0)
    assert measured.made_by()["broken"] == ""
    assert measured.made_by()["absent"] == "not installed"
    measured.run()
    made_by = measured.made_by()
    assert set(made_by) == {
        "ours",
        *(choice.name for group in _CHOICES.values() for choice in group),
    }
    assert made_by["broken"] == "not importable"
    assert made_by["add"] == ""


def test_a_library_that_can_no_longer_be_imported_keeps_its_values(measured):
    measured.run()
    path = measured.folder / "000.json"
    kept = json.loads(path.read_text())
    key = f"broken|{DENOISING}|baseline"
    assert kept[key]["value"] is None
    kept[key].update(value=25.0, made_by="broken 0.9")
    path.write_text(json.dumps(kept))
    measured.run()
    assert json.loads(path.read_text())[key]["value"] == 25.0
    assert measured.made_by()["broken"] == "broken 0.9"


def test_a_fault_of_a_library_that_can_be_imported_is_told(measured, monkeypatch):
    def fail(method, noisy, sigma):
        raise RuntimeError("out of memory")

    broken = Choice("broken", "not here", {"denoise": fail}, packages=("numpy",))
    monkeypatch.setattr(groups, "ALL", {"noise": (broken,)})
    noise_only = dataclasses.replace(measured, asked=["noise"])
    with pytest.raises(RuntimeError, match="out of memory"):
        noise_only.run()
    monkeypatch.setattr(Choice, "is_importable", False)
    noise_only.run()
    numpy_here = f"numpy {np.__version__}, not importable"
    assert noise_only.made_by()["broken"] == numpy_here


def test_on_jax_networks_measure_the_row_of_jax_only(measured, monkeypatch):
    def names():
        return {
            task.choice.name
            for task in measured.missing()
            if task.method.name != "baseline"
        }

    assert restoring.JAX.name not in names()
    versions = measurement.provenance.versions()
    on_jax = {**versions, "backend": "jax"}
    monkeypatch.setattr(measurement.provenance, "versions", lambda: on_jax)
    assert names() == {restoring.JAX.name}
