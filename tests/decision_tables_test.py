"""Tests of the tables of decisions."""

import json

import pytest

from paper_experiments.common import decision_tables


def _training(row, *values, condition=None, metric="psnr"):
    per_image = {f"i{number}": value for number, value in enumerate(values)}
    condition = condition or {"sigma": 25, "quantized": False}
    record = {"condition": condition, "metric": metric, "per_image": per_image}
    return {"row": row, "flags": [], "parameters": 1234, "measured": [record]}


@pytest.fixture(name="write")
def _write(tmp_path, monkeypatch):
    monkeypatch.setattr(decision_tables, "NUMBERS_FOLDER", tmp_path)

    def write(*trainings):
        (tmp_path / "decisions").mkdir()
        content = json.dumps({"trainings": trainings})
        (tmp_path / "decisions" / "a.json").write_text(content)

    return write


def test_others_are_compared_with_the_first_image_by_image(write):
    write(_training("base", 30.0, 32.0), _training("eta", 30.1, 32.3))
    assert decision_tables.differences("a") == [
        "| PSNR in dB, 2 images | parameters |       σ = 25 |",  # noqa: RUF001
        "|----------------------|-----------:|-------------:|",
        "| base                 |      1,234 |        31.00 |",
        "| eta                  |      1,234 | +0.20 ± 0.10 |",
    ]


def test_images_are_paired_by_name(write):
    other = _training("eta", 30.1, 32.3)
    images = other["measured"][0]["per_image"]
    other["measured"][0]["per_image"] = dict(reversed(images.items()))
    write(_training("base", 30.0, 32.0), other)
    assert "+0.20 ± 0.10" in decision_tables.differences("a")[-1]


def test_factors_are_conditions_and_ssim_is_left_out(write):
    base = _training("base", 30.0, 32.0, condition={"factor": 3})
    ssim = _training("base", 0.9, 0.8, condition={"factor": 3}, metric="ssim")
    write({**base, "measured": base["measured"] + ssim["measured"]})
    heading, _, row = decision_tables.differences("a")
    assert heading.split("|")[3:-1] == ["    x3 "] and "31.00" in row
