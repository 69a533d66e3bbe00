"""Table 1 of Putzky and Welling (2017): denoising of colour images.

    python paper_experiments/table1_rgb_denoise.py

adds noise of sigma 25 to the test images of BSDS-300, clips it to [0, 255], rounds
it, and restores that with a RIM on three channels. Files and flags are those of
`table2_denoise.py`.

The paper does not say whether its RIM was trained on such observations. Ours is, at
all noise levels up to 55, since this is the only test of it; the first of the shipped
weights' six stages had noise that was neither clipped nor rounded. The second half of
Table 2 shows what that is worth on grey images.

Expected, with the RIM of the paper's ICLR 2017 submission, which had batch
normalisation: 30.84 dB on 68 images, 30.67 dB on 100. PSNR pools the error over all
pixels and channels of an image. What the shipped weights reach, and how they were
trained, is in RESULTS.md and TRAINING.md. `train.py rim_rgb_denoise_paper` trains by
the paper's recipe.
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
