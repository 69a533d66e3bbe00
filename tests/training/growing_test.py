"""Tests of growing: estimates are the same until the new input is trained."""

import numpy as np
import pytest

import rim_tf
from rim_tf.cells import FFNCell, GDNCell, RIMCell
from rim_tf.training import growing
from tests import own_parts
from tests.training import small


def _estimates(rim, sigma):
    random = np.random.default_rng(0)
    noisy = random.uniform(size=(2, 8, 8, rim.cell.channels)).astype("float32")
    return np.asarray(rim(noisy, sigma=sigma, num_steps=2))


@pytest.mark.parametrize(
    ("cell_class", "channels"), [(RIMCell, 1), (RIMCell, 3), (GDNCell, 3), (FFNCell, 3)]
)
def test_estimates_are_the_same_until_the_new_input_counts(cell_class, channels):
    cell = cell_class(channels, features=4, state_features=6)
    rim = rim_tf.RIM(cell, "sigmoid", "eta", 3, normalize=False)
    rim.build()
    random = np.random.default_rng(1)
    rim.set_weights([random.normal(0, 0.3, w.shape) for w in rim.get_weights()])
    before = rim.get_weights()
    grown = growing.with_sigma(rim)
    assert grown.cell.sees_sigma and not rim.cell.sees_sigma
    assert (grown.gradient, grown.num_steps, grown.normalize) == ("eta", 3, False)
    expected = _estimates(rim, 2 / 255)
    np.testing.assert_allclose(_estimates(grown, 2 / 255), expected, atol=1e-6)

    kernel = np.array(grown.cell.encode.kernel)
    kernel[:, :, -channels - 1] = 0.5
    grown.cell.encode.kernel.assign(kernel)
    assert np.abs(_estimates(grown, 2 / 255) - expected).max() > 1e-3
    for weight, other in zip(rim.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_shipped_weights_grow_in_the_arithmetic_that_they_are_loaded_in():
    rim = rim_tf.load_pretrained("rim_3task", "mixed_bfloat16")
    grown = growing.with_sigma(rim)
    assert grown.count_params() == rim.count_params() + 3 * 3 * 64
    assert grown.dtype_policy.name == grown.cell.dtype_policy.name == "mixed_bfloat16"
    exact = rim_tf.load_pretrained("rim_3task", "float32")
    np.testing.assert_allclose(
        _estimates(growing.with_sigma(exact), 0.1), _estimates(exact, 0.1), atol=1e-5
    )


@pytest.mark.parametrize("grown", [False, True])
def test_other_cells_are_refused(grown):
    rim = small.small_rim() if grown else rim_tf.RIM(own_parts.OwnCell())
    rim.build()
    rim = growing.with_sigma(rim) if grown else rim
    with pytest.raises(ValueError, match="sees sigma, or has no such option"):
        growing.with_sigma(rim)
