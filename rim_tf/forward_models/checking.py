"""Whether a forward model is linear, and its adjoint the adjoint."""

from collections.abc import Callable

import numpy as np
from keras import ops

from rim_tf import arguments
from rim_tf.arguments import Shape
from rim_tf.forward_models.base import ForwardModel
from rim_tf.forward_models.linear_function import NoGradientError, transposed


def check_adjoint(
    model: ForwardModel,
    shape: tuple[int, ...],
    tolerance: float = 1e-4,
    dtype: str = "float32",
    seed: int = 0,
) -> float:
    """Checks that a model is what `ForwardModel` says.

    For random x, x', y, and a random number c for each image of the batch:
    * shapes are those that the model states;
    * A(c x + x') is c A x + A x';
    * <A x, y> is <x, A^T y>;
    * A^T y is what automatic differentiation of `forward` gives, pixel by pixel. This
      is left out where it gives nothing, as for a `forward` made of NumPy.

    Args:
      model: The forward model.
      shape: Shape of the images, `(batch, height, width, channels)`. With a batch of
        one, images that influence each other are not found.
      tolerance: Largest relative error that passes.
      dtype: "float32", or "float64" where the backend has it.
      seed: Seed of what is random.

    Returns:
      The relative error of the adjoint.

    Raises:
      ValueError: If one of these does not hold.

    Example:

        check_adjoint(MyForwardModel(), (2, 32, 32, 1))
    """
    name, shape = type(model).__name__, tuple(shape)
    if not arguments.fits(shape, (None, *model.image_shape)):
        stated = arguments.describe(("batch", *model.image_shape))
        raise ValueError(f"{name} states images of shape {stated}, got {shape}.")
    check = _Check(model, shape, tolerance, dtype, np.random.default_rng(seed))
    check.linearity()
    return max(check.adjoint(), check.differentiation())


class _Check:
    """One question about a model each, answered by random images."""

    def __init__(
        self,
        model: ForwardModel,
        shape: tuple[int, ...],
        tolerance: float,
        dtype: str,
        rng: np.random.Generator,
    ):
        self.model, self.shape, self.rng = model, shape, rng
        self.tolerance, self.dtype = tolerance, dtype
        self.observed_shape = (shape[0], *model.observation_shape)
        self.image = self._normal(*shape)
        self.measured = self._forward(self.image)

    def linearity(self) -> None:
        """Is A(c x + x') the same as c A x + A x'?"""
        other, factors = self._normal(*self.shape), self._normal(self.shape[0])
        expected = _scale(factors, self.measured) + self._forward(other)
        error = self._forward(_scale(factors, self.image) + other) - expected
        self._judge(
            np.linalg.norm(error),
            np.linalg.norm(expected),
            " is not linear in each image alone: A(c x + x') is not c A x + A x'",
        )

    def adjoint(self) -> float:
        """Is <A x, y> the same as <x, A^T y>? Of a few y, since one may hide it."""
        errors, scales = zip(*(self._products() for _ in range(3)), strict=True)
        return self._judge(
            max(errors),
            max(scales),
            ".adjoint is not the adjoint of forward: <A x, y> is not <x, A^T y>",
        )

    def _products(self) -> tuple[float, float]:
        """Returns how far both are apart for a random y, and how large they are."""
        observation = self._normal(*self.measured.shape)
        back = self._apply("adjoint", observation, self.shape)
        products = np.vdot(self.measured, observation), np.vdot(self.image, back)
        # As large as <A x, y> usually is. Its bound |A x| |y| is so much larger that
        # an error of some percent would vanish beside it.
        norms = np.linalg.norm(self.measured) * np.linalg.norm(observation)
        return abs(products[0] - products[1]), norms / observation.size**0.5

    def differentiation(self) -> float:
        """Is A^T y what automatic differentiation gives? 0 where it gives nothing."""
        observation = self._normal(*self.measured.shape)
        back = self._apply("adjoint", observation, self.shape)
        tensors = map(ops.convert_to_tensor, (self.image, observation))
        try:
            expected = ops.convert_to_numpy(transposed(self.model.forward, *tensors))
        except NoGradientError:
            return 0.0
        return self._judge(
            np.abs(back - expected).max(),
            np.abs(expected).max(),
            ".adjoint is not the adjoint of forward by automatic differentiation",
        )

    def _judge(self, error: float, scale: float, message: str) -> float:
        """Returns the relative error; raises a `ValueError` if it is too large."""
        error = float(error / (scale + np.finfo(self.dtype).tiny))
        if not error <= self.tolerance:
            raise ValueError(
                f"{type(self.model).__name__}{message}; the relative error is "
                f"{error:.1e}."
            )
        return error

    def _normal(self, *shape: int) -> np.ndarray:
        return self.rng.standard_normal(shape).astype(self.dtype)

    def _forward(self, image: np.ndarray) -> np.ndarray:
        return self._apply("forward", image, self.observed_shape)

    def _apply(self, method: str, values: np.ndarray, wanted: Shape) -> np.ndarray:
        apply: Callable = getattr(self.model, method)
        result = apply(ops.convert_to_tensor(values, dtype=self.dtype))
        actual = None if result is None else tuple(result.shape)
        if actual is None or not arguments.fits(actual, wanted):
            raise ValueError(
                f"{type(self.model).__name__}.{method} must return the shape "
                f"{arguments.describe(wanted)}, got {actual}."
            )
        return ops.convert_to_numpy(result).astype(np.float64)


def _scale(factors: np.ndarray, batch: np.ndarray) -> np.ndarray:
    """Returns each array of a batch multiplied by a number of its own."""
    return np.einsum("b,b...->b...", factors, batch)
