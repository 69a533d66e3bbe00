"""Tests of the choice of the arithmetic."""

import sys
import types

import pytest

from rim_tf.speed import precision


@pytest.mark.parametrize("name", ["float32", "mixed_bfloat16"])
def test_what_is_asked_for_is_taken(name):
    assert precision.resolve(name)[0] == name


@pytest.mark.parametrize(
    ("words", "backend", "expected"),
    [
        ({"GenuineIntel", "avx512_bf16", "amx_bf16"}, "tensorflow", "mixed_bfloat16"),
        ({"GenuineIntel", "avx512_bf16", "amx_bf16"}, "jax", "mixed_bfloat16"),
        ({"GenuineIntel", "avx512f", "avx512_bf16"}, "tensorflow", "float32"),
        ({"AuthenticAMD", "avx512f", "avx512_bf16"}, "tensorflow", "mixed_bfloat16"),
        ({"AuthenticAMD", "avx512f", "avx512_bf16"}, "jax", "float32"),
        ({"AuthenticAMD", "avx2"}, "tensorflow", "float32"),
        (set(), "tensorflow", "float32"),
    ],
)
def test_auto_follows_the_processor(monkeypatch, words, backend, expected):
    monkeypatch.setattr(precision, "has_gpu", lambda: False)
    monkeypatch.setattr(precision, "_cpu_words", lambda: words)
    monkeypatch.setattr(precision.keras.backend, "backend", lambda: backend)
    assert precision.resolve("auto")[0] == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"avx512_bf16"}, True),
        ({"avx512_bf16", "amx_bf16"}, False),
        ({"avx512f"}, False),
    ],
)
def test_vectors_without_matrix_units(monkeypatch, words, expected):
    monkeypatch.setattr(precision, "_cpu_words", lambda: words)
    assert precision.only_vectors_have_bfloat16() == expected


def test_reads_what_linux_says_of_the_processor():
    text = """processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: GenuineIntel, not really
flags\t\t: fpu avx512_bf16
vmx flags\t: amx_bf16

processor\t: 1
vendor_id\t: AuthenticAMD
flags\t\t: fpu avx512_bf16
"""
    assert precision._words_of(text) == {"AuthenticAMD", "fpu", "avx512_bf16"}
    assert precision._words_of("") == frozenset()


@pytest.mark.parametrize("has", [True, False])
def test_auto_follows_the_gpu(monkeypatch, has):
    monkeypatch.setattr(precision, "has_gpu", lambda: True)
    monkeypatch.setattr(precision, "_gpu_has_bfloat16", lambda: has)
    expected = "mixed_bfloat16" if has else "float32"
    assert precision.resolve("auto")[0] == expected


def test_gpu_has_the_name_that_tensorflow_knows(monkeypatch):
    monkeypatch.setattr(precision.keras.backend, "backend", lambda: "tensorflow")
    monkeypatch.setattr(precision, "has_gpu", lambda: False)
    assert precision.gpu_name() is None
    details = {"device_name": "NVIDIA H100"}
    monkeypatch.setattr(precision, "has_gpu", lambda: True)
    monkeypatch.setattr(precision, "_tensorflow_gpu", lambda: details)
    assert precision.gpu_name() == "NVIDIA H100"


def test_gpu_has_the_name_that_jax_knows(monkeypatch):
    monkeypatch.setattr(precision.keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(precision, "has_gpu", lambda: True)
    gpu = types.SimpleNamespace(device_kind="NVIDIA H200")
    jax = types.SimpleNamespace(devices=lambda kind: {"gpu": [gpu]}[kind])
    monkeypatch.setitem(sys.modules, "jax", jax)
    assert precision.gpu_name() == "NVIDIA H200"


@pytest.mark.parametrize(
    ("capability", "expected"),
    [("9.0", "mixed_bfloat16"), ("7.5", "float32"), ("gfx90a", "float32")],
)
def test_a_gpu_may_describe_itself_as_it_likes(monkeypatch, capability, expected):
    """NVIDIA's tell a version, AMD's a name."""
    monkeypatch.setattr(precision.keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(precision, "has_gpu", lambda: True)
    gpu = types.SimpleNamespace(device_kind="a GPU", compute_capability=capability)
    jax = types.SimpleNamespace(devices=lambda kind: {"gpu": [gpu]}[kind])
    monkeypatch.setitem(sys.modules, "jax", jax)
    assert precision.resolve("auto")[0] == expected


def test_unknown_precision():
    with pytest.raises(ValueError, match="float16"):
        precision.resolve("float16")
