"""Choices about how the network restores: arithmetic, steps, several estimates."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from paper_experiments.choices.methods import Network
from paper_experiments.choices.steps import Choice, NotMeasurableError
from paper_experiments.common import provenance

_STEPS = (5, 10, 50)
_BFLOAT16 = "mixed_bfloat16"
_CURE = "restore each image once and as it is, with T = 20 in float32"


def denoise_as(settings: dict, network: Network, noisy: np.ndarray, sigma: float):
    """Removes noise with other settings of the network."""
    return _with(network, settings).denoise(noisy, sigma)


def enlarge_as(
    settings: dict,
    network: Network,
    small: np.ndarray,
    factor: int,
    luminance: Callable,
) -> np.ndarray:
    """Enlarges with other settings of the network."""
    return _with(network, settings).enlarge(small, factor, luminance)


def _with(network: Network, settings: dict) -> Network:
    if {**dataclasses.asdict(network), **settings} == dataclasses.asdict(network):
        raise NotMeasurableError(f"it is measured with {settings} anyway")
    return dataclasses.replace(network, **settings)


def ensemble(network: Network, noisy: np.ndarray, sigma: float) -> np.ndarray:
    """Takes the mean over the eight flips and turns."""
    return network.denoise(noisy, sigma, ensemble=True)


def in_batch(network: Network, noisy: np.ndarray, sigma: float) -> np.ndarray:
    """Restores the image and its three mirror images in one batch."""
    return network.denoise(noisy, sigma, in_batch=True)


def shifted(network: Network, noisy: np.ndarray, sigma: float) -> np.ndarray:
    """Restores the image shifted by one pixel, which a stride of two feels."""
    wider = np.pad(noisy, ((1, 0), (1, 0), (0, 0)), "edge")
    return network.denoise(wider, sigma)[1:, 1:]


def with_jax(network: Network, noisy: np.ndarray, sigma: float) -> np.ndarray:
    """Restores as always, where the backend is JAX."""
    if provenance.versions()["backend"] != "jax":
        raise NotMeasurableError("the backend is not JAX")
    return network.denoise(noisy, sigma)


def _settings(name: str, what: str, **settings: object) -> Choice:
    return Choice(
        name,
        what,
        {"denoise": functools.partial(denoise_as, settings)},
        {"enlarge": functools.partial(enlarge_as, settings)},
        for_network=True,
        cure=_CURE,
    )


JAX = Choice(
    "jax_backend",
    "JAX for TensorFlow",
    {"denoise": with_jax},
    None,
    ("jax",),
    for_network=True,
    cure="restore by TensorFlow",
)
CHOICES = (
    *(_settings(f"steps_{n}", f"T = {n}", num_steps=n) for n in _STEPS),
    _settings("bfloat16", "bfloat16 for float32", dtype=_BFLOAT16),
    Choice(
        "ensemble",
        "mean over eight flips and turns",
        {"denoise": ensemble},
        for_network=True,
        cure=_CURE,
    ),
    Choice(
        "batch",
        "in a batch of four",
        {"denoise": in_batch},
        for_network=True,
        cure=_CURE,
    ),
    Choice(
        "shifted",
        "image shifted by one pixel",
        {"denoise": shifted},
        for_network=True,
        cure=_CURE,
    ),
)
