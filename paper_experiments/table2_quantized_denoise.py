"""Table 2 of Putzky and Welling (2017), second half: 8-bit grey observations.

    python paper_experiments/table2_quantized_denoise.py

adds noise to the test images of BSDS-300, clips it to [0, 255], rounds it, and
restores that: with RIM-denoise, which never saw such observations, as in the paper;
and, beyond the paper, with a RIM whose training went on with clipped and rounded
observations, the "further training" that the paper suggests, which `train.py
rim_denoise_quantized` trains. RIM-denoise is measured now; of the others, with
BSDS-300, the values of an earlier run are shown, and --rows=all measures them.

Files, times and flags are those of `table2_denoise.py`. Expected, with
RIM-denoise of the paper's ICLR 2017 submission on 68 images: 31.25, 28.76 and 25.27 dB.
"""

from paper_experiments.common.conditions import DenoisingTable
from paper_experiments.common.run import DENOISING_FLAGS, reproduce

TABLE = DenoisingTable(
    color="gray",
    sigmas=(15, 25, 50),
    quantized=True,
    weights={
        "RIM-denoise": "rim_denoise",
        "RIM-denoise-paper": "rim_denoise_paper",
        "RIM-denoise-quantized (ours)": "rim_denoise_quantized",
        "RIM-3task": "rim_3task",
        "RIM-3task-paper": "rim_3task_paper",
    },
)


def measure(run, test):
    from paper_experiments.common import denoising

    return denoising.measure(TABLE, run, test)


if __name__ == "__main__":
    reproduce(measure, use=DENOISING_FLAGS, rows=TABLE.rows)
