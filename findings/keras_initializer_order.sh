#!/usr/bin/env bash
# Keras 3.15.1: an initialiser draws its seed when it is made, not when weights are.
#
# Expected: with `keras.utils.set_random_seed`, initial weights depend on the order in
# which layers are built. Found: they depend on the order in which initialisers are
# made. A refactoring that only names `keras.initializers.RandomNormal()` before the
# first layer, instead of inside the last one's call, changes the first weights of all
# layers. Nothing says so; a training with the same seed is another training.
#
# What follows: a test of reproducibility must compare weights or losses, not code.
#
# Needs a network; runs for about a minute. Exit code 0: as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q keras==3.15.1 jax==0.10.2 jaxlib==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np


def first_kernel(early: bool) -> np.ndarray:
    keras.utils.set_random_seed(0)
    if early:
        last = keras.initializers.RandomNormal(stddev=1e-3)
    layers = [keras.layers.Dense(3)]
    if not early:
        last = keras.initializers.RandomNormal(stddev=1e-3)
    layers.append(keras.layers.Dense(1, kernel_initializer=last))
    for layer, size in zip(layers, (2, 3)):
        layer.build((None, size))
    return np.asarray(layers[0].kernel)


print("Keras", keras.__version__)
again = np.array_equal(first_kernel(early=False), first_kernel(early=False))
moved = np.array_equal(first_kernel(early=False), first_kernel(early=True))
print("The same code twice: the first kernel is the same:", again)
print("The initialiser of the last layer made first: it is the same:", moved)
# Output seen: True, then False.
assert again and not moved
PYTHON
