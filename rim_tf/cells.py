"""Recurrent cells: the networks h_phi of equations 6 and 7.

They follow the protocol `rim_tf.rim.Cell`. Their first list of states is empty: it
stands for s_0 = 0, whose products the first step then leaves out.
"""

import contextlib
import functools
from typing import Any

import keras
from keras import ops

from rim_tf.speed import fused, winograd

# Not left to Keras' global setting of the data format.
_SAME = {"padding": "same", "data_format": "channels_last"}


def constant_weights() -> contextlib.AbstractContextManager:
    """Says that steps within share their weights, which saves time and memory.

    Example:

        with constant_weights():
            for inputs in sequence:
                update, states = cell(inputs, states)
    """
    return winograd.constant_kernels()


class Convolution(keras.layers.Conv2D):
    """A 3 x 3 convolution with stride 1 and borders of 0, by its fastest method.

    Args:
      filters: Number of channels of the output.
      dilation: Distance of the pixels that a kernel looks at.
      **kwargs: Arguments of `keras.layers.Layer`, and an activation.
    """

    def __init__(self, filters: int, dilation: int = 1, **kwargs: Any):
        super().__init__(filters, 3, dilation_rate=dilation, **_SAME, **kwargs)

    def call(self, inputs):
        (outputs,) = self.in_parts(inputs, self.kernel, self.bias, 1)
        return self.activation(outputs)

    def in_parts(self, inputs, kernel, bias, parts: int) -> list:
        """Returns kernel * inputs + bias, its channels in parts of equal size."""
        if winograd.is_faster(inputs, kernel):
            dilation = self.dilation_rate[0]
            return winograd.convolve(inputs, kernel, bias, dilation, parts)
        # They are not cast where this is called without the layer.
        kernel, bias = (ops.cast(x, inputs.dtype) for x in (kernel, bias))
        return ops.split(self.convolution_op(inputs, kernel) + bias, parts, axis=-1)


@keras.saving.register_keras_serializable(package="rim_tf")
class ConvGRUCell(keras.layers.Layer):
    """A gated recurrent unit (Chung et al., 2014) with convolutions for products.

    With `*` a 3 x 3 convolution, `x` the input and `s` the state:

        z, r = sigmoid(W_gates * [x, s] + b_gates)
        c    = tanh(W_candidate * [x, r s] + b_candidate)
        s'   = (1 - z) s + z c

    Variables, in this order, for `i` input channels and `f` features. Trained
    weights depend on this layout, so it does not change:

        gates/kernel      (3, 3, i + f, 2 f), the output channels are [z, r]
        gates/bias        (2 f,)
        candidate/kernel  (3, 3, i + f, f)
        candidate/bias    (f,)

    Args:
      features: Number of channels of the state.
      dilation: Distance of the pixels that a kernel looks at.
      **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, features: int, dilation: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.features = features
        self.dilation = dilation
        self.gates = self._convolution(2 * features, "gates")
        self.candidate = self._convolution(features, "candidate")

    def _convolution(self, filters: int, name: str) -> Convolution:
        return Convolution(filters, self.dilation, dtype=self.dtype_policy, name=name)

    @property
    def state_size(self) -> int:
        """Number of channels of the state."""
        return self.features

    @property
    def output_size(self) -> int:
        """Number of channels of the output, which is the new state."""
        return self.features

    def count_parameters(self, channels: int) -> int:
        """Returns the number of parameters for inputs of so many channels."""
        return 3 * _count(channels + self.features, self.features)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        concatenated = (*input_shape[:-1], input_shape[-1] + self.features)
        self.gates.build(concatenated)
        self.candidate.build(concatenated)

    def get_initial_state(self, batch_size: int, height: int, width: int) -> list:
        """Returns an empty list, which stands for the state 0."""
        del batch_size, height, width
        return []

    def call(self, inputs, states):
        """Makes one step.

        Args:
          inputs: `(batch, height, width, channels)`.
          states: A list of one `(batch, height, width, features)` tensor, or an
            empty list for the state 0.

        Returns:
          The new state as the output, and the list of the new state.
        """
        if not states:
            state = self._first_state(inputs)
            return state, [state]
        (state,) = states
        # Before their sigmoid and tanh, which `fused` makes in one pass with the rest.
        gates = self.gates
        z, r = gates.in_parts(_beside(inputs, state), gates.kernel, gates.bias, 2)
        c = self.candidate(_beside(inputs, fused.gate(r, state)))
        state = fused.interpolate(z, state, c)
        return state, [state]

    def _first_state(self, inputs):
        """Returns z c, the next state after 0: the reset gate has no part in it."""
        z = self._product(self.gates, inputs)
        c = self._product(self.candidate, inputs)
        return fused.gate(z, fused.tanh(c))

    def _product(self, layer: Convolution, inputs):
        """Returns a layer's first `features` outputs for [inputs, 0]."""
        kernel = layer.kernel[:, :, : inputs.shape[-1], : self.features]
        (outputs,) = layer.in_parts(inputs, kernel, layer.bias[: self.features], 1)
        return outputs

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "features": self.features,
            "dilation": self.dilation,
        }


@keras.saving.register_keras_serializable(package="rim_tf")
class RIMCell(keras.layers.Layer):
    """The paper's update network h_phi (equations 6 and 7, section 3).

    convolution 3x3, stride 2, tanh -> ConvGRU -> transposed convolution 3x3,
    stride 2, tanh -> convolution 3x3. With the default sizes and one image channel
    it has 2,361,921 parameters. The last layer starts near zero, so that an
    untrained RIM hardly moves its first estimate.

    Strides of 2 want even image sizes. Inputs of odd height or width are padded by
    one row or column that repeats the border, and the output is cropped.

    For super-resolution the paper has no stride, but dilated convolutions
    (a trous), and fewer parameters. `stride=1, dilation=2, state_features=100` has
    502,557 without epsilon, and is a guess. A kernel of the ConvGRU then sees the same
    pixels as with stride 2, at every pixel.

    `sees_sigma` is **a departure from the paper**, whose cell knows of the noise only
    what 1 / (sigma^2 + epsilon) makes of the gradient. Small noise is nearly invisible
    in that: with the trained epsilon of `rim_3task`, 0.0165, the gradient changes by 6%
    between sigma = 0 and 8/255. Denoisers such as FFDNet (Zhang et al., 2018) and
    DRUNet (Zhang et al., 2021) take sigma as an input.

    Args:
      channels: Image channels: 1 (grey) or 3 (RGB).
      features: Channels of the two outer convolutions.
      state_features: Channels of the ConvGRU's state.
      stride: Stride of the two outer convolutions: 1 or 2.
      dilation: Dilation of the ConvGRU's kernels.
      sees_sigma: Whether there is one more input channel, log(1 + 255 sigma) / 4,
        constant over the image, before those of the gradient.
      **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
      ValueError: If the stride is not 1 or 2.
    """

    def __init__(
        self,
        channels: int = 1,
        features: int = 64,
        state_features: int = 256,
        stride: int = 2,
        dilation: int = 1,
        sees_sigma: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if stride not in (1, 2):
            raise ValueError(f"stride must be 1 or 2, not {stride}.")
        self.stride = stride
        self.dilation = dilation
        self.channels = channels
        self.features = features
        self.state_features = state_features
        self.sees_sigma = sees_sigma
        common = {"kernel_size": 3, "dtype": self.dtype_policy, **_SAME}
        conv = functools.partial(keras.layers.Conv2D, **common)
        transposed = functools.partial(keras.layers.Conv2DTranspose, **common)
        self.encode = conv(features, strides=stride, name="encode")
        self.recurrent = self._recurrent_layer(
            state_features, dilation, dtype=self.dtype_policy, name="recurrent"
        )
        self.decode = transposed(features, strides=stride, name="decode")
        # Made last: initialisers draw their seeds in the order in which they are made.
        small = keras.initializers.RandomNormal(stddev=1e-3)
        self.update = conv(channels, kernel_initializer=small, name="update")

    def _recurrent_layer(self, *args: Any, **kwargs: Any) -> keras.Layer:
        return ConvGRUCell(*args, **kwargs)

    @property
    def reach(self) -> int:
        """How many pixels around its own an output depends on, at most.

        A multiple of the stride. Large images are restored in windows that overlap by
        it; a subclass that looks farther overrides it.
        """
        # Two convolutions of the ConvGRU, one by each layer outside of it, and the
        # rounding of strides.
        return self.stride * (2 * self.dilation + 3)

    @property
    def input_size(self) -> int:
        """Number of channels that the first convolution sees."""
        return 2 * self.channels + self.sees_sigma

    @property
    def state_size(self) -> int:
        """Number of channels of the state; its sides are the image's by the stride."""
        return self.state_features

    @property
    def output_size(self) -> int:
        """Number of channels of the update of eta."""
        return self.channels

    @property
    def num_parameters(self) -> int:
        """Number of parameters, known before they are made."""
        return sum(
            layer.count_parameters(channels)
            if layer is self.recurrent
            else _count(channels, layer.filters)
            for layer, channels in self._layers_with_inputs()
        )

    def _layers_with_inputs(self) -> list[tuple[keras.Layer, int]]:
        """Returns the layers in their order, with the channels that each sees."""
        return [
            (self.encode, self.input_size),
            (self.recurrent, self.features),
            (self.decode, self.state_features),
            (self.update, self.features),
        ]

    def build(self, input_shape: tuple[int | None, ...] | None = None) -> None:
        for layer, channels in self._layers_with_inputs():
            layer.build((None, None, None, channels))

    def get_initial_state(self, batch_size: int, height: int, width: int) -> list:
        """Returns an empty list, which stands for the state s_0 = 0."""
        return self.recurrent.get_initial_state(batch_size, height, width)

    def call(self, inputs, states):
        """Makes one step of equations 6 and 7.

        Args:
          inputs: `(batch, height, width, 2 * channels)`, eta and the likelihood
            gradient concatenated; with `sees_sigma` its channel between them.
          states: A list of one `(batch, ceil(height / stride), ceil(width /
            stride), state_features)` tensor, or an empty list for s_0 = 0.

        Returns:
          The update of eta, `(batch, height, width, channels)`, and the list of
          the new state.
        """
        height, width = ops.shape(inputs)[1:3]
        # The GDN ignores eta, whose channels are the first.
        seen = inputs[..., -self.input_size :]
        hidden = fused.tanh(self.encode(_pad(seen, self.stride)))
        hidden, states = self.recurrent(hidden, states)
        update = self.update(fused.tanh(self.decode(hidden)))
        return update[:, :height, :width], states

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "channels": self.channels,
            "features": self.features,
            "state_features": self.state_features,
            "stride": self.stride,
            "dilation": self.dilation,
            # Else left out, so that descriptions of the paper's cells stay the same.
            **({"sees_sigma": True} if self.sees_sigma else {}),
        }


@keras.saving.register_keras_serializable(package="rim_tf")
class GDNCell(RIMCell):
    """The gradient descent network of section 3.1: it sees the gradient only.

    It differs from `RIMCell` in that alone; with the default sizes it has 2,361,345
    parameters. Inputs are those of `RIMCell`, whose first half it leaves aside.
    """

    @property
    def input_size(self) -> int:
        """Number of channels that the first convolution sees."""
        return super().input_size - self.channels


@keras.saving.register_keras_serializable(package="rim_tf")
class FFNCell(RIMCell):
    """The feed-forward network of section 3.1: it has no memory.

    It differs from `RIMCell` in that a convolution with ReLU of the same width takes
    the place of the ConvGRU; with the default sizes it has 297,025 parameters. Its
    list of states is empty.
    """

    def _recurrent_layer(self, *args: Any, **kwargs: Any) -> keras.Layer:
        return ReLUConvolution(*args, **kwargs)


@keras.saving.register_keras_serializable(package="rim_tf")
class ReLUConvolution(Convolution):
    """A convolution with ReLU that follows the protocol of recurrent cells.

    Args:
      features: Number of channels of the output.
      dilation: Distance of the pixels that a kernel looks at.
      **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, features: int, dilation: int = 1, **kwargs: Any):
        super().__init__(features, dilation, activation="relu", **kwargs)

    def count_parameters(self, channels: int) -> int:
        """Returns the number of parameters for inputs of so many channels."""
        return _count(channels, self.filters)

    def get_initial_state(self, batch_size: int, height: int, width: int) -> list:
        """Returns an empty list."""
        del batch_size, height, width
        return []

    def call(self, inputs, states):
        """Returns the features of `inputs`, and the empty list of states."""
        return super().call(inputs), states

    def get_config(self) -> dict[str, Any]:
        layer = keras.Layer.get_config(self)
        return {
            **layer,
            "features": self.filters,
            "dilation": self.dilation_rate[0],
        }


def _count(inputs: int, outputs: int) -> int:
    """Returns the number of parameters of a convolution 3x3."""
    return (9 * inputs + 1) * outputs


def _beside(inputs, state):
    """Returns [x, s], side by side on the channel axis."""
    return ops.concatenate([inputs, state], axis=-1)


def _pad(images, stride: int):
    """Repeats the last row and column where the stride, 1 or 2, wants an even size."""
    if stride == 1:
        return images
    height, width = ops.shape(images)[1:3]
    # Padding by one in "symmetric" mode repeats the border pixel.
    paddings = [[0, 0], [0, height % stride], [0, width % stride], [0, 0]]
    padded = ops.pad(images, paddings, mode="symmetric")
    # Where sizes are known only when a graph runs, it would forget the channels.
    size = height + height % stride, width + width % stride
    return ops.reshape(padded, (-1, *size, images.shape[-1]))
