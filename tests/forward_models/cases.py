"""The forward models that tests are run with."""

import keras
import numpy as np
from keras import ops

from rim_tf.forward_models import (
    BicubicDownsampling,
    Blur,
    Denoising,
    FilteredProjection,
    FourierProjection,
    Inpainting,
    LinearFunction,
    Mosaic,
    RandomProjection,
    Subsampling,
)

IS_TENSORFLOW = keras.backend.backend() == "tensorflow"


def normal(shape, seed=0):
    """Returns standard normal numbers, float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def kernel(*shape: int):
    """Returns numbers between 0 and 1, float32."""
    return np.random.default_rng(9).uniform(size=shape).astype("float32")


def fourier_masks(fractions, shape):
    """Returns one mask of `FourierProjection` per image."""
    models = [FourierProjection.random(shape, f) for f in fractions]
    return np.concatenate([ops.convert_to_numpy(model.mask) for model in models])


def filtered(is_spectral, number: int, size: tuple[int, int]):
    """Returns a `FilteredProjection` with other operators for each image."""
    shape = (number, *size)
    return FilteredProjection(
        kernel(*shape) / np.prod(size),
        kernel(*shape) > 0.4,
        np.sign(normal(shape)),
        is_spectral,
    )


# Name: forward model, and the shape of a batch of its images.
MODELS = {
    "denoising": lambda: (Denoising(), (2, 7, 5, 3)),
    "inpainting": lambda: (Inpainting.random((17, 23), 0.5), (2, 17, 23, 3)),
    "inpainting per image": lambda: (Inpainting(kernel(2, 6, 5, 1)), (2, 6, 5, 1)),
    "inpainting rgb": lambda: (Inpainting(kernel(6, 5, 3)), (2, 6, 5, 3)),
    "gaussian": lambda: (RandomProjection.gaussian(8, 0.4), (3, 8, 8, 1)),
    "gaussian rgb": lambda: (RandomProjection.gaussian(5, 1.0), (2, 5, 5, 3)),
    "binary": lambda: (RandomProjection.binary(7, 0.3), (2, 7, 7, 1)),
    "fourier even": lambda: (FourierProjection.random((16, 12), 0.3), (2, 16, 12, 1)),
    "fourier odd": lambda: (FourierProjection.random((9, 13), 0.5), (2, 9, 13, 3)),
    "fourier per image": lambda: (
        FourierProjection(fourier_masks([0.3, 0.7], (6, 5))),
        (2, 6, 5, 2),
    ),
    "blur circular": lambda: (Blur(kernel(5, 3), "circular"), (2, 17, 23, 3)),
    "blur symmetric": lambda: (Blur(kernel(5, 3), "symmetric"), (2, 17, 23, 3)),
    "blur even kernel": lambda: (Blur(kernel(4, 2), "symmetric"), (2, 9, 8, 1)),
    "bicubic 2": lambda: (BicubicDownsampling(2), (2, 36, 36, 1)),
    "bicubic 3": lambda: (BicubicDownsampling(3, "symmetric"), (2, 21, 33, 3)),
    "bicubic 5": lambda: (BicubicDownsampling(5), (1, 25, 10, 1)),
    "filtered": lambda: (filtered(0, 1, (7, 8)), (3, 7, 8, 2)),
    "filtered per image": lambda: (filtered([0, 1], 2, (6, 5)), (2, 6, 5, 1)),
    "function": lambda: (
        LinearFunction(lambda x: x[:, 1:] - 2 * x[:, :-1], (6, 5, 2)),
        (3, 6, 5, 2),
    ),
    "mosaic": lambda: (Mosaic("GRBG"), (2, 7, 5, 3)),
    "subsampling": lambda: (Subsampling(2), (2, 6, 8, 1)),
    "skipped rows": lambda: (Subsampling((3, 1)), (2, 9, 5, 3)),
    "composition": lambda: (
        BicubicDownsampling(2) @ Blur(kernel(3, 3)) @ Inpainting.random((12, 8), 0.7),
        (2, 12, 8, 1),
    ),
    "scaled": lambda: (0.3 * Blur(kernel(3, 3)), (2, 9, 8, 1)),
}

ANY = (None, None, None)
# Name: what is stated of x and y; both may be of any size where a name is missing.
STATED = {
    "inpainting": ((17, 23, None), (17, 23, None)),
    "inpainting per image": ((6, 5, None), (6, 5, None)),
    "inpainting rgb": ((6, 5, 3), (6, 5, 3)),
    "gaussian": ((8, 8, None), (64, None)),
    "gaussian rgb": ((5, 5, None), (25, None)),
    "binary": ((7, 7, None), (49, None)),
    "fourier even": ((16, 12, None), (16, 12, None)),
    "fourier odd": ((9, 13, None), (9, 13, None)),
    "fourier per image": ((6, 5, None), (6, 5, None)),
    "filtered": ((7, 8, None), (7, 8, None)),
    "filtered per image": ((6, 5, None), (6, 5, None)),
    "function": ((6, 5, 2), (5, 5, 2)),
    "mosaic": ((None, None, 3), (None, None, 1)),
    "composition": ((12, 8, None), ANY),
}
