"""Tests of the choice of the arithmetic."""

import pytest

from rim_tf import precision


@pytest.mark.parametrize("name", ["float32", "mixed_bfloat16"])
def test_what_is_asked_for_is_taken(name):
    assert precision.resolve(name)[0] == name


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"avx2", "amx_bf16"}, "mixed_bfloat16"),
        ({"avx512f", "avx512_bf16"}, "float32"),
        ({"avx2", "avx512f"}, "float32"),
        (set(), "float32"),
    ],
)
def test_auto_follows_the_processor(monkeypatch, flags, expected):
    monkeypatch.setattr(precision, "has_gpu", lambda: False)
    monkeypatch.setattr(precision, "_cpu_flags", lambda: flags)
    assert precision.resolve("auto")[0] == expected


@pytest.mark.parametrize("has", [True, False])
def test_auto_follows_the_gpu(monkeypatch, has):
    monkeypatch.setattr(precision, "has_gpu", lambda: True)
    monkeypatch.setattr(precision, "_gpu_has_bfloat16", lambda: has)
    expected = "mixed_bfloat16" if has else "float32"
    assert precision.resolve("auto")[0] == expected


def test_unknown_precision():
    with pytest.raises(ValueError, match="float16"):
        precision.resolve("float16")
