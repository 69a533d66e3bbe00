"""Table 2 of Putzky and Welling (2017), second half: 8-bit grey observations.

    python paper_experiments/table2_quantized_denoise.py

adds noise to the test images of BSDS-300, clips it to [0, 255], rounds it, and
restores that: with RIM-denoise, which never saw such observations, as in the paper;
and, beyond the paper, with a RIM whose training went on with clipped and rounded
observations, the "further training" that the paper suggests. `--weights` and
`--train` are about the latter:

    python paper_experiments/table2_quantized_denoise.py --train \
        --initial_weights=rim_denoise

Files, times and flags are those of `table2_denoise.py`. Expected, with the paper's
RIM-denoise on 68 images: 31.25, 28.76 and 25.27 dB.
"""

from paper_experiments import denoising_table, experiment

TABLE = denoising_table.DenoisingTable(
    script="table2_quantized_denoise",
    color="gray",
    sigmas=(15, 25, 50),
    quantized=True,
    model="RIM-denoise-quantized (ours)",
    weights="rim_denoise_quantized",
    trained_on_quantized=True,
    others={"RIM-3task": "rim_3task", "RIM-denoise": "rim_denoise"},
)


def main() -> None:
    denoising_table.reproduce(TABLE)


if __name__ == "__main__":
    experiment.run_script(main)
