"""Exporting a RIM: a graph that restores images without this package.

What is exported takes y and sigma, and returns x_T. The forward model is inside of it.
"""

from pathlib import Path
from typing import Any

import keras
from keras import ops

from rim_tf.forward_models import (
    BicubicDownsampling,
    Denoising,
    ForwardModel,
    downsampling,
)
from rim_tf.speed import backend, plain

_LEGACY_SUFFIXES = (".h5", ".hdf5")
_LITERT_SUFFIX = ".tflite"


class Restorer(keras.Model):
    """From y and sigma to x_T, as `rim_tf.restore` makes it.

    Args:
      rim: A built RIM of float32.
      forward_model: The operator A.
      num_steps: T.
    """

    def __init__(self, rim: keras.Model, forward_model: ForwardModel, num_steps: int):
        super().__init__(autocast=False, dtype="float32", name="restorer")
        self.rim = rim
        self.norm = _norm(rim, forward_model)
        is_of_norm_1 = self.norm == 1
        self.forward_model = (
            forward_model if is_of_norm_1 else (1 / self.norm) * forward_model
        )
        self.num_steps = num_steps
        # There is nothing to be built but the RIM.
        self.built = True

    def call(self, observation, sigma):
        """Returns x_T, `(batch, height, width, channels)` float32.

        Args:
          observation: y, float32.
          sigma: Standard deviation of the noise in the unit of y, `(batch,)` float32.
        """
        forward_model = _in_graph(self.forward_model, observation)
        problem = observation / self.norm, sigma / self.norm, forward_model
        *_, last = self.rim.iterate(*problem, self.num_steps)
        return last


def _in_graph(forward_model: ForwardModel, observation) -> ForwardModel:
    """Returns a forward model that takes observations of any size."""
    size = ops.shape(observation)[1:3]
    is_known = all(isinstance(n, int) for n in size)
    if is_known or not isinstance(forward_model, BicubicDownsampling):
        return forward_model
    if forward_model.boundary != "replicate":
        raise ValueError(
            f"{forward_model} of images of any size repeats the border; give an "
            "input_signature of one size, or boundary='replicate'."
        )
    return downsampling.in_graph(forward_model.factor, size)


def _norm(rim: keras.Model, forward_model: ForwardModel) -> float:
    """Returns what A, y and sigma are divided by."""
    if not rim.normalize:
        return 1.0
    if forward_model.norm is None:
        raise ValueError(
            f"The largest singular value of {forward_model} is not known, and a graph "
            "cannot find it; set its attribute norm."
        )
    return float(forward_model.norm)


def export(
    rim: keras.Model,
    path: str | Path,
    form: str,
    verbose: bool | None,
    input_signature,
    forward_model: ForwardModel | None,
    num_steps: int | None,
    **kwargs: Any,
) -> None:
    """Writes a graph; see `rim_tf.RIM.export`."""
    if not backend.writes_graphs():
        raise RuntimeError(
            "Graphs are written with TensorFlow. Weights are the same of each backend: "
            "set KERAS_BACKEND=tensorflow, load this model, and export it there."
        )
    forward_model = Denoising() if forward_model is None else forward_model
    num_steps = rim.num_steps if num_steps is None else num_steps
    _check(path, form, forward_model)
    if not rim.built:
        rim.build()
    restorer = Restorer(_in_float32(rim), forward_model, num_steps)
    signature = input_signature or _signature(rim, forward_model)
    with plain.plainly():
        if form == "tf_saved_model":
            _write_saved_model(restorer, path, signature, verbose, **kwargs)
        else:
            keras.Model.export(restorer, path, form, verbose, signature, **kwargs)


def _write_saved_model(
    restorer: Restorer,
    path: str | Path,
    signature,
    verbose: bool | None,
    **kwargs: Any,
) -> None:
    """Does what `keras.Model.export` does, but for tracking the model.

    With that the weights would be there twice.
    """
    archive = keras.export.ExportArchive()
    archive.add_endpoint("serve", restorer.call, signature, **kwargs)
    archive.write_out(path, verbose=verbose is not False)


def _check(path: str | Path, form: str, forward_model: ForwardModel) -> None:
    if not isinstance(forward_model, ForwardModel):
        raise TypeError(
            "forward_model must be an object of a class of ForwardModel, such as "
            f"rim_tf.Denoising(), got {forward_model!r}."
        )
    check_suffix(path)
    if (form == "litert") != (Path(path).suffix == _LITERT_SUFFIX):
        raise ValueError(
            f'Paths of format="litert" end in {_LITERT_SUFFIX}, and others do not; got '
            f"{path} of format={form!r}."
        )


def check_suffix(path: str | Path) -> None:
    """Raises a `ValueError` for files of Keras' old format."""
    if Path(path).suffix.lower() in _LEGACY_SUFFIXES:
        raise ValueError(
            f"{path}: Keras' old format does not hold models of a class of their own. "
            'Use model.save("NAME.keras"), rim_tf.save_pretrained for weights, or '
            'model.export("FOLDER") for use without this package.'
        )


def _in_float32(rim: keras.Model) -> keras.Model:
    """Returns the RIM itself, or a copy of it that computes in float32."""
    if rim.dtype_policy.compute_dtype == "float32":
        return rim
    copy = rim.with_dtype("float32")
    copy.set_weights(rim.get_weights())
    return copy


def _signature(rim: keras.Model, forward_model: ForwardModel) -> list[keras.InputSpec]:
    """Returns what y and sigma are: of any size, as far as the forward model is."""
    *sizes, channels = forward_model.observation_shape
    channels = getattr(rim.cell, "channels", None) if channels is None else channels
    return [
        keras.InputSpec("float32", (None, *sizes, channels), name="observation"),
        keras.InputSpec("float32", (None,), name="sigma"),
    ]
