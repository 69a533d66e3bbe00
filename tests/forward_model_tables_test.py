"""Tests of the tables of forward models that no model saw."""

import json

import pytest

from paper_experiments.common import forward_model_tables


@pytest.fixture(name="write")
def _write(tmp_path, monkeypatch):
    monkeypatch.setattr(forward_model_tables, "NUMBERS_FOLDER", tmp_path)

    def write(*records):
        (tmp_path / "measured").mkdir()
        path = tmp_path / "measured" / "unseen_operators.json"
        path.write_text(json.dumps({"measured": records}))

    return write


def _records(title, origin, **psnr):
    names = {"any_10": "RIM-any, t = 10", "any_20": "RIM-any, t = 20"}
    condition = {"forward_model": title, "origin": origin, "sigma": 2.55}
    return [
        {
            "model": names.get(name, name),
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
