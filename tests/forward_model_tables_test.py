"""Tests of the tables of forward models that no model saw."""

import json

import pytest

from paper_experiments.common import forward_model_tables


@pytest.fixture(name="write")
def _write(tmp_path, monkeypatch):
    monkeypatch.setattr(forward_model_tables, "NUMBERS_FOLDER", tmp_path)

    def write(*records, name="measured/unseen_operators"):
        path = tmp_path / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"measured": records}))

    return write


def _records(title, origin, **psnr):
    names = {"any_10": "RIM-any, t = 10", "any_20": "RIM-any, t = 20"}
    condition = {"forward_model": title, "origin": origin, "sigma": 2.55}
    return [
        {
            "model": names.get(name, name),
            "test_set": "5",
            "condition": condition,
            "per_image": {"a": value - 0.5, "b": value + 0.5},
        }
        for name, value in psnr.items()
    ]


_MEANS = {"observation": 20, "Wiener": 24, "TV": 25, "PnP": 27, "any_10": 27.5}


def test_all_forward_models_with_the_best_classic(write):
    last = {"any_20": 28.125}
    write(
        *_records("blur", "never seen", **_MEANS, **last),
        *_records("A = x", "beside", observation=20, TV=26, PnP=30, any_10=29, **last),
    )
    heading, _, *rows = (
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in forward_model_tables.in_full()
    )
    assert heading == [
        *("PSNR in dB", "observation", "best classic", "PnP"),
        *("RIM-any, t = 10", "RIM-any, t = 20"),
    ]
    assert rows == [
        [
            *("blur: never seen, σ = 2.55", "20.00", "25.00, TV"),  # noqa: RUF001
            *("27.00", "27.50", "28.12"),
        ],
        [
            *("A = x: beside, σ = 2.55", "20.00", "26.00, TV"),  # noqa: RUF001
            *("30.00", "29.00", "28.12"),
        ],
    ]


def test_some_of_them_in_short(write, monkeypatch):
    monkeypatch.setattr(forward_model_tables, "_IN_SHORT", {"blur": "a blur"})
    write(
        *_records("other", "seen", observation=1),
        *_records("blur", "seen", **_MEANS, any_20=28.04),
    )
    assert forward_model_tables.in_short() == [
        "| forward model | observation | best classic | `rim_any` |",
        "|---|---|---|---|",
        "| a blur | 20.0 | 25.0 | 28.0 |",
    ]


def test_a_rival_beside_the_others(write):
    write(
        *_records("other", "seen", observation=1),
        *_records("blur", "seen", **_MEANS, any_20=28.04),
    )
    write(*_records("blur", "seen", ADMM=26), name="baselines/unseen_operators")
    heading, _, row = _cells(forward_model_tables.rival())
    assert heading[1:] == ["best classic", "PnP", "ADMM", "RIM-any, t = 20"]
    assert row == ["blur", "25.00", "27.00", "26.00", "28.04"]


def _record(model, condition, *values, test_set="68"):
    per_image = {f"i{number}": value for number, value in enumerate(values)}
    return {
        **{"model": model, "test_set": test_set, "condition": condition},
        "per_image": per_image,
    }


_LITTLE = [
    _record("observation", {"sigma": 1}, 48.6, 48.2),
    _record("RIM-any, t = 20", {"sigma": 1}, 48.5, 49.5),
    _record("RIM-denoise, t = 20", {"sigma": 1}, 48.7, 48.3),
]
_NOISE, _BLUR = {"sigma": 15}, {"forward_model": "blur", "sigma": 2}
_STOPS = [
    _record("observation", _NOISE, 24.0, 24.0),
    _record("RIM-denoise, t = 20", _NOISE, 31.0, 33.0),
    _record("RIM-denoise, auto", _NOISE, 31.0, 32.98),
    _record("RIM-denoise, steps of auto", _NOISE, 8, 9),
    _record("RIM-any, t = 20", _BLUR, 25.0, test_set="5"),
    _record("RIM-any, auto", _BLUR, 25.5, test_set="5"),
    _record("RIM-any, steps of auto", _BLUR, 23, test_set="5"),
]


def _cells(lines):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_where_auto_stops(write):
    """Beside the same observations at t = 20, and at t = 50 where that was measured."""
    write(_record("RIM-any, t = 50", {**_BLUR, "origin": "seen"}, 24.0))
    write(*_LITTLE, *_STOPS, name="measured/when_to_stop")
    _, _, *rows = _cells(forward_model_tables.stops())
    assert rows == [
        [
            "RIM-denoise, the 68 images, σ = 15",  # noqa: RUF001
            *("32.00", "31.99", "-0.010", "8.5", ""),
        ],
        ["RIM-any, blur", "25.00", "25.50", "+0.500", "23.0", "24.00"],
    ]


def test_gains_at_little_noise(write):
    write(*_LITTLE, *_STOPS, name="measured/when_to_stop")
    (row,) = _cells(forward_model_tables.little_noise()[2:])
    assert row == [
        *("the 68 images, σ = 1", "48.40"),  # noqa: RUF001
        *("49.00", "+0.60", "-0.10", "48.50", "+0.10", "+0.10"),
    ]
