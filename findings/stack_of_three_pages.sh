#!/usr/bin/env bash
# tifffile 2026.3.3, scikit-image 0.26.0: a stack of three grey pages becomes a colour image.
#
# Expected: an array (3, height, width) is written as three grey pages, and read as it was
# written. Found, twice: `tifffile.imwrite` makes one page of it, red, green and blue, as
# long as `photometric` is not given; five pages are five pages. And a file that does have
# three grey pages is read by `skimage.io.imread` as (height, width, 3), by Pillow as
# three frames. With four pages there is transparency as well.
#
# What follows: a denoiser for colour images then mixes three moments, or three depths.
# Give `photometric="minisblack"`, and read with tifffile.
#
# Needs a network for the installation; runs for under a minute. Exit code 0: as
# described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q \
    tifffile==2026.3.3 scikit-image==0.26.0 pillow==13.0.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import skimage.io
import tifffile
from PIL import Image

print("tifffile", tifffile.__version__, "scikit-image", skimage.__version__)
found = []
for number in (3, 4, 5):
    stack = np.zeros((number, 64, 48), np.uint8)
    tifffile.imwrite("default.tif", stack)
    with tifffile.TiffFile("default.tif") as file:
        kind = file.pages[0].photometric.name, len(file.pages)
    tifffile.imwrite("pages.tif", stack, photometric="minisblack")
    with Image.open("pages.tif") as image:
        frames = image.n_frames
    found.append((*kind, frames, skimage.io.imread("pages.tif").shape))
    print(f"{number} pages: written as {kind[0]} in {kind[1]} page(s); as grey pages "
          f"Pillow reads {frames} frames, scikit-image {found[-1][-1]}")
# Output seen: RGB in 1, 3 frames, (64, 48, 3); RGB in 1, 4 frames, (64, 48, 4);
# MINISBLACK in 5, 5 frames, (5, 64, 48).
assert found == [
    ("RGB", 1, 3, (64, 48, 3)),
    ("RGB", 1, 4, (64, 48, 4)),
    ("MINISBLACK", 5, 5, (5, 64, 48)),
]
PYTHON
