"""Tests of graphs that are to run elsewhere."""

import numpy as np
import pytest

from rim_tf.speed import fused, plain, winograd

tf = pytest.importorskip("tensorflow")


def test_a_plain_graph_has_no_parts_that_are_there_for_speed(monkeypatch):
    monkeypatch.setattr(winograd, "_pays_in", lambda dtype: True)
    monkeypatch.setattr(winograd.precision, "has_gpu", lambda: False)
    images, kernel = np.zeros((1, 8, 8, 64)), np.zeros((3, 3, 64, 64))
    images, kernel = tf.constant(images, tf.float32), tf.constant(kernel, tf.float32)

    def operations():
        graph = tf.function(fused.tanh).get_concrete_function(images).graph
        return {operation.type for operation in graph.get_operations()}

    assert winograd.is_faster(images, kernel)
    assert "Tanh" not in operations()
    with plain.plainly():
        assert not winograd.is_faster(images, kernel)
        assert "Tanh" in operations()
    assert winograd.is_faster(images, kernel)
