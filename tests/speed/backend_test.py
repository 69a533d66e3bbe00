"""Tests of what the backend compiles."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from rim_tf.speed import backend, plain


class _Scaled(keras.Model):
    """Multiplies by a variable, and counts how often it is traced."""

    def build(self, input_shape=None):
        self.factor = self.add_weight(name="factor", shape=(), initializer="ones")
        self.traces = 0

    def scale(self, values, others):
        self.traces += 1
        return self.factor * values, [value + 1 for value in others]


def test_function_is_compiled_once_for_each_shape():
    traces = []

    def double(values):
        traces.append(values.shape)
        return 2 * values

    compiled = backend.compile_function(double)
    for shape in ((2, 3), (2, 3), (4, 3)):
        values = ops.ones(shape)
        np.testing.assert_array_equal(compiled(values), np.full(shape, 2.0))
    assert len(traces) == 2


def test_shapes_after_the_first_share_a_function(monkeypatch):
    """Else memory would grow with each size of image: TensorFlow gives none back."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("JAX keeps a function for each shape.")
    monkeypatch.setattr(backend, "_MOST_SHAPES", 3)
    traces = []

    def double(values, others):
        traces.append((values.shape, plain.is_plain()))
        return 2 * values, others

    compiled = backend.compile_function(double)
    for size in [*range(2, 20), 3, 19]:
        values = ops.ones((1, size, size + 1))
        product, others = compiled(values, [values] if size % 2 else [])
        np.testing.assert_array_equal(product, np.full(values.shape, 2.0))
        assert len(others) == size % 2
    own = [shape for shape, is_plain in traces if not is_plain]
    assert own == [(1, size, size + 1) for size in (2, 3, 4)]
    # With and without others, each for one shape, and then for any.
    shared = [tuple(shape) for shape, is_plain in traces if is_plain]
    assert sorted(shared, key=str) == [(1, 5, 6), (1, 6, 7), *2 * [(1, None, None)]]


def test_method_reads_the_variables_as_they_are():
    model = _Scaled()
    model.build()
    compiled = backend.compile_method(model, model.scale)
    for factor in (1.0, 3.0, -2.0):
        model.factor.assign(factor)
        product, (other,) = compiled(ops.ones((2, 2)), [ops.zeros(3)])
        np.testing.assert_array_equal(product, np.full((2, 2), factor))
        np.testing.assert_array_equal(other, np.ones(3))
    assert model.traces == 1


@pytest.mark.parametrize(
    ("name", "has_gpu", "num_replicas", "expected"),
    [
        ("tensorflow", False, 1, False),
        ("tensorflow", True, 1, True),
        ("tensorflow", True, 2, False),
        ("jax", False, 1, True),
        ("jax", True, 1, True),
    ],
)
def test_xla_compiles_trainings_where_it_pays(
    monkeypatch, name, has_gpu, num_replicas, expected
):
    monkeypatch.setattr(backend.keras.backend, "backend", lambda: name)
    monkeypatch.setattr(backend.precision, "has_gpu", lambda: has_gpu)
    assert backend.compiles_training_by_xla(num_replicas) == expected


def test_another_backend_is_refused_in_one_line():
    """As where Keras' own torch backend is chosen, simulated: it need not be there."""
    code = (
        "import keras; keras.backend.backend = lambda: 'torch'\n"
        "try: import rim_tf\n"
        "except ImportError as error: print(error)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert finished.stdout == (
        "rim_tf runs on the Keras backends tensorflow and jax, not on torch; "
        "set KERAS_BACKEND to one of them.\n"
    )
