#!/usr/bin/env bash
# OpenCV 5.0.0: to shrink by 3 with INTER_CUBIC is to take every third pixel, to the bit.
#
# Expected: an interpolation over 4 x 4 pixels gives other values than the pixels. Found:
# for an odd factor the middle of a new pixel is the middle of an old one, where the
# cubic kernel is 1 there and 0 elsewhere. INTER_LINEAR and INTER_LANCZOS4 give the very
# same image; only INTER_AREA averages. At even factors the three differ.
#
# What follows: which of them was chosen does not matter at x3, since none is
# anti-aliased; a baseline of bicubic enlarging loses over 1 dB there, and gains at x2.
#
# Needs a network for the installation; runs for half a minute. Exit code 0: as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q opencv-python-headless==5.0.0.93 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np

image = np.random.default_rng(0).integers(0, 256, (60, 66, 3), np.uint8)
names = ("INTER_CUBIC", "INTER_LINEAR", "INTER_LANCZOS4", "INTER_AREA")


def is_every_third(name: str) -> bool:
    small = cv2.resize(image, (22, 20), interpolation=getattr(cv2, name))
    return np.array_equal(small, image[1::3, 1::3])


print("OpenCV", cv2.__version__)
found = [is_every_third(name) for name in names]
print(dict(zip(names, found)))
# Output seen: True, True, True, False.
assert found == [True, True, True, False]
half = [cv2.resize(image, (33, 30), interpolation=getattr(cv2, n)) for n in names[:3]]
assert not np.array_equal(half[0], half[1]) and not np.array_equal(half[0], half[2])
PYTHON
