"""Table 1 of Putzky and Welling (2017): denoising of colour images.

    python paper_experiments/table1_rgb_denoise.py

adds noise of sigma 25 to the test images of BSDS-300, clips it to [0, 255], rounds
it, and restores that with a RIM on three channels. Files and flags are those of
`table2_denoise.py`.

The paper does not say whether its RIM was trained on such observations. Ours is, on
noise of many levels, since this is the only test of it; the first of the shipped
weights' six trainings had noise that was neither clipped nor rounded. What that is
worth on grey images stands in the second half of Table 2.

Expected, with the paper's RIM: 30.84 dB on 68 images, 30.67 dB on 100. PSNR pools
the error over all pixels and channels of an image.
"""

from paper_experiments.common.conditions import DenoisingTable
from paper_experiments.common.run import DENOISING_FLAGS, reproduce

TABLE = DenoisingTable(
    color="rgb", sigmas=(25,), quantized=True, weights={"RIM": "rim_rgb_denoise"}
)


def measure(run, test):
    from paper_experiments.common import denoising

    return denoising.measure(TABLE, run, test)


if __name__ == "__main__":
    reproduce(measure, use=DENOISING_FLAGS, rows=TABLE.rows)
