"""A linear function as a forward model, with the adjoint by differentiation."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from rim_tf import arguments
from rim_tf.forward_models.base import ForwardModel


class LinearFunction(ForwardModel):
    """A linear function, whose adjoint automatic differentiation finds.

    Args:
      function: From `(batch, *image_shape)` to any shape that begins with `batch`;
        made of `keras.ops` or of the backend's own operations. It must be linear,
        which is not checked: use `check_adjoint`.
      image_shape: `(height, width, channels)`.

    Raises:
      ValueError: If the image shape is not three positive integers or the function's
        result does not begin with the batch; and by `adjoint`, if automatic
        differentiation finds no gradient.

    Example:

        gradient_of_rows = LinearFunction(lambda x: x[:, 1:] - x[:, :-1], (32, 32, 1))
    """

    def __init__(self, function: Callable[[Any], Any], image_shape: tuple[int, ...]):
        self.function = function
        axes = ("height", "width", "channels")
        self.image_shape = arguments.check_size(image_shape, "image_shape", axes)
        zeros = ops.zeros((2, *self.image_shape))
        result = function(zeros)
        shape = None if result is None else tuple(result.shape)
        if not shape or shape[0] != 2:
            raise ValueError(
                "The function of LinearFunction must return a tensor that begins with "
                f"the batch; of {tuple(zeros.shape)} it makes {shape}."
            )
        self.observation_shape = shape[1:]

    def forward(self, image):
        return self.function(self._image(image))

    def adjoint(self, observation):
        observation = self._observation(observation)
        batch_size = ops.shape(observation)[0]
        zeros = ops.zeros((batch_size, *self.image_shape), observation.dtype)
        return transposed(self.function, zeros, observation)


class NoGradientError(ValueError):
    """Automatic differentiation found no gradient."""

    def __init__(self):
        super().__init__(
            "Automatic differentiation finds no gradient of the function. It must "
            "depend on the image, and be made of keras.ops or of the backend's own "
            "operations."
        )


def transposed(function: Callable, image, observation):
    """Applies the adjoint of a function's derivative, by automatic differentiation.

    Args:
      function: From images to observations. The derivative of a linear one is itself.
      image: Where the derivative is taken, a tensor of the shape of the images.
      observation: A tensor of the shape and dtype that the function returns.

    Raises:
      NoGradientError: If there is no gradient.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(image)
            measured = ops.convert_to_tensor(function(image))
        try:
            gradient = tape.gradient(measured, image, output_gradients=observation)
        except LookupError as error:  # An operation without a gradient.
            raise NoGradientError from error
        if gradient is None:
            raise NoGradientError
        return gradient
    if backend == "jax":
        import jax

        try:
            _, pull_back = jax.vjp(function, image)
        except (TypeError, ValueError) as error:
            raise NoGradientError from error
        return pull_back(observation)[0]
    raise NotImplementedError(f"LinearFunction does not know the backend {backend}.")
