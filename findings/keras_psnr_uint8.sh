#!/usr/bin/env bash
# Keras 3.15.1: `keras.ops.psnr` of two uint8 images is computed in uint8.
#
# Expected: the PSNR of images of 8 bits with max_val=255, or an error. Found: the
# difference and its square wrap at 256, so that a large error becomes a small one, and
# nothing says so. For two images that are 64 levels apart, 12.0 dB is right; the square
# of 64 is 16 times 256, which is 0 in 8 bits, and the PSNR is infinite.
#
# What follows: make floats of images before any measure.
#
# Needs a network for the installation; runs for about a minute. Exit code 0: as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q keras==3.15.1 jax==0.10.2 jaxlib==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

images = [np.full((8, 8, 1), level, np.uint8) for level in (50, 114)]
print("Keras", keras.__version__)
as_bytes = float(keras.ops.psnr(*images, max_val=255))
as_floats = float(keras.ops.psnr(*(np.float32(i) for i in images), max_val=255))
print("uint8:", as_bytes, "float32:", round(as_floats, 2))
# Output seen: inf, then 12.01.
assert as_bytes > 100 and abs(as_floats - 12.01) < 0.01
PYTHON
