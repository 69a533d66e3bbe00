#!/usr/bin/env bash
# SciPy 1.17.1: `ndimage.zoom` of a constant image has a black last row at some sizes.
#
# Expected: an image whose pixels are all 100 stays so, whatever its size becomes. Found:
# of 600 heights that are made 2, 3 and 4 times smaller, the last row is 0 at 32. The
# position of the last new row is rounded to a little beyond the last old one, and
# beyond the border the mode "constant", which is the default, has zeros. The mode
# "nearest" has no such row.
#
# What follows: small images that are made by it are to be looked at, or made with
# mode="nearest"; and its grid is another than MATLAB's.
#
# Needs a network for the installation; runs for half a minute. Exit code 0: as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import scipy
from scipy import ndimage


def bad_heights(mode: str) -> list[tuple[int, int]]:
    found = []
    for factor in (2, 3, 4):
        for height in range(8 * factor, 8 * factor + 200):
            scale = height // factor / height
            image = np.full((height, 4), 100.0)
            small = ndimage.zoom(image, (scale, 1), order=3, mode=mode)
            if abs(small - 100).max() > 1:
                assert (small[-1] == 0).all() and abs(small[:-1] - 100).max() < 1e-6
                found.append((factor, height))
    return found


print("SciPy", scipy.__version__)
found = bad_heights("constant")
print(len(found), "of 600 have a last row of 0; factor and height:", found[:3])
print("With mode='nearest':", len(bad_heights("nearest")))
# Output seen: 32 of 600, first (2, 28), (2, 30), (2, 32); then 0.
assert len(found) == 32 and not bad_heights("nearest")
PYTHON
