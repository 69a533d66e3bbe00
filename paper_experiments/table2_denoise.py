"""Table 2 of Putzky and Welling (2017): denoising of grey images, not quantised.

    python paper_experiments/table2_denoise.py

restores the test images of BSDS-300 at sigma 15, 25 and 50 with the shipped
weights, prints mean PSNR beside the reported numbers, and writes `result.json`,
`table.md`, `estimates.png`, `detail.png`, and `trajectory.html`, a page for a browser.
RIM-denoise is measured now; of the other RIMs, with BSDS-300, the values of an earlier
run are shown, and `--rows=all` measures them. `--method=bm3d`, or a file of your own
with a function `restore`, measures rivals on the same observations; `baselines/` has
ours, and `--rows=none` leaves RIMs out.

Expected, with RIM-denoise of the paper's ICLR 2017 submission, which had batch
normalisation, on 68 images: 31.31, 28.91 and 26.06 dB. Time: 2 to 23 s per image, noise
level and model on two CPU cores (PERFORMANCE.md); the script says how long the whole
will take before it starts. A quick look:

    python paper_experiments/table2_denoise.py --num_images=1 --num_steps=5

The shipped weights were not trained by the paper's recipe: with fewer patches, a
growing T, Muon, and at last some larger patches (TRAINING.md). Where the paper is
silent, RESULTS.md has a ledger of decisions. Weights trained anew, by `train.py
rim_denoise_paper` for instance, are tested with `--weights`.
"""

from paper_experiments.common.conditions import DenoisingTable
from paper_experiments.common.run import DENOISING_FLAGS, reproduce

TABLE = DenoisingTable(
    color="gray",
    sigmas=(15, 25, 50),
    quantized=False,
    weights={
        "RIM-denoise": "rim_denoise",
        "RIM-denoise-paper": "rim_denoise_paper",
        "RIM-3task": "rim_3task",
        "RIM-3task-paper": "rim_3task_paper",
    },
)


def measure(run, test):
    from paper_experiments.common import denoising

    return denoising.measure(TABLE, run, test)


if __name__ == "__main__":
    reproduce(measure, use=DENOISING_FLAGS, rows=TABLE.rows)
