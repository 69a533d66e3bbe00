"""Forward models y = A x + n (equation 1) and the likelihood gradient (equation 9).

A forward model says how an image becomes an observation, without the noise. Those
here are linear; each knows its adjoint exactly:

    <A x, y> = <x, A^T y>

Write your own by subclassing `ForwardModel` with `forward` and `adjoint`, or give
only a linear function to `LinearFunction`. `A2 @ A1` first applies `A1`. Check yours
with `check_adjoint`.

All are made of `keras.ops`: they run eagerly, in compiled functions and inside
`tf.data.map`, and can be differentiated. Operators that hold a mask, a matrix or a
kernel take one for all images, or one per image of the batch.
"""

import abc
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from rim_tf import bicubic

Shape = tuple[int | None, ...]


class ForwardModel(abc.ABC):
    """A linear operator A from images to observations.

    Attributes:
      image_shape: Shape of x without the batch, `(height, width, channels)`. None
        stands for any number.
      observation_shape: Shape of y without the batch.
    """

    image_shape: Shape = (None, None, None)
    observation_shape: Shape = (None, None, None)

    @abc.abstractmethod
    def forward(self, image):
        """Returns A x.

        Args:
          image: x, `(batch, height, width, channels)`, usually float32 in [0, 1].
        """

    @abc.abstractmethod
    def adjoint(self, observation):
        """Returns A^T y, of the image's shape, for y of the observation's shape."""

    def initial_estimate(self, observation):
        """Returns the image from which the RIM starts: A^T y, unless overridden."""
        return self.adjoint(observation)

    def __matmul__(self, first: "ForwardModel") -> "ForwardModel":
        """Returns the composition that applies `first` first."""
        if not isinstance(first, ForwardModel):
            return NotImplemented
        return Composition(self, first)

    def _image(self, image):
        return _of_shape(image, self.image_shape, self, "images x")

    def _observation(self, observation):
        return _of_shape(observation, self.observation_shape, self, "observations y")


class Composition(ForwardModel):
    """A = A2 A1.

    Args:
      second: A2.
      first: A1, whose observations are the images of A2.
    """

    def __init__(self, second: ForwardModel, first: ForwardModel):
        self.second, self.first = second, first
        self.image_shape = first.image_shape
        self.observation_shape = second.observation_shape

    def forward(self, image):
        return self.second.forward(self.first.forward(image))

    def adjoint(self, observation):
        return self.first.adjoint(self.second.adjoint(observation))


class LinearFunction(ForwardModel):
    """A linear function, whose adjoint automatic differentiation finds.

    Args:
      function: From `(batch, *image_shape)` to any shape that begins with `batch`;
        made of `keras.ops` or of the backend's own operations. It must be linear,
        which is not checked: use `check_adjoint`.
      image_shape: `(height, width, channels)`.

    Example:

        gradient_of_rows = LinearFunction(lambda x: x[:, 1:] - x[:, :-1], (32, 32, 1))
    """

    def __init__(self, function: Callable[[Any], Any], image_shape: tuple[int, ...]):
        self.function = function
        self.image_shape = tuple(image_shape)
        zeros = ops.zeros((1, *self.image_shape))
        self.observation_shape = tuple(function(zeros).shape[1:])

    def forward(self, image):
        return self.function(self._image(image))

    def adjoint(self, observation):
        observation = self._observation(observation)
        batch_size = ops.shape(observation)[0]
        zeros = ops.zeros((batch_size, *self.image_shape), observation.dtype)
        return _transposed(self.function, zeros, observation)


class Denoising(ForwardModel):
    """A = I: the observation is the image with noise added.

    x and y are `(batch, height, width, channels)` of any size.
    """

    def forward(self, image):
        return self._image(image)

    def adjoint(self, observation):
        return self._observation(observation)


class Inpainting(ForwardModel):
    """Pixels are missing: y is x where the mask is 1, and 0 elsewhere.

    x and y have the same shape, `(batch, height, width, channels)`.

    Args:
      mask: 1 where a pixel is known, 0 where it is missing: `(height, width,
        channels)`, or `(batch, height, width, channels)` for one per image.
        Channels may be 1 for all alike.
    """

    def __init__(self, mask):
        self.mask = _with_batch(mask, 4, "mask (height, width, channels)")
        height, width, channels = self.mask.shape[1:]
        self.image_shape = (height, width, None if channels == 1 else channels)
        self.observation_shape = self.image_shape

    @classmethod
    def random(
        cls, shape: tuple[int, int], fraction: float, seed: int = 0
    ) -> "Inpainting":
        """Returns a model that knows each pixel with probability `fraction`.

        Args:
          shape: Height and width.
          fraction: Share of the known pixels, in (0, 1].
          seed: Seed of the choice.
        """
        _check_fraction(fraction)
        known = np.random.default_rng(seed).uniform(size=(*shape, 1)) < fraction
        return cls(np.float32(known))

    def forward(self, image):
        image = self._image(image)
        return ops.cast(self.mask, image.dtype) * image

    def adjoint(self, observation):
        observation = self._observation(observation)
        return ops.cast(self.mask, observation.dtype) * observation


class RandomProjection(ForwardModel):
    """Random projections of square patches (section 3.1).

        y = mask * (M x) / sqrt(d),  d = size^2

    x is `(batch, size, size, channels)`, y is `(batch, d, channels)`: a fixed
    number of measurements, of which the mask keeps some and sets the others to
    zero, so that shapes do not depend on how many are kept.

    The paper's entries of M have variance 1. Dividing A and sigma by sqrt(d)
    leaves the problem as it is, and gives measurements of the scale of a pixel:
    E[A A^T] = I for the kept measurements.

    Args:
      matrix: M, `(d, d)`, or `(batch, d, d)` for one per image.
      mask: 1 for the measurements that are kept, 0 for others: `(d,)`, or
        `(batch, d)`.
    """

    def __init__(self, matrix, mask):
        self.matrix = _with_batch(matrix, 3, "matrix (d, d)")
        self.mask = _with_batch(mask, 2, "mask (d,)")
        dimension = self.matrix.shape[-1]
        self.size = round(dimension**0.5)
        if self.size**2 != dimension:
            raise ValueError(
                f"RandomProjection needs a square patch, got {dimension} pixels."
            )
        self.image_shape = (self.size, self.size, None)
        self.observation_shape = (dimension, None)

    @classmethod
    def gaussian(cls, size: int, fraction: float, seed: int = 0) -> "RandomProjection":
        """Returns a model whose M has standard normal entries.

        Args:
          size: Height and width of the patches.
          fraction: Share p of the measurements that are kept, in (0, 1].
          seed: Seed of the matrix.
        """
        rng = np.random.default_rng(seed)
        matrix = rng.standard_normal((size**2, size**2), np.float32)
        return cls(matrix, _first_rows(size**2, fraction))

    @classmethod
    def binary(cls, size: int, fraction: float, seed: int = 0) -> "RandomProjection":
        """Returns a model whose M has entries +1 and -1 with equal probability.

        See `gaussian` for the arguments.
        """
        rng = np.random.default_rng(seed)
        matrix = np.float32(2 * rng.integers(0, 2, (size**2, size**2)) - 1)
        return cls(matrix, _first_rows(size**2, fraction))

    def forward(self, image):
        image = self._image(image)
        flat = ops.reshape(image, (-1, self.size**2, image.shape[-1]))
        matrix, mask = self._operator(image.dtype)
        return mask * ops.matmul(matrix, flat)

    def adjoint(self, observation):
        observation = self._observation(observation)
        matrix, mask = self._operator(observation.dtype)
        flat = ops.matmul(ops.swapaxes(matrix, -1, -2), mask * observation)
        return ops.reshape(flat, (-1, self.size, self.size, observation.shape[-1]))

    def _operator(self, dtype):
        mask = ops.cast(self.mask, dtype) / self.size
        return ops.cast(self.matrix, dtype), ops.expand_dims(mask, -1)


class FourierProjection(ForwardModel):
    """A random part of an image's Fourier coefficients (section 3.1).

    With F the orthonormal two-dimensional DFT of each channel,

        y = mask * (Re F x - Im F x)

    This is the Hartley transform, which holds the DFT of a real image in as many
    real numbers as there are pixels, and is its own inverse. The mask keeps with
    every frequency its negative, so that A^T A is the projection of x onto the
    kept frequencies, and white noise on y is white noise on them.

    x and y have the same shape, `(batch, height, width, channels)`.

    Args:
      mask: 1 for the frequencies that are kept, 0 for others, in the order of the
        DFT: `(height, width)`, or `(batch, height, width)` for one per image. It
        must be the same for a frequency and its negative, which is not checked.
    """

    def __init__(self, mask):
        self.mask = _with_batch(mask, 3, "mask (height, width)")
        self.image_shape = (*self.mask.shape[1:], None)
        self.observation_shape = self.image_shape

    @classmethod
    def random(
        cls, shape: tuple[int, int], fraction: float, seed: int = 0
    ) -> "FourierProjection":
        """Returns a model that keeps a random share of the frequencies.

        Args:
          shape: Height and width of the images.
          fraction: Share p of the frequencies that are kept, in (0, 1].
          seed: Seed of the choice.
        """
        _check_fraction(fraction)
        values = np.random.default_rng(seed).uniform(size=shape)
        values = np.minimum(values, np.roll(values[::-1, ::-1], 1, axis=(0, 1)))
        # Both of a pair have the same value, so they stay or go together.
        number = max(1, round(fraction * values.size))
        return cls(np.float32(values <= np.sort(values, axis=None)[number - 1]))

    def forward(self, image):
        return self._masked(_hartley(self._image(image)))

    def adjoint(self, observation):
        return _hartley(self._masked(self._observation(observation)))

    def _masked(self, values):
        return ops.expand_dims(ops.cast(self.mask, values.dtype), -1) * values


class Blur(ForwardModel):
    """Convolution of each channel with a kernel.

    x and y have the same shape, `(batch, height, width, channels)`, of any size not
    smaller than the kernel.

    Args:
      kernel: `(rows, columns)`, or `(batch, rows, columns)` for one per image. Its
        center is at `(rows // 2, columns // 2)`.
      boundary: What lies beyond the border: "circular" continues on the other side,
        "symmetric" mirrors the image.

    Raises:
      ValueError: If the boundary is unknown.
    """

    BOUNDARIES = ("circular", "symmetric")

    def __init__(self, kernel, boundary: str = "circular"):
        if boundary not in self.BOUNDARIES:
            raise ValueError(
                f"boundary must be one of {self.BOUNDARIES}, not {boundary!r}."
            )
        self.kernel = _with_batch(kernel, 3, "kernel (rows, columns)")
        self.boundary = boundary

    def forward(self, image):
        image = self._image(image)
        rows, columns = self._paddings(image)
        padded = bicubic.apply_matrices(image, rows, columns)
        return self._correlate(padded, self.kernel[:, ::-1, ::-1])

    def adjoint(self, observation):
        observation = self._observation(observation)
        rows, columns = self._paddings(observation)
        height, width = self.kernel.shape[1:]
        margins = [[0, 0], [height - 1] * 2, [width - 1] * 2, [0, 0]]
        padded = self._correlate(ops.pad(observation, margins), self.kernel)
        return bicubic.apply_matrices(padded, rows.T, columns.T)

    def _paddings(self, image) -> list[np.ndarray]:
        """Returns the matrices that continue both axes beyond the border."""
        sizes = tuple(image.shape[1:3])
        kernel_sizes = tuple(self.kernel.shape[1:])
        if None in sizes or any(map(int.__lt__, sizes, kernel_sizes)):
            raise ValueError(
                f"Blur with a kernel of {kernel_sizes} needs images of known height "
                f"and width, not smaller than the kernel; got {tuple(image.shape)}."
            )
        return [
            _continuation(size, kernel_size, self.boundary)
            for size, kernel_size in zip(sizes, kernel_sizes, strict=True)
        ]

    def _correlate(self, images, kernel):
        """Correlates each channel with the kernel, where it fits in whole."""
        kernel = ops.cast(kernel, images.dtype)
        if kernel.shape[0] == 1:
            channels = images.shape[-1]
            kernel = ops.repeat(ops.moveaxis(kernel, 0, -1), channels, axis=-1)
            return _depthwise(images, kernel)
        # One kernel per image: the images of the batch become channels.
        batch_size, height, width, channels = ops.shape(images)
        stacked = ops.moveaxis(images, 0, 2)
        stacked = ops.reshape(stacked, (1, height, width, batch_size * channels))
        kernel = ops.repeat(ops.moveaxis(kernel, 0, -1), channels, axis=-1)
        result = _depthwise(stacked, kernel)
        height, width = ops.shape(result)[1:3]
        result = ops.reshape(result, (height, width, batch_size, channels))
        return ops.moveaxis(result, 2, 0)


class BicubicDownsampling(ForwardModel):
    """MATLAB's bicubic down-sampling, without rounding (section 3.3).

    x is `(batch, height, width, channels)`, y is `(batch, height / factor, width /
    factor, channels)`. The RIM starts from the bicubic up-sampling of y, which is
    not the adjoint.

    Args:
      factor: A positive integer that divides height and width.
      boundary: See `rim_tf.bicubic.resize_matrix`.

    Raises:
      ValueError: If the factor is not a positive integer.
    """

    def __init__(self, factor: int, boundary: str = "replicate"):
        if factor != int(factor) or factor < 1:
            raise ValueError(f"factor must be a positive integer, not {factor}.")
        self.factor = int(factor)
        self.boundary = boundary

    def forward(self, image):
        image = self._image(image)
        sizes = tuple(image.shape[1:3])
        if None in sizes or any(size % self.factor for size in sizes):
            raise ValueError(
                f"BicubicDownsampling({self.factor}) needs images whose height and "
                f"width are known and multiples of {self.factor}, got "
                f"{tuple(image.shape)}."
            )
        rows, columns = self._matrices([size // self.factor for size in sizes])
        return bicubic.apply_matrices(image, rows, columns)

    def adjoint(self, observation):
        observation = self._observation(observation)
        rows, columns = self._matrices(observation.shape[1:3])
        return bicubic.apply_matrices(observation, rows.T, columns.T)

    def initial_estimate(self, observation):
        observation = self._observation(observation)
        size = tuple(self.factor * n for n in observation.shape[1:3])
        return bicubic.imresize(observation, size, self.boundary)

    def _matrices(self, sizes) -> list[np.ndarray]:
        return [
            bicubic.resize_matrix(self.factor * size, size, self.boundary)
            for size in sizes
        ]


def likelihood_gradient(
    estimate, observation, sigma, forward_model: ForwardModel, epsilon=0.0
):
    """Gradient of the Gaussian log-likelihood log p(y | x) (equation 9).

        1 / (sigma^2 + epsilon) A^T (y - A x)

    Args:
      estimate: x, `(batch, height, width, channels)` float32 in [0, 1].
      observation: y, float32, of the shape that `forward_model.forward` returns.
      sigma: Standard deviation of the noise in the unit of y, `(batch,)` float32.
      forward_model: The operator A.
      epsilon: Keeps the gradient finite when sigma is 0: a positive scalar.

    Returns:
      A tensor of the shape and dtype of `estimate`.
    """
    residual = observation - forward_model.forward(estimate)
    precision = 1.0 / (ops.square(sigma) + epsilon)
    return ops.reshape(precision, (-1, 1, 1, 1)) * forward_model.adjoint(residual)


def check_adjoint(
    model: ForwardModel,
    shape: tuple[int, ...],
    tolerance: float = 1e-4,
    dtype: str = "float32",
    seed: int = 0,
) -> float:
    """Checks that `forward` is linear and `adjoint` is its adjoint.

    Compares <A x, y> with <x, A^T y>, and A(2 x + x') with 2 A x + A x', for
    random x, x' and y.

    Args:
      model: The forward model.
      shape: Shape of the images, `(batch, height, width, channels)`.
      tolerance: Largest relative error that passes.
      dtype: "float32", or "float64" where the backend has it.
      seed: Seed of x and y.

    Returns:
      The relative error of the adjoint.

    Raises:
      ValueError: If the model is not linear, or the adjoint is not its adjoint.

    Example:

        check_adjoint(MyForwardModel(), (2, 32, 32, 1))
    """
    rng = np.random.default_rng(seed)

    def normal(wanted: tuple[int, ...]):
        return ops.convert_to_tensor(rng.standard_normal(wanted), dtype=dtype)

    image, other = normal(shape), normal(shape)
    measured = model.forward(image)
    combined = model.forward(2 * image + other)
    separate = 2 * measured + model.forward(other)
    error = _norm(combined - separate) / (_norm(separate) + np.finfo(dtype).tiny)
    if not error <= tolerance:
        raise ValueError(
            f"{type(model).__name__} is not linear: A(2 x + x') differs from 2 A x + "
            f"A x' by {error:.1e} of its norm."
        )
    observation = normal(tuple(measured.shape))
    back = model.adjoint(observation)
    if tuple(back.shape) != tuple(shape):
        raise ValueError(
            f"{type(model).__name__}.adjoint returns the shape {tuple(back.shape)}, "
            f"not that of the images, {tuple(shape)}."
        )
    left, right = _inner(measured, observation), _inner(image, back)
    scale = _norm(measured) * _norm(observation) + np.finfo(dtype).tiny
    error = abs(left - right) / scale
    if not error <= tolerance:
        raise ValueError(
            f"{type(model).__name__}.adjoint is not the adjoint of forward: <A x, y> "
            f"is {left:.6g}, <x, A^T y> is {right:.6g}."
        )
    return error


def _inner(a, b) -> float:
    a, b = (ops.convert_to_numpy(v).astype(np.float64).ravel() for v in (a, b))
    return float(a @ b)


def _norm(a) -> float:
    return _inner(a, a) ** 0.5


def _of_shape(values, shape: Shape, model: ForwardModel, what: str):
    values = ops.convert_to_tensor(values)
    actual = tuple(values.shape)
    fits = len(actual) == len(shape) + 1 and all(
        None in (n, wanted) or n == wanted
        for n, wanted in zip(actual[1:], shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(["batch", *("any" if n is None else str(n) for n in shape)])
        raise ValueError(
            f"{type(model).__name__} takes {what} of shape ({wanted}), got {actual}."
        )
    return values


def _with_batch(values, rank: int, what: str):
    """Returns a tensor with a batch axis, of length 1 if it had none."""
    values = ops.convert_to_tensor(values)
    if len(values.shape) == rank - 1:
        values = ops.expand_dims(values, 0)
    if len(values.shape) != rank:
        raise ValueError(
            f"Expected {what}, with or without a batch axis in front, got the shape "
            f"{tuple(values.shape)}."
        )
    return values


def _check_fraction(fraction: float) -> None:
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction must be above 0 and at most 1, not {fraction}.")


def _first_rows(number: int, fraction: float) -> np.ndarray:
    # All rows are drawn alike, so the first ones are as good as any.
    _check_fraction(fraction)
    return np.float32(np.arange(number) < round(fraction * number))


def _hartley(images):
    """The orthonormal Hartley transform of each channel; its own inverse."""
    images = ops.moveaxis(images, -1, 1)
    real, imaginary = ops.fft2((images, ops.zeros_like(images)))
    height, width = images.shape[-2:]
    scale = float(height * width) ** -0.5
    return ops.moveaxis(scale * (real - imaginary), 1, -1)


def _continuation(size: int, kernel_size: int, boundary: str) -> np.ndarray:
    """Returns the `(size + kernel_size - 1, size)` matrix that pads one axis."""
    before = kernel_size - 1 - kernel_size // 2
    indices = np.arange(size + kernel_size - 1) - before
    if boundary == "circular":
        indices %= size
    else:
        indices = bicubic.mirrored(indices, size)
    return np.eye(size)[indices]


def _depthwise(images, kernel):
    return ops.depthwise_conv(images, ops.expand_dims(kernel, -1), padding="valid")


def _transposed(function: Callable, image, observation):
    """Applies the adjoint of a linear function by automatic differentiation."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(image)
            measured = function(image)
        return tape.gradient(measured, image, output_gradients=observation)
    if backend == "jax":
        import jax

        return jax.vjp(function, image)[1](observation)[0]
    raise NotImplementedError(f"LinearFunction does not know the backend {backend}.")
