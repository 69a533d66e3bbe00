"""Tests of the tables of forward models that no model saw."""

import json

import pytest

from paper_experiments.common import forward_model_tables


@pytest.fixture(name="write")
def _write(tmp_path, monkeypatch):
    monkeypatch.setattr(forward_model_tables, "NUMBERS_FOLDER", tmp_path)

    def write(*records, name="unseen_operators"):
        (tmp_path / "measured").mkdir(exist_ok=True)
        path = tmp_path / "measured" / f"{name}.json"
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


def test_where_auto_stops(write):
    """Beside the same estimates at t = 20."""

    def record(model, condition, *values, test_set="68"):
        per_image = {f"i{number}": value for number, value in enumerate(values)}
        return {
            **{"model": model, "test_set": test_set, "condition": condition},
            "per_image": per_image,
        }

    noise, blur = {"sigma": 15, "quantized": False}, {"forward_model": "blur"}
    write(
        record("RIM-denoise", noise, 31.0, 33.0),
        record("RIM-denoise", noise, 1.0, test_set="100"),
        record("noisy observation", noise, 24.0, 24.0),
        name="table2_denoise_rim_denoise",
    )
    write(
        record("RIM-any, t = 20", {**blur, "origin": "seen", "sigma": 2}, 25.0),
        record("RIM-any, t = 50", {**blur, "origin": "seen", "sigma": 2}, 24.0),
    )
    write(
        record("RIM-denoise, auto", {"sigma": 15}, 31.0, 32.98),
        record("RIM-denoise, steps", {"sigma": 15}, 8, 9),
        record("RIM-any, auto", blur, 25.5),
        record("RIM-any, steps", blur, 23),
        name="auto_stop",
    )
    _, _, *rows = (
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in forward_model_tables.stops()
    )
    assert rows == [
        [
            "RIM-denoise, the 68 images, σ = 15",  # noqa: RUF001
            *("32.00", "31.99", "-0.010", "8.5", ""),
        ],
        ["RIM-any, blur", "25.00", "25.50", "+0.500", "23.0", "24.00"],
    ]


def test_gains_at_little_noise(write):
    records = [
        {
            "model": model,
            "condition": {"sigma": 1},
            "per_image": dict(zip("ab", values, strict=True)),
        }
        for model, values in (
            ("RIM-any, T = 20", (48.5, 49.5)),
            ("noisy observation", (48.6, 48.2)),
        )
    ]
    write(*records, name="little_noise")
    (row,) = forward_model_tables.little_noise()[2:]
    assert [cell.strip() for cell in row.split("|")[1:-1]] == [
        *("σ = 1", "48.40", "49.00", "+0.60", "-0.10"),  # noqa: RUF001
    ]
