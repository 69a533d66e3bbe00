"""Forward models y = A x + n (equation 1) and the likelihood gradient (equation 9).

A forward model says how an image becomes an observation, without the noise. Those
here are linear; each knows its adjoint exactly:

    <A x, y> = <x, A^T y>

Write your own by subclassing `ForwardModel` with `forward` and `adjoint`, or give
only a linear function to `LinearFunction`. `A2 @ A1` first applies `A1`. Check yours
with `check_adjoint`.

All are made of `keras.ops`: they run eagerly, in compiled functions and inside
`tf.data.map`, and can be differentiated. Operators that hold a mask, a matrix or a
kernel take one for all images, or one per image of the batch. If yours has an operator
per image, set its attribute `num_images`, so that training does not divide the batch.
"""

import abc
import functools
import numbers
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from rim_tf import bicubic

Shape = tuple[int | None, ...]


class ForwardModel(abc.ABC):
    """A linear operator A from images to observations.

    It is applied to each image of a batch alone. A subclass may set the attributes
    to what it takes and returns: `check_adjoint` compares them with the shapes that
    it sees, and `@` refuses models that do not fit.

    Attributes:
      image_shape: Shape of x without the batch, `(height, width, channels)`. None
        stands for any number.
      observation_shape: Shape of y without the batch, of any rank.
      num_images: For how many images there is an operator each, such as a mask for
        each; None if there is one for all, and any batch can be taken apart.
    """

    image_shape: Shape = (None, None, None)
    observation_shape: Shape = (None, None, None)
    num_images: int | None = None

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
        return self._checked(image, self.image_shape, "images x")

    def _observation(self, observation):
        return self._checked(observation, self.observation_shape, "observations y")

    def _checked(self, values, shape: Shape, what: str):
        """Returns a tensor of values whose dtype and shape are right."""
        taker = f"{type(self).__name__} takes {what}"
        values = bicubic.check_floats(values, taker)
        actual = tuple(values.shape)
        if not _fits(actual, (None, *shape)):
            wanted = _text(("batch", *shape))
            raise ValueError(f"{taker} of shape {wanted}, got {actual}.")
        if not _fits(actual[:1], (self.num_images,)):
            raise ValueError(
                f"{type(self).__name__} has operators for {self.num_images} images, "
                f"got {actual[0]}."
            )
        return values


class Composition(ForwardModel):
    """A = A2 A1.

    Args:
      second: A2.
      first: A1, whose observations are the images of A2.

    Raises:
      ValueError: If the stated shapes of the two contradict each other.
    """

    def __init__(self, second: ForwardModel, first: ForwardModel):
        if not _fits(first.observation_shape, second.image_shape):
            raise ValueError(
                f"{type(first).__name__} returns observations of shape "
                f"{_text(('batch', *first.observation_shape))}, but "
                f"{type(second).__name__} takes images of shape "
                f"{_text(('batch', *second.image_shape))}."
            )
        self.second, self.first = second, first
        self.image_shape = first.image_shape
        self.observation_shape = second.observation_shape
        self.num_images = second.num_images or first.num_images

    def forward(self, image):
        return self.second.forward(self.first.forward(image))

    def adjoint(self, observation):
        return self.first.adjoint(self.second.adjoint(observation))

    def initial_estimate(self, observation):
        return self.first.initial_estimate(self.second.initial_estimate(observation))


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
        self.image_shape = bicubic.check_size(image_shape, "image_shape", axes)
        zeros = ops.zeros((2, *self.image_shape))
        shape = _shape_of(function(zeros))
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
        self.num_images = _num_images(self.mask)
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
        shape = bicubic.check_size(shape, "shape")
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

    Raises:
      ValueError: If the shapes of matrix and mask are not these, or d is not the
        square of an integer.
    """

    def __init__(self, matrix, mask):
        self.matrix = _with_batch(matrix, 3, "matrix (d, d)")
        self.mask = _with_batch(mask, 2, "mask (d,)")
        dimension = self.mask.shape[-1]
        shapes = tuple(self.matrix.shape), tuple(self.mask.shape)
        batches = {shape[0] for shape in shapes} - {None, 1}
        if shapes[0][1:] != (dimension, dimension) or len(batches) > 1:
            raise ValueError(
                "RandomProjection needs a matrix (batch, d, d) and a mask (batch, d), "
                f"got the shapes {shapes[0]} and {shapes[1]}."
            )
        self.num_images = _num_images(self.matrix, self.mask)
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
          fraction: Share p of the measurements that are kept, in (0, 1]; one is
            always kept.
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
        flat = ops.reshape(image, (-1, self.size**2, ops.shape(image)[-1]))
        matrix, mask = self._operator(image.dtype)
        return mask * _products(matrix, flat)

    def adjoint(self, observation):
        observation = self._observation(observation)
        matrix, mask = self._operator(observation.dtype)
        flat = _products(ops.swapaxes(matrix, -1, -2), mask * observation)
        channels = ops.shape(observation)[-1]
        return ops.reshape(flat, (-1, self.size, self.size, channels))

    def _operator(self, dtype):
        mask = ops.cast(self.mask, dtype) / self.size
        return ops.cast(self.matrix, dtype), ops.expand_dims(mask, -1)


def _products(matrix, vectors):
    """Multiplies `(batch or 1, m, d)` by `(batch, d, channels)`."""
    if matrix.shape[0] == 1:
        # One product with all vectors reads the matrix once.
        return ops.einsum("md,bdc->bmc", matrix[0], vectors)
    return ops.matmul(matrix, vectors)


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
        self.num_images = _num_images(self.mask)
        self.image_shape = (*self.mask.shape[1:], None)
        self.observation_shape = self.image_shape

    @classmethod
    def random(
        cls, shape: tuple[int, int], fraction: float, seed: int = 0
    ) -> "FourierProjection":
        """Returns a model that keeps a random share of the frequencies.

        Args:
          shape: Height and width of the images.
          fraction: Share p of the frequencies that are kept, in (0, 1]; one is
            always kept.
          seed: Seed of the choice.
        """
        _check_fraction(fraction)
        shape = bicubic.check_size(shape, "shape")
        values = np.random.default_rng(seed).uniform(size=shape)
        # A frequency and its negative take the value of one of them, so that they
        # stay or go together, and as often as a frequency that has no other.
        indices = np.arange(values.size).reshape(shape)
        negatives = np.roll(indices[::-1, ::-1], 1, axis=(0, 1))
        values = values.ravel()[np.minimum(indices, negatives)]
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
        bicubic.check_boundary(boundary, self.BOUNDARIES)
        self.kernel = _with_batch(kernel, 3, "kernel (rows, columns)")
        self.num_images = _num_images(self.kernel)
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
        known = None not in (*self.kernel.shape, *image.shape[1:])
        if not known or any(map(int.__lt__, sizes, kernel_sizes)):
            raise ValueError(
                f"Blur with a kernel of {kernel_sizes} needs known height, width and "
                f"channels, not smaller than the kernel; got {tuple(image.shape)}."
            )
        return [
            _continuation(size, kernel_size, self.boundary)
            for size, kernel_size in zip(sizes, kernel_sizes, strict=True)
        ]

    def _correlate(self, images, kernel):
        """Correlates each channel with the kernel, where it fits in whole."""
        kernel = ops.cast(kernel, images.dtype)
        _, height, width, channels = images.shape
        batch_size = kernel.shape[0]
        kernel = ops.repeat(ops.moveaxis(kernel, 0, -1), channels, axis=-1)
        if batch_size == 1:
            return _depthwise(images, kernel)
        # One kernel per image: the images of the batch become channels.
        stacked = ops.moveaxis(images, 0, 2)
        stacked = ops.reshape(stacked, (1, height, width, batch_size * channels))
        result = _depthwise(stacked, kernel)
        height, width = result.shape[1:3]
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
      ValueError: If the factor is not a positive integer, or the boundary unknown.
    """

    def __init__(self, factor: int, boundary: str = "replicate"):
        if not isinstance(factor, numbers.Integral) or factor < 1:
            raise ValueError(f"factor must be a positive integer, not {factor}.")
        bicubic.check_boundary(boundary, bicubic.BOUNDARIES)
        self.factor = int(factor)
        self.boundary = boundary

    def forward(self, image):
        image = self._image(image)
        sizes = self._known_sizes(image)
        if any(size % self.factor for size in sizes):
            raise ValueError(
                f"BicubicDownsampling({self.factor}) needs images whose height and "
                f"width are multiples of {self.factor}, got {tuple(image.shape)}."
            )
        return bicubic.apply_matrices(image, *self._matrices(sizes))

    def adjoint(self, observation):
        observation = self._observation(observation)
        rows, columns = self._matrices(self._enlarged(observation))
        return bicubic.apply_matrices(observation, rows.T, columns.T)

    def initial_estimate(self, observation):
        observation = self._observation(observation)
        size = self._enlarged(observation)
        return bicubic.imresize(observation, size, self.boundary)

    def _known_sizes(self, values) -> list[int]:
        sizes = list(values.shape[1:3])
        if None in sizes:
            raise ValueError(
                f"BicubicDownsampling({self.factor}) needs a known height and width, "
                f"got {tuple(values.shape)}."
            )
        return sizes

    def _enlarged(self, observation) -> list[int]:
        return [self.factor * size for size in self._known_sizes(observation)]

    def _matrices(self, sizes: list[int]) -> list[np.ndarray]:
        return [
            bicubic.resize_matrix(size, size // self.factor, self.boundary)
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
      epsilon: Keeps the gradient finite when sigma is 0: a scalar, 0 or more, and
        positive where sigma may be 0.

    Returns:
      A tensor of the shape and dtype of `estimate`.

    Raises:
      ValueError: If y is not of floats, or not of the shape of A x.
    """
    name = type(forward_model).__name__
    estimate = ops.convert_to_tensor(estimate)
    measured = ops.convert_to_tensor(forward_model.forward(estimate))
    observation = bicubic.check_floats(observation, f"{name} has observations y")
    if not _fits(tuple(observation.shape), tuple(measured.shape)):
        raise ValueError(
            f"y has the shape {tuple(observation.shape)}, but A x, which {name} makes "
            f"of x, {tuple(measured.shape)}."
        )
    residual = ops.cast(observation, measured.dtype) - measured
    sigma, epsilon = (ops.cast(v, estimate.dtype) for v in (sigma, epsilon))
    precision = 1.0 / (ops.square(sigma) + epsilon)
    return ops.reshape(precision, (-1, 1, 1, 1)) * forward_model.adjoint(residual)


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
    rng, norm, tiny = np.random.default_rng(seed), np.linalg.norm, np.finfo(dtype).tiny
    if not _fits(shape, (None, *model.image_shape)):
        stated = _text(("batch", *model.image_shape))
        raise ValueError(f"{name} states images of shape {stated}, got {shape}.")

    def normal(*wanted: int) -> np.ndarray:
        return rng.standard_normal(wanted).astype(dtype)

    def apply(method: str, values: np.ndarray, wanted: Shape) -> np.ndarray:
        result = getattr(model, method)(ops.convert_to_tensor(values, dtype=dtype))
        actual = _shape_of(result)
        if actual is None or not _fits(actual, wanted):
            raise ValueError(
                f"{name}.{method} must return the shape {_text(wanted)}, got {actual}."
            )
        return ops.convert_to_numpy(result).astype(np.float64)

    def check(error: float, scale: float, message: str) -> float:
        error = float(error / (scale + tiny))
        if not error <= tolerance:
            raise ValueError(f"{name}{message}; the relative error is {error:.1e}.")
        return error

    image, other, factors = normal(*shape), normal(*shape), normal(shape[0])
    combined = np.einsum("b,b...->b...", factors, image) + other
    observed_shape = (shape[0], *model.observation_shape)
    measured, measured_other, measured_combined = (
        apply("forward", values, observed_shape) for values in (image, other, combined)
    )
    expected = np.einsum("b,b...->b...", factors, measured) + measured_other
    message = " is not linear in each image alone: A(c x + x') is not c A x + A x'"
    check(norm(measured_combined - expected), norm(expected), message)

    errors = []
    for _ in range(3):
        observation = normal(*measured.shape)
        back = apply("adjoint", observation, shape)
        # As large as <A x, y> usually is. Its bound |A x| |y| is so much larger that
        # an error of some percent would vanish beside it.
        scale = norm(measured) * norm(observation) / observation.size**0.5
        error = abs(np.vdot(measured, observation) - np.vdot(image, back))
        message = ".adjoint is not the adjoint of forward: <A x, y> is not <x, A^T y>"
        errors.append(check(error, scale, message))
    try:
        tensors = map(ops.convert_to_tensor, (image, observation))
        transposed = ops.convert_to_numpy(_transposed(model.forward, *tensors))
    except _NoGradientError:
        return max(errors)
    error, scale = np.abs(back - transposed).max(), np.abs(transposed).max()
    message = ".adjoint is not the adjoint of forward by automatic differentiation"
    return max(*errors, check(error, scale, message))


def _shape_of(result) -> Shape | None:
    return None if result is None else tuple(result.shape)


def _fits(shape: Shape, wanted: Shape) -> bool:
    """Returns whether two shapes agree where both are known."""
    return len(shape) == len(wanted) and all(
        None in pair or pair[0] == pair[1] for pair in zip(shape, wanted, strict=True)
    )


def _text(shape: tuple[int | str | None, ...]) -> str:
    return f"({', '.join('any' if n is None else str(n) for n in shape)})"


def _num_images(*operators: Any) -> int | None:
    """Returns for how many images there is an operator each, None if for any."""
    return max({v.shape[0] for v in operators} - {None, 1}, default=None)


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
    return np.float32(np.arange(number) < max(1, round(fraction * number)))


def _hartley(images):
    """The orthonormal Hartley transform of each channel; its own inverse."""
    dtype = keras.backend.standardize_dtype(images.dtype)
    # There is no FFT of half precision.
    wide = dtype if dtype == "float64" else "float32"
    images = ops.cast(ops.moveaxis(images, -1, 1), wide)
    real, imaginary = ops.fft2((images, ops.zeros_like(images)))
    height, width = ops.shape(images)[-2:]
    scale = 1 / ops.sqrt(ops.cast(height * width, wide))
    return ops.cast(ops.moveaxis(scale * (real - imaginary), 1, -1), dtype)


@functools.lru_cache(maxsize=16)
def _continuation(size: int, kernel_size: int, boundary: str) -> np.ndarray:
    """Returns the `(size + kernel_size - 1, size)` matrix that pads one axis.

    Do not write to it.
    """
    before = kernel_size - 1 - kernel_size // 2
    indices = np.arange(size + kernel_size - 1) - before
    if boundary == "circular":
        indices %= size
    else:
        indices = bicubic.mirrored(indices, size)
    return np.eye(size)[indices]


def _depthwise(images, kernel):
    return ops.depthwise_conv(images, ops.expand_dims(kernel, -1), padding="valid")


class _NoGradientError(ValueError):
    """Automatic differentiation found no gradient."""

    def __init__(self):
        super().__init__(
            "Automatic differentiation finds no gradient of the function. It must "
            "depend on the image, and be made of keras.ops or of the backend's own "
            "operations."
        )


def _transposed(function: Callable, image, observation):
    """Applies the adjoint of a linear function by automatic differentiation.

    Args:
      function: From images to observations.
      image: A tensor of the shape of the images.
      observation: A tensor of the shape and dtype that the function returns.

    Raises:
      _NoGradientError: If there is no gradient.
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
            raise _NoGradientError from error
        if gradient is None:
            raise _NoGradientError
        return gradient
    if backend == "jax":
        import jax

        try:
            _, pull_back = jax.vjp(function, image)
        except (TypeError, ValueError) as error:
            raise _NoGradientError from error
        return pull_back(observation)[0]
    raise NotImplementedError(f"LinearFunction does not know the backend {backend}.")
