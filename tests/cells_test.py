"""Tests of the cells: a NumPy reference, the paper's parameter counts, any size."""

import keras
import numpy as np
import pytest

from rim_tf.cells import ConvGRUCell, FFNCell, GDNCell, RIMCell


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _convolve(images, kernel, bias):
    """3 x 3 convolution with zeros outside, in float64."""
    height, width = images.shape[1:3]
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    total = np.zeros((*images.shape[:3], kernel.shape[-1])) + bias
    for row in range(3):
        for column in range(3):
            window = padded[:, row : row + height, column : column + width]
            total += window @ kernel[row, column]
    return total


def _reference_gru(inputs, state, weights):
    """Chung et al. (2014) in NumPy."""
    gates_kernel, gates_bias, candidate_kernel, candidate_bias = weights
    features = state.shape[-1]
    gates = _sigmoid(
        _convolve(np.concatenate([inputs, state], -1), gates_kernel, gates_bias)
    )
    z, r = gates[..., :features], gates[..., features:]
    candidate = np.tanh(
        _convolve(
            np.concatenate([inputs, r * state], -1), candidate_kernel, candidate_bias
        )
    )
    return (1 - z) * state + z * candidate


def test_conv_gru_equals_numpy_reference():
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(2)
    inputs, state = rng.normal(size=(2, 2, 7, 6, 3)), rng.normal(size=(2, 7, 6, 4))
    cell = ConvGRUCell(4)
    cell.build((None, None, None, 3))
    weights = [rng.normal(size=w.shape, scale=0.3) for w in cell.weights]
    cell.set_weights(weights)

    expected, states = state, [np.float32(state)]
    for step_inputs in inputs:
        expected = _reference_gru(step_inputs, expected, weights)
        output, states = cell(np.float32(step_inputs), states)

    np.testing.assert_allclose(keras.ops.convert_to_numpy(output), expected, atol=2e-6)
    np.testing.assert_array_equal(output, states[0])


def test_rim_cell_has_the_papers_parameters():
    cell = RIMCell()
    cell.build()
    assert cell.encode.count_params() == 1_216
    assert cell.recurrent.count_params() == 2_212_608
    assert cell.decode.count_params() == 147_520
    assert cell.update.count_params() == 577
    assert cell.count_params() == 2_361_921


def test_variable_layout_is_frozen():
    """Weights are trained early; later versions must still load them."""
    cell = RIMCell()
    cell.build()
    layout = [("/".join(w.path.split("/")[1:]), tuple(w.shape)) for w in cell.weights]
    assert layout == [
        ("encode/kernel", (3, 3, 2, 64)),
        ("encode/bias", (64,)),
        ("recurrent/gates/kernel", (3, 3, 320, 512)),
        ("recurrent/gates/bias", (512,)),
        ("recurrent/candidate/kernel", (3, 3, 320, 256)),
        ("recurrent/candidate/bias", (256,)),
        ("decode/kernel", (3, 3, 64, 256)),
        ("decode/bias", (64,)),
        ("update/kernel", (3, 3, 64, 1)),
        ("update/bias", (1,)),
    ]


@pytest.mark.parametrize("size", [(16, 16), (17, 23), (15, 8), (1, 1)])
def test_rim_cell_keeps_any_size(size):
    cell = RIMCell(channels=3, features=4, state_features=5)
    cell.build()
    states = cell.get_initial_state(2, *size)
    update, new_states = cell(np.ones((2, *size, 6), np.float32), states)
    assert update.shape == (2, *size, 3)
    assert new_states[0].shape == (2, (size[0] + 1) // 2, (size[1] + 1) // 2, 5)
    _, newer_states = cell(np.ones((2, *size, 6), np.float32), new_states)
    assert newer_states[0].shape == new_states[0].shape


@pytest.mark.parametrize("dilation", [1, 2])
def test_no_state_is_the_state_zero(dilation):
    """The first step leaves out products with 0, which changes nothing."""
    cell = ConvGRUCell(4, dilation)
    cell.build((None, None, None, 3))
    random = np.random.default_rng(0)
    for variable in cell.trainable_variables:
        variable.assign(random.normal(size=variable.shape))
    inputs = random.normal(size=(2, 7, 9, 3)).astype(np.float32)
    expected, _ = cell(inputs, [np.zeros((2, 7, 9, 4), np.float32)])
    output, (state,) = cell(inputs, cell.get_initial_state(2, 7, 9))
    np.testing.assert_allclose(output, expected, atol=1e-5)
    np.testing.assert_array_equal(output, state)


def test_odd_sizes_repeat_the_border():
    """An odd image gives what its even continuation by the last pixel gives."""
    cell = RIMCell(features=4, state_features=5)
    cell.build()
    even = np.random.default_rng(0).normal(size=(1, 8, 10, 2)).astype("float32")
    even[:, -1], even[:, :, -1] = even[:, -2], even[:, :, -2]
    even[:, -1, -1] = even[:, -3, -3]
    even[:, -1, :-1], even[:, -1, -1] = even[:, -2, :-1], even[:, -2, -2]
    whole, _ = cell(even, cell.get_initial_state(1, 8, 10))
    cropped, _ = cell(even[:, :7, :9], cell.get_initial_state(1, 7, 9))
    np.testing.assert_allclose(cropped, whole[:, :7, :9], atol=1e-6)


def test_state_is_used():
    cell = RIMCell(features=4, state_features=5)
    cell.build()
    inputs = np.ones((1, 8, 8, 2), np.float32)
    first, states = cell(inputs, cell.get_initial_state(1, 8, 8))
    second, _ = cell(inputs, states)
    assert np.abs(np.asarray(first) - np.asarray(second)).max() > 1e-6


def test_config_round_trip():
    cell = RIMCell(channels=3, features=4, state_features=5)
    # Descriptions of the paper's cells are those of before.
    assert "sees_sigma" not in cell.get_config()
    copy = RIMCell.from_config(cell.get_config())
    assert not copy.sees_sigma
    assert (copy.channels, copy.features, copy.state_features) == (3, 4, 5)
    assert ConvGRUCell.from_config(ConvGRUCell(7).get_config()).features == 7


def test_super_resolution_size():
    cell = RIMCell(stride=1, dilation=2, state_features=100)
    cell.build(None)
    # The convolutions in, of the ConvGRU, and the two out; see the docstring.
    assert cell.count_params() == 1216 + 443_100 + 57_664 + 577 == 502_557


@pytest.mark.parametrize("size", [(7, 9), (8, 6)])
def test_without_stride_any_size(size):
    cell = RIMCell(features=4, state_features=6, stride=1, dilation=2)
    cell.build(None)
    states = cell.get_initial_state(2, *size)
    update, (state,) = cell(np.ones((2, *size, 2), np.float32), states)
    assert tuple(update.shape) == (2, *size, 1)
    assert tuple(state.shape) == (2, *size, 6)


def test_dilation_reaches_farther():
    """With kernels of dilation d a single pixel changes the next state at +-d."""
    for dilation in (1, 2):
        cell = ConvGRUCell(3, dilation)
        cell.build((None, None, None, 2))
        states = cell.get_initial_state(1, 11, 11)
        inputs = np.zeros((2, 11, 11, 2), np.float32)
        inputs[1, 5, 5] = 1.0
        zeros, ones = (
            keras.ops.convert_to_numpy(cell(x[None], states)[0])[0] for x in inputs
        )
        changed = np.nonzero(np.abs(ones - zeros).max(axis=(1, 2)) > 0)[0]
        assert changed.tolist() == [5 - dilation, 5, 5 + dilation]


def test_refuses_other_strides():
    with pytest.raises(ValueError, match="stride must be 1 or 2, not 4"):
        RIMCell(stride=4)


@pytest.mark.parametrize(
    ("cell_class", "parameters"),
    [(RIMCell, 2_361_921), (GDNCell, 2_361_345), (FFNCell, 297_025)],
)
def test_parameters_of_the_ablations(cell_class, parameters):
    cell = cell_class()
    # Known before they are made.
    assert cell.num_parameters == parameters
    cell.build(None)
    assert cell.count_params() == parameters


def _output_of(cell, inputs):
    update, _ = cell(inputs, cell.get_initial_state(1, 8, 8))
    return keras.ops.convert_to_numpy(update)


@pytest.mark.parametrize("cell_class", [RIMCell, GDNCell, FFNCell])
def test_what_the_ablations_see(cell_class):
    """All see the gradient; the GDN alone does not see the estimate."""
    cell = cell_class(features=4, state_features=6)
    cell.build(None)
    inputs = np.random.default_rng(0).normal(size=(1, 8, 8, 2)).astype(np.float32)
    other_estimate, other_gradient = inputs.copy(), inputs.copy()
    other_estimate[..., 0] += 1
    other_gradient[..., 1] += 1
    output = _output_of(cell, inputs)
    assert not np.allclose(output, _output_of(cell, other_gradient))
    ignores_estimate = np.array_equal(output, _output_of(cell, other_estimate))
    assert ignores_estimate == (cell_class is GDNCell)


@pytest.mark.parametrize("cell_class", [RIMCell, GDNCell, FFNCell])
def test_a_cell_that_sees_sigma(cell_class):
    """Its channel stands between the estimate and the gradient."""
    small = {"features": 4, "state_features": 6}
    without, cell = cell_class(**small), cell_class(**small, sees_sigma=True)
    without.build(None), cell.build(None)
    assert cell.num_parameters == cell.count_params()
    assert cell.count_params() - without.count_params() == 3 * 3 * 4
    inputs = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype(np.float32)
    # All weights of the channel are 0: it is not seen.
    kernel = np.array(cell.encode.kernel)
    kernel[:, :, -2] = 0
    cell.encode.kernel.assign(kernel)
    other_sigma = inputs.copy()
    other_sigma[..., 1] += 1
    output = _output_of(cell, inputs)
    np.testing.assert_array_equal(output, _output_of(cell, other_sigma))
    kernel[:, :, -2] = 0.3
    cell.encode.kernel.assign(kernel)
    assert not np.allclose(output, _output_of(cell, inputs))


def test_feed_forward_network_has_no_memory():
    cell = FFNCell(features=4, state_features=6)
    assert cell.get_initial_state(1, 8, 8) == []
    inputs = np.random.default_rng(0).uniform(size=(1, 8, 8, 2)).astype(np.float32)
    first, states = cell(inputs, [])
    second, later_states = cell(inputs, states)
    assert states == later_states == []
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("cell_class", [RIMCell, GDNCell, FFNCell])
def test_configuration_makes_the_same_cell(cell_class):
    settings = {"stride": 1, "dilation": 2, "sees_sigma": True}
    cell = cell_class(features=4, state_features=6, dtype="mixed_bfloat16", **settings)
    restored = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(cell)
    )
    assert type(restored) is cell_class
    assert restored.get_config() == cell.get_config()
    cell.build(None)
    restored.build(None)
    assert [tuple(v.shape) for v in cell.variables] == [
        tuple(v.shape) for v in restored.variables
    ]
