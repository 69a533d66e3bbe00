"""The optimizers of a training: Adam, Muon, or any other that Keras has."""

import functools
import inspect
from typing import Any

import keras

from rim_tf.training import devices, muon
from rim_tf.training.settings import CLIP_NORM, TrainingError

ADAM = "adam"


@functools.cache
def _classes() -> dict[str, type]:
    """Returns the optimizers that clip the global norm, by their names in small."""
    of_keras = {
        name.lower(): member
        for name, member in inspect.getmembers(keras.optimizers, inspect.isclass)
        # Others wrap optimizers, and have no updates of their own, as their base has.
        if "global_clipnorm" in inspect.signature(member).parameters
        and member is not keras.optimizers.Optimizer
    }
    # Its like in Keras knows matrices only, not the kernels of convolutions.
    return {**of_keras, muon.NAME: muon.ConvolutionMuon}


def names() -> list[str]:
    """Returns the names that `make` knows."""
    return sorted(_classes())


def check(name: str) -> None:
    """Makes sure that there is an optimizer, and that the devices in use can have it.

    Raises:
      TrainingError: If it is unknown, or for one device only.
    """
    if name not in names():
        raise TrainingError(
            f"There is no optimizer {name!r}; there are {', '.join(names())}."
        )
    # Under TensorFlow each device would clip the gradient of its own share.
    if name != ADAM and devices.num_replicas() > 1:
        raise TrainingError(
            f"The optimizer {name} trains on one device only; take one, or {ADAM}."
        )


def make(name: str, learning_rate: Any) -> keras.optimizers.Optimizer:
    """Returns an optimizer that clips the global norm of the gradient.

    What else can be set of it has Keras' defaults.

    Args:
      name: One of `names()`.
      learning_rate: A number or a schedule.
    """
    if name == muon.NAME:
        return muon.ConvolutionMuon(learning_rate, CLIP_NORM)
    if devices.num_replicas() > 1:
        return devices.ClippedAdam(learning_rate, CLIP_NORM)
    return _classes()[name](learning_rate, global_clipnorm=CLIP_NORM)
