"""Choices about the noise: how it is drawn, added, stored, and told."""

import functools

import numpy as np

from paper_experiments.choices.steps import Choice, add, draw
from rim_tf.noise import round_to_8_bits

_OTHER_SEEDS = range(1, 8)
_TOLD = {"0.8": 0.8, "0.9": 0.9, "1.1": 1.1, "1.25": 1.25}
_SALT_AND_PEPPER = 0.01


def clip(clean: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Clips the noisy image to [0, 1]."""
    return np.clip(add(clean, normal), 0, 1)


def to_8_bits(clean: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Clips and rounds the noisy image, as a file of 8 bits does."""
    return round_to_8_bits(add(clean, normal), np)


def wrap(clean: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Makes integers of 8 bits without clipping: 256 becomes 0."""
    levels = np.floor(255 * add(clean, normal)).astype(np.int64)
    return np.float32(levels % 256) / 255


def salt_and_pepper(clean: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Makes one pixel in a hundred black or white, beside the noise."""
    noisy = add(clean, normal)
    generator = np.random.default_rng(0)
    hit = generator.random(noisy.shape) < _SALT_AND_PEPPER
    return np.where(hit, generator.integers(0, 2, noisy.shape), noisy)


def correlated(clean: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Spreads the noise over 2 x 2 pixels; its deviation stays what it is."""
    neighbours = [
        np.roll(normal, shift, (0, 1)) for shift in [(0, 0), (0, 1), (1, 0), (1, 1)]
    ]
    # Four independent numbers, whose sum has twice the deviation of one.
    return add(clean, np.sum(neighbours, axis=0) / 2)


def draw_another(
    other: int, seed: int, number: int, shape: tuple[int, ...]
) -> np.ndarray:
    """Draws with another seed."""
    return draw(seed + other, number, shape)


def draw_the_same(seed: int, number: int, shape: tuple[int, ...]) -> np.ndarray:
    """Sets the seed anew for each image: all have the same noise."""
    del number
    return draw(seed, 0, shape)


SEEDS = tuple(
    Choice(
        f"seed_{seed}",
        f"another seed of the noise: {seed}",
        {"draw": functools.partial(draw_another, seed)},
    )
    for seed in _OTHER_SEEDS
)
CHOICES = (
    Choice("clip", "noisy image clipped to [0, 1]", {"add": clip}),
    Choice(
        "to_8_bits", "noisy image clipped and rounded to 8 bits", {"add": to_8_bits}
    ),
    Choice(
        "wrap",
        "noisy image cast to uint8 without clipping",
        {"add": wrap},
        cure="keep the noisy image as floats, or clip it before the cast",
    ),
    Choice(
        "same_noise",
        "the same noise on every image",
        {"draw": draw_the_same},
        cure="draw other noise for each image",
    ),
    *(
        Choice(
            f"told_{name}", f"sigma told {factor:g} times the truth", {"told": factor}
        )
        for name, factor in _TOLD.items()
    ),
    Choice(
        "correlated",
        "noise correlated over 2 x 2 pixels",
        {"add": correlated},
        cure="draw white noise, a number of its own for each pixel",
    ),
    Choice(
        "salt_and_pepper",
        "beside the noise 1% of salt and pepper",
        {"add": salt_and_pepper},
        cure="add no other noise than the normal one",
    ),
    *SEEDS,
)
