"""Tests of planting causes, and of how often the diagnosis finds them."""

import numpy as np
import pytest
import skimage.data

from paper_experiments.choices import planted, summary, together, unknown
from paper_experiments.choices.measurement import Row
from paper_experiments.choices.planted import Case, Made
from paper_experiments.choices.steps import DENOISING, OURS, Photograph
from paper_experiments.choices.summary import Numbers

_NAMES = ("astronaut", "chelsea", "coffee", "rocket")
_PHOTOGRAPHS = {
    f"{name}_{top}": Photograph(
        f"{name}_{top}", number, getattr(skimage.data, name)()[top:, 150:][:48, :60]
    )
    for number, (name, top) in enumerate((n, t) for n in _NAMES for t in (50, 150))
}
_IDS = tuple(_PHOTOGRAPHS)
_KNOWN = {
    DENOISING: ["clip", "told_0.8", "correlated", "wrap", "seed_1", "seed_2"],
    "x3": ["full_range", "with_border", "scipy_zoom", "pillow_lanczos", "every_pixel"],
}
# Choices whose steps are not the same, and whose changes add up.
_PAIR = ("full_range", "pillow_lanczos")


@pytest.fixture(name="numbers", scope="module")
def _numbers():
    """What some choices cost on the embedded photographs."""
    results = {}
    for condition, names in _KNOWN.items():
        for name in ("ours", *names):
            choices = () if name == "ours" else (name,)
            case = Case(planted.ONE, choices, condition, 0, _IDS)
            values = case.measure(_PHOTOGRAPHS)
            results[Row(name, condition, "baseline")] = values
    about = {"versions": dict.fromkeys(planted._LIBRARIES, "1.0")}
    return Numbers(results, {}, {"68": list(_IDS)}, about)


def _made(kind, choices, condition, ids=_IDS):
    case = Case(kind, choices, condition, 100, ids)
    return Made(case, case.measure(_PHOTOGRAPHS), "")


@pytest.mark.parametrize(
    ("condition", "name"),
    [(c, n) for c, names in _KNOWN.items() for n in names if not n.startswith("seed")],
)
def test_one_planted_choice_is_named_first(condition, name, numbers):
    made = _made(planted.ONE, (name,), condition, _IDS[:6])
    verdict = planted.judge(made, numbers)
    assert verdict == (1, True, False)
    # Without it nothing is.
    rest = planted.without(numbers, made)
    assert Row(name, condition, "baseline") not in rest.results
    assert planted.judge(made, rest) == (None, False, False)


def test_two_planted_choices_are_named_first(numbers):
    assert planted.judge(_made(planted.TWO, _PAIR, "x3"), numbers).place == 1


def test_two_choices_are_made_together_where_images_are_there(numbers):
    """Wrapped around and told a wrong level they change more than each by itself."""
    made = _made(planted.TWO, ("wrap", "told_0.8"), DENOISING)
    assert planted.judge(made, numbers).place is None
    make = together.Maker(lambda: _PHOTOGRAPHS, DENOISING)
    assert planted.judge(made, numbers, make).place == 1


def test_one_choice_that_is_two_is_right(numbers):
    """At x3 OpenCV's linear and cubic kernels both take every third pixel."""
    row = Row("ours", "x3", "baseline")
    names = ("opencv_linear", "opencv_cubic", "opencv_enlarged", "opencv_both")
    changes = dict(zip(names, (-1.2, -1.2, 0.1, -1.4), strict=True))
    ours = {i: 25.0 + number for number, i in enumerate(_IDS)}
    results = {
        row._replace(choice=name): {
            i: value + change * (1 + number % 3)
            for number, (i, value) in enumerate(ours.items())
        }
        for name, change in changes.items()
    }
    known = Numbers({row: ours, **results}, {}, {}, {})
    case = Case(planted.TWO, ("opencv_linear", "opencv_enlarged"), "x3", 100, _IDS)
    made = Made(case, results[row._replace(choice="opencv_both")], "")
    assert planted.judge(made, known) == (1, True, False)
    other = made._replace(case=case._replace(choices=("full_range", "opencv_enlarged")))
    assert planted.judge(other, known).is_wrong


def test_no_choice_is_named_where_none_was_planted(numbers):
    cases = [(planted.NONE, (), condition) for condition in _KNOWN]
    cases += [(planted.UNKNOWN, ("darker",), "x3")]
    cases += [(planted.UNKNOWN, ("noise_in_stripes",), DENOISING)]
    for case in cases:
        assert planted.judge(_made(*case), numbers) == (None, False, False), case


@pytest.mark.parametrize("choice", unknown.CHOICES, ids=lambda choice: choice.name)
def test_choices_that_no_table_has_change_something(choice):
    for condition in list(choice.steps())[:1]:
        ours = _made(planted.NONE, (), condition, _IDS[:3]).values
        made = _made(planted.UNKNOWN, (choice.name,), condition, _IDS[:3]).values
        assert 0.02 < max(abs(made[i] - ours[i]) for i in _IDS[:3]) < 20


def test_cases_are_drawn_anew_alike_and_can_be_made():
    numbers = summary.load("bsds300")
    cases = planted.draw(numbers)
    assert planted.draw(numbers) == cases
    assert planted.draw(numbers, seed=1) != cases
    kinds = [case.kind for case in cases]
    assert [kinds.count(k) for k in ("one", "two", "none", "unknown")] == [
        *(50, 30, 20, 20)
    ]
    assert len({case.seed for case in cases}) == len(cases)
    assert min(case.seed for case in cases) > 7
    for case in cases:
        assert set(case.ids) <= set(numbers.sets["68"])
        assert (case.steps == OURS[case.condition]) == (not case.choices)
    two = [case for case in cases if case.kind == planted.TWO]
    assert {case.condition for case in two} == set(OURS)


def test_cases_are_kept_when_they_are_made(tmp_path, monkeypatch, numbers):
    cases = [
        Case(planted.ONE, (name,), "x3", 100, _IDS[:3])
        for name in [*_KNOWN["x3"][:4], *_KNOWN["x3"]]
    ]
    cases.append(Case(planted.NONE, (), "x3", 107, _IDS[:3]))
    cases = list(dict.fromkeys(cases))
    monkeypatch.setattr(planted, "draw", lambda numbers: cases)
    path = tmp_path / "planted.json"
    first = planted.measure(_PHOTOGRAPHS, numbers, (1, 2), path)
    assert [made.case for made in first] == cases[:4]
    assert planted.load(path) == first
    monkeypatch.setattr(Case, "measure", lambda *_: dict.fromkeys(_IDS[:3], 1.0))
    both = planted.measure(_PHOTOGRAPHS, numbers, (1, 1), path)
    # The first are not measured again.
    assert both[:4] == first
    assert [made.case for made in both] == cases
    judged = planted.judge_all(both, numbers, _PHOTOGRAPHS, path)
    assert planted.load(path) == judged
    table = planted.table(judged, numbers)
    assert table[2].startswith("| one choice | 5 | 4 | 4 | ")
    assert table[5].startswith("| none, or another seed of the noise | 1 | 0 | 0 |")


def test_what_is_kept_is_found():
    numbers = summary.load("bsds300")
    every = planted.load()
    verdicts = {
        kind: [m.verdict for m in every if m.case.kind == kind]
        for kind in ("one", "two", "none", "unknown")
    }
    assert np.mean([v.place == 1 for v in verdicts["one"]]) >= 0.9
    assert np.mean([v.place == 1 for v in verdicts["two"]]) >= 0.6
    assert np.mean([not v.accuses for v in verdicts["none"]]) >= 0.9
    assert np.mean([v.is_wrong for v in (*verdicts["one"], *verdicts["two"])]) <= 0.1
    # Without images one choice is found as well.
    for made in every:
        if made.case.kind == "one" and made.verdict.place == 1:
            assert planted.judge(made, numbers).place == 1
