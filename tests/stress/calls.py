"""Functions of the library as commands: what they raise becomes a line.

Where they raise anything but what they document, the process ends with a traceback.
"""

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np


@contextlib.contextmanager
def _documented() -> Iterator[None]:
    try:
        yield
    except (OSError, TypeError, ValueError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(1)


def read_image(path: Path, output: Path) -> None:
    """Reads an image file as tables do; keeps its pixels."""
    from rim_tf import images

    with _documented():
        pixels = images.read_image(path)
    output.mkdir()
    np.save(output / "pixels.npy", pixels)


def load(path: Path, output: Path) -> None:
    """Loads weights, and restores something; keeps that."""
    import rim_tf

    with _documented():
        model = rim_tf.load_pretrained(path)
    size = (1, 8, 8, getattr(model.cell, "channels", 1))
    noisy = np.random.default_rng(0).uniform(size=size)
    restored = rim_tf.restore(model, noisy, sigma=0.1, num_steps=2)
    output.mkdir()
    np.save(output / "restored.npy", restored)


def load_whole_model(path: Path) -> None:
    """Loads a `.keras` file, as Keras' users do; what that raises is its own."""
    import keras

    import rim_tf  # noqa: F401

    warnings.simplefilter("ignore")
    try:
        keras.saving.load_model(path)
    except Exception as error:
        sys.exit(f"error: {type(error).__name__}")


def restore(weights: Path, make: Callable[..., Any], drawn: Any, output: Path) -> None:
    """Restores what `make(**drawn)` returns, the arguments of `rim_tf.restore`."""
    import rim_tf

    model = rim_tf.load_pretrained(weights)
    # Documented, too.
    warnings.simplefilter("ignore", UserWarning)
    with _documented():
        restored = rim_tf.restore(model, **make(**drawn))
    output.mkdir()
    np.save(output / "restored.npy", restored)


def arguments(
    shape: tuple[int, ...], dtype: str, odd: float | None, sigma: Any, operator: Any
) -> dict[str, Any]:
    """Returns arguments of `rim_tf.restore`.

    Args:
      shape: Of the observation.
      dtype: The same.
      odd: A value that one of its pixels has.
      sigma: The noise level, or a list of such.
      operator: Name of a forward model, and what it is made with: a shape, a dtype and
        an odd value of an operator, or a number.
    """
    import rim_tf
    from rim_tf import forward_models

    name, what = operator
    observation = np.random.default_rng(0).uniform(size=shape).astype(dtype)
    if odd is not None and observation.size:
        with np.errstate(over="ignore"):
            observation.flat[observation.size // 2] = odd
    if isinstance(what, tuple):
        size, of_dtype, value = what
        what = np.ones(size, of_dtype)
        if value is not None and what.size:
            what.flat[0] = value
    model = {
        "none": lambda: None,
        "class": lambda: rim_tf.Denoising,
        "function": lambda: np.square,
        "Denoising": rim_tf.Denoising,
        "Inpainting": lambda: forward_models.Inpainting(what),
        "Blur": lambda: forward_models.Blur(what),
        "FourierProjection": lambda: forward_models.FourierProjection(what),
        "BicubicDownsampling": lambda: forward_models.BicubicDownsampling(what),
        "Mosaic": lambda: forward_models.Mosaic(what),
    }[name]()
    return {"observation": observation, "forward_model": model, "sigma": sigma}
