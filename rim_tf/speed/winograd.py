"""3 x 3 convolutions with a quarter of the products: Winograd's F(4 x 4, 3 x 3).

A convolution of an image tile of 6 x 6 pixels with a kernel of 3 x 3 has 4 x 4
results. With the constant matrices below they are, for one channel,

    A^T [(B^T tile B) * (G kernel G^T)] A,

where * is element by element: 36 products instead of 144 (Lavin and Gray, "Fast
Algorithms for Convolutional Neural Networks", 2016). With many channels the products
become 36 matrix products. The results are those of the convolution, up to rounding: to
1e-4 of their spread in float32, to 1.5% in bfloat16, where the usual convolution comes
to 0.3%; on four images PSNR fell by at most 0.02 dB for that (PERFORMANCE.md).

This pays where arithmetic takes the time: on a CPU in float32, or in bfloat16 by vector
instructions. A CPU's matrix units for bfloat16 are so fast that moving the numbers
takes longer, and GPUs have such kernels already. It uses TensorFlow, with XLA for the
sums of a tile; under JAX nothing changes.
"""

import contextlib
import contextvars
import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from rim_tf.speed import plain, precision, xla

# Convolution is multiplication of polynomials, which Winograd makes in the values at
# these points, and at infinity. The usual ones, 0, 1, -1, 2 and -2, make twice the
# rounding error. Powers of points and of their reciprocals are of one size here.
_POINTS = (0, 2 / 3, -2 / 3, 3 / 2, -3 / 2)


def _transforms(points: Sequence[float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns B^T, G and A^T, as the literature calls them, (6, 6), (6, 3), (4, 6)."""
    others = [[q for q in points if q != p] for p in points]
    # Coefficients of the polynomials that vanish at all other points.
    vanishing = [[*np.poly(values)[::-1], 0] for values in others]
    b_transposed = np.array([*vanishing, np.poly(points)[::-1]])
    scale = [np.prod(np.subtract(p, q)) for p, q in zip(points, others, strict=True)]
    powers = np.vander(points, len(points) - 1, increasing=True)
    infinity = np.eye(len(points) - 1)[-1:]
    g = np.vstack([powers[:, :3] / np.array(scale)[:, None], [[0, 0, 1]]])
    a = np.vstack([powers, infinity])
    # So that what is zero is zero, and its products are left out.
    return b_transposed.round(12), g, a.T


_B_TRANSPOSED, _G, _A_TRANSPOSED = _transforms(_POINTS)
_OUTPUTS, _TILE = _A_TRANSPOSED.shape

# Compiled functions that are kept.
_MOST_SHAPES = 128
# Fewer channels make matrix products too thin to be worth their preparation.
_LEAST_CHANNELS = 64


class _Axis(NamedTuple):
    """How an axis of an image, its rows or its columns, is taken apart into tiles.

    Attributes:
      number: 1 for rows, 2 for columns.
      size: Pixels along the axis.
      dilation: Distance of the pixels that the kernel looks at.
    """

    number: int
    size: int
    dilation: int

    @property
    def surplus(self) -> int:
        """Results of the last tiles that lie outside of the image."""
        return -self.size % (_OUTPUTS * self.dilation)


def is_faster(images, kernel) -> bool:
    """Says whether to use `convolve` instead of the usual convolution.

    It was measured to be faster in float32 on processors of AMD and Intel, in bfloat16
    by vector instructions on AMD's only.

    Args:
      images: `(batch, height, width, in)`.
      kernel: `(3, 3, in, out)`.
    """
    dtype = keras.backend.standardize_dtype(images.dtype)
    is_known = None not in images.shape[1:3]
    return is_known and not plain.is_plain() and pays_for(kernel, dtype)


def pays_for(kernel, dtype: str) -> bool:
    """Says whether convolutions with a kernel are faster so, of images of known size.

    Args:
      kernel: `(3, 3, in, out)`.
      dtype: Of the images.
    """
    return (
        keras.backend.backend() == "tensorflow"
        and _pays_in(dtype)
        and tuple(kernel.shape[:2]) == (3, 3)
        and min(kernel.shape[2:]) >= _LEAST_CHANNELS
        and not precision.has_gpu()
    )


def _pays_in(dtype: str) -> bool:
    if dtype == "bfloat16":
        return precision.only_vectors_have_bfloat16()
    return dtype == "float32"


def convolve(images, kernel, bias, dilation: int = 1, parts: int = 1) -> list:
    """Returns the convolution with stride 1 and borders of 0 ("same"), plus a bias.

    To add the bias and to part the channels elsewhere takes more passes over memory.

    Args:
      images: `(batch, height, width, in)`, float32 or bfloat16; height and width are
        known when the graph is made.
      kernel: `(3, 3, in, out)` of the dtype of `images`.
      bias: `(out,)` of that dtype.
      dilation: Distance of the pixels that the kernel looks at.
      parts: Into how many parts of equal size the channels are parted.

    Returns:
      Tensors `(batch, height, width, out / parts)` of the dtype of `images`.
    """
    rows, columns = (_Axis(i, images.shape[i], dilation) for i in (1, 2))
    products = _multiply(images, _transformed(kernel, images.dtype), rows, columns)
    return _sum_up(products, ops.cast(bias, images.dtype), rows, columns, parts)


def transform(kernel, dtype: str):
    """Returns G kernel G^T, `(36, in, out)` of a dtype, for `constant_kernels`."""
    # Rounded first, as a layer rounds its variables.
    return ops.cast(_transform_kernel(ops.cast(kernel, dtype)), dtype)


@contextlib.contextmanager
def constant_kernels(
    layers: Sequence[keras.layers.Conv2D] = (), matrices: Sequence = ()
) -> Iterator[None]:
    """Transforms each variable once within, however many convolutions use it.

    The steps of a RIM share their kernels: to transform these anew takes a tenth of the
    time of a training, and memory for each step. Variables must not change within.

    Args:
      layers: Convolutions whose kernels are transformed already.
      matrices: What `transform` gives for each.
    """
    given = {
        _key(layer.kernel, layer.compute_dtype): of_layer
        for layer, of_layer in zip(layers, matrices, strict=True)
    }
    token = _CONSTANT.set(_Constant(given, {}))
    try:
        yield
    finally:
        _CONSTANT.reset(token)


@dataclasses.dataclass
class _Transformed:
    """A transformed kernel.

    Attributes:
      kernel: What was transformed; as long as it is here, its `id` is no other's.
      matrices: The transformed kernel in the dtype of the images, `(36, in, out)`, a
        constant for gradients.
      sum: What gradients go through instead: a scalar 0 that passes through all
        convolutions with this kernel, whose gradients are added up on the way, in
        float32. TensorFlow would keep them all for one sum at the end.
    """

    kernel: Any
    matrices: Any
    sum: Any


class _Constant(NamedTuple):
    """Kernels that do not change for a while.

    Attributes:
      given: Matrices of kernels that were transformed before, by `_key`.
      transformed: All that were asked for, by `_key` and the graph that is made.
    """

    given: dict[tuple, Any]
    transformed: dict[tuple, _Transformed]


_CONSTANT: contextvars.ContextVar[_Constant | None]
_CONSTANT = contextvars.ContextVar("constant", default=None)


def _key(kernel, dtype) -> tuple[int, str]:
    return id(kernel), keras.backend.standardize_dtype(dtype)


def _transformed(kernel, dtype) -> _Transformed:
    import tensorflow as tf

    constant = _CONSTANT.get()
    # What is no variable is made for one convolution.
    if constant is None or not isinstance(kernel, keras.Variable):
        return _begin(kernel, dtype, transform(kernel, dtype))
    key, known = _key(kernel, dtype), constant.transformed
    # A graph within a graph has tensors of its own.
    graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
    if (key, id(graph)) not in known:
        matrices = constant.given.get(key)
        if matrices is None:
            matrices = transform(kernel, dtype)
        known[key, id(graph)] = _begin(kernel, dtype, matrices)
    return known[key, id(graph)]


def _begin(kernel, dtype, matrices) -> _Transformed:
    """Returns a transformed kernel, before the first convolution with it."""
    import tensorflow as tf

    @tf.custom_gradient
    def begin(kernel: Any):
        def gradient(of_matrices: Any):
            of_kernel = _transform_kernel_adjoint(of_matrices, kernel.shape)
            return ops.cast(of_kernel, kernel.dtype)

        # Its shape is unknown to a graph, which would compare it with its gradient's.
        return tf.compat.v1.placeholder_with_default(tf.zeros(()), None), gradient

    sum_so_far = begin(ops.cast(kernel, dtype))
    return _Transformed(kernel, ops.stop_gradient(matrices), sum_so_far)


def _multiply(images, transformed: _Transformed, rows: _Axis, columns: _Axis):
    """Returns the products of the images' tiles with a kernel.

    Training makes the tiles again for the gradient: to keep those of all steps takes a
    tenth more memory, and is no faster.
    """
    import tensorflow as tf

    split, split_adjoint = _compile(_split_axis), _compile(_split_axis_adjoint)
    matrices = transformed.matrices
    *_, in_channels, out_channels = matrices.shape

    def take_apart(images: Any):
        # Both axes at once: it is one pass over fewer numbers.
        return split(split(_pad_borders(images, rows, columns), columns), rows)

    @tf.custom_gradient
    def multiply(images: Any, sum_so_far: Any):
        tiles = take_apart(images)
        shape = tiles.shape[:-1]
        products = tf.matmul(_flat(tiles, in_channels), matrices)

        def gradients(of_products: Any, of_sum: Any) -> tuple[Any, Any]:
            # Not before the gradient is there, or they would be kept after all.
            with tf.control_dependencies([of_products]):
                again = take_apart(tf.identity(images))
            again = _flat(again, in_channels)
            of_products = _flat(of_products, out_channels)
            of_tiles = tf.matmul(of_products, matrices, transpose_b=True)
            of_tiles = _reshape(of_tiles, (*shape, in_channels))
            of_images = split_adjoint(split_adjoint(of_tiles, rows), columns)
            of_matrices = tf.matmul(again, of_products, transpose_a=True)
            return of_images, _add_up()(of_sum, of_matrices)

        return (_reshape(products, (*shape, out_channels)), sum_so_far), gradients

    products, transformed.sum = multiply(images, transformed.sum)
    return products


def _sum_up(products, bias, rows: _Axis, columns: _Axis, parts: int) -> list:
    """Returns the sums of the products in each tile plus a bias, in parts."""
    import tensorflow as tf

    @tf.custom_gradient
    def sum_up(products: Any, bias: Any):
        def gradients(*upstream: Any) -> tuple[Any, Any]:
            adjoint = _compile(_merge_axis_adjoint)
            whole = ops.concatenate(upstream, axis=-1)
            of_bias = ops.sum(whole, axis=(0, 1, 2))
            return adjoint(adjoint(whole, columns), rows), of_bias

        merged = _compile(_merge_axis)(products, rows)
        merge_part = _compile(_merge_part_of_axis)
        results = [merge_part(merged, bias, columns, i, parts) for i in range(parts)]
        return results, gradients

    return sum_up(products, bias)


@functools.cache
def _add_up() -> Callable:
    """Returns a function that adds in the dtype of its first argument, in one pass."""
    import tensorflow as tf

    def add_up(sum_so_far: Any, summand: Any):
        return sum_so_far + ops.cast(summand, sum_so_far.dtype)

    return tf.function(add_up, jit_compile=True)


def _transform_kernel(kernel):
    """Returns G kernel G^T, `(36, in, out)`, as one matrix product."""
    pixels = ops.reshape(ops.cast(kernel, "float32"), (9, -1))
    columns = ops.matmul(_g_beside_g(), pixels)
    return ops.reshape(columns, (_TILE**2, *kernel.shape[2:]))


def _transform_kernel_adjoint(matrices, shape: Sequence[int]):
    """Returns G^T matrices G of a shape, `(3, 3, in, out)`."""
    columns = ops.reshape(matrices, (_TILE**2, -1))
    pixels = ops.matmul(ops.transpose(_g_beside_g()), columns)
    return ops.reshape(pixels, shape)


def _g_beside_g():
    return ops.convert_to_tensor(np.kron(_G, _G), "float32")


def _flat(tiles, channels: int):
    """Returns the rows of 36 matrices, one for each place in a tile."""
    return ops.reshape(tiles, (_TILE**2, -1, channels))


def _pad_borders(images, *axes: _Axis):
    """Adds what the kernel sees beyond the borders, and what fills the last tiles."""
    paddings = [[0, 0]] * len(images.shape)
    for axis in axes:
        paddings[axis.number] = [axis.dilation, axis.dilation + axis.surplus]
    return ops.pad(images, paddings)


# The functions below take an axis of pixels apart, or put it together again. In pieces
# it is two axes, of tiles and of phases; a phase is one of the images that a dilated
# kernel sees, each apart from the others. What is inside of a tile is the first axis of
# the tensor.


def _split_axis(images, axis: _Axis):
    """Returns B^T tile along an axis with borders, `(6, ..., tiles, phases, ...)`."""
    position = _position(images, axis)
    images = _split_phases(images, position, axis.dilation)
    index = (slice(None),) * position
    pixels = [
        images[(*index, slice(i, (i - _TILE + 1) or None, _OUTPUTS))]
        for i in range(_TILE)
    ]
    return ops.stack(_combine(_B_TRANSPOSED, pixels))


def _split_axis_adjoint(tiles, axis: _Axis):
    """Returns the adjoint's result without the borders."""
    pixels = _combine(_B_TRANSPOSED.T, [tiles[i] for i in range(_TILE)])
    position = _position(pixels[0], axis, in_pieces=True)
    # The last two pixels of a tile are the first two of the next.
    own = [_pad(pixel, position, 0, 1) for pixel in pixels[:_OUTPUTS]]
    for i, pixel in enumerate(pixels[_OUTPUTS:]):
        own[i] = own[i] + _pad(pixel, position, 1, 0)
    images = _join_phases(ops.stack(own, axis=position + 1), position)
    return _crop(images, position, axis.dilation, axis.size)


def _merge_axis(products, axis: _Axis):
    """Returns A^T products along an axis, `(..., pixels, ...)`."""
    pixels = _combine(_A_TRANSPOSED, [products[i] for i in range(_TILE)])
    position = _position(pixels[0], axis, in_pieces=True)
    images = _join_phases(ops.stack(pixels, axis=position + 1), position)
    return _crop(images, position, 0, axis.size)


def _merge_part_of_axis(products, bias, axis: _Axis, part: int, parts: int):
    """Returns A^T products along an axis plus a bias, of a part of the channels."""
    size = bias.shape[0] // parts
    channels = slice(part * size, (part + 1) * size)
    return _merge_axis(products[..., channels], axis) + xla.to_numbers(bias[channels])


def _merge_axis_adjoint(images, axis: _Axis):
    position = _position(images, axis)
    images = _pad(images, position, 0, axis.surplus)
    images = _split_phases(images, position, axis.dilation)
    index = (slice(None),) * position
    pixels = [images[(*index, slice(i, None, _OUTPUTS))] for i in range(_OUTPUTS)]
    return ops.stack(_combine(_A_TRANSPOSED.T, pixels))


def _position(tensor, axis: _Axis, in_pieces: bool = False) -> int:
    """Returns which axis of a tensor the rows or columns are, counted from its end.

    Columns are taken apart first, and put together last.
    """
    if axis.number == 2:
        return len(tensor.shape) - (3 if in_pieces else 2)
    return len(tensor.shape) - (5 if in_pieces else 4)


def _combine(matrix: np.ndarray, parts: Sequence) -> list:
    """Returns the products of a matrix with a list of tensors, in float32."""
    parts = [xla.to_numbers(part) for part in parts]
    return [
        sum(
            float(factor) * part
            for factor, part in zip(row, parts, strict=True)
            if factor
        )
        for row in matrix
    ]


def _pad(tensor, position: int, before: int, after: int):
    paddings = [[0, 0]] * len(tensor.shape)
    paddings[position] = [before, after]
    return ops.pad(tensor, paddings)


def _crop(tensor, position: int, first: int, size: int):
    return tensor[(*(slice(None),) * position, slice(first, first + size))]


def _split_phases(tensor, position: int, dilation: int):
    shape = list(tensor.shape)
    shape[position : position + 1] = [shape[position] // dilation, dilation]
    return _reshape(tensor, shape)


def _join_phases(tensor, position: int):
    """Makes one axis of pixels of those of tiles, pixels in a tile, and phases."""
    shape = list(tensor.shape)
    shape[position : position + 3] = [int(np.prod(shape[position : position + 3]))]
    return _reshape(tensor, shape)


def _reshape(tensor, shape: Sequence[int | None]):
    return ops.reshape(tensor, [-1 if size is None else size for size in shape])


@functools.cache
def _compile(function: Callable) -> Callable:
    """Compiles a function of tensors, and of what else follows them."""

    # For every shape by itself: a `tf.function` that serves networks of several sizes
    # would warn of being traced so often.
    @functools.lru_cache(_MOST_SHAPES)
    def compiled_for(shapes: tuple, dtype: Any, others: tuple) -> Callable:
        del shapes, dtype
        return xla.compile_for_cpu(lambda *tensors: function(*tensors, *others))

    def call(*args: Any):
        tensors = [arg for arg in args if hasattr(arg, "dtype")]
        shapes = tuple(tuple(tensor.shape) for tensor in tensors)
        others = args[len(tensors) :]
        return compiled_for(shapes, tensors[0].dtype, others)(*tensors)

    return call
