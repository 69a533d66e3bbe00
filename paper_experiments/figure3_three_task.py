"""Figures 3 and 4 of Putzky and Welling (2017): one model for three tasks.

    python paper_experiments/figure3_three_task.py

compares the RIM with a network without the current estimate (GDN) and one without
memory (FFN), trained alike on Gaussian, binary and Fourier projections, never on
denoising, and tested on these and on inpainting, which they never saw. Draws PSNR
over the steps (`figure3.png`, in numbers `curves.csv`), up to t = 50 where training
stopped at t = 20, and the estimates over time (`figure4.png`), and says of each of the
paper's findings whether it is reproduced.

The weights are those of the paper's recipe: `train.py rim_3task_paper gdn_3task_paper
ffn_3task_paper` trains all three. --weights=rim_tf/weights takes the three that saw ten
times as many patches, by another recipe.

p and the reading of sigma are our choice: sigma = 1 of the paper is 1/32 here, about
8/255, see `RandomProjection`, and has other readings (RESULTS.md). The paper's
5,000 test patches take some 4 hours on two CPU cores; the same command goes on with an
interrupted test. --num_test_patches=200, the first of the same patches, take ten
minutes. A quick look, which decides nothing: --dataset=embedded
--num_test_patches=8 --num_steps=22. What happens after t = 20 is judged with
--num_steps=30 or more.
"""

import numpy as np
from absl import flags

from paper_experiments.common import table
from paper_experiments.common.run import Outcome, reproduce
from paper_experiments.common.wording import count, describe_seconds

_NUM_TEST_PATCHES = flags.DEFINE_integer(
    "num_test_patches", 5000, "Patches of the test images.", lower_bound=1
)

_WEIGHTS = {"RIM": "rim_3task", "GDN": "gdn_3task", "FFN": "ffn_3task"}
# The findings are differences of means over patches, some of them of 0.1 dB.
_FEWEST_PATCHES = 100


def measure(run, test):
    from paper_experiments.common import provenance
    from paper_experiments.figure3 import findings, measurement, pictures

    images = measurement.to_gray(test)
    models, histories = _load_models(run)
    patches = measurement.draw_patches(images, _NUM_TEST_PATCHES.value, run.seed)
    measured = measurement.measure(models, patches, run)
    curves = measurement.to_curves(measured.psnr, models)
    last = findings.last_step(curves)
    steps = list(dict.fromkeys([min(findings.TRAINED_STEPS, last), last]))
    rows = table.Table(
        ["PSNR in dB", *(f"{row}: t = {t}" for row in models for t in steps)], 25
    )
    for panel, by_model in curves.items():
        values = [float(by_model[row].mean[t]) for row in models for t in steps]
        rows.add(panel.title, values)
    image_numbers = patches.images_of(np.arange(len(patches)))
    found = []
    judged = [
        f"* **Too few patches to judge the paper's findings: take {_FEWEST_PATCHES} or "
        "more.**"
    ]
    if len(patches) >= _FEWEST_PATCHES:
        found = findings.judge(curves, image_numbers)
        judged = findings.describe(found, curves)
    notes = [
        *judged,
        "",
        *(f"* **{note}**" for note in test.notes),
        f"* {count(len(patches), 'patch', 'patches')} from "
        f"{count(len(np.unique(image_numbers)), 'image')} of {test.dataset}, sigma = "
        f"1/32, seed {run.seed}, {run.dtype}; measured in "
        f"{describe_seconds(measured.seconds)}; ± is the standard error for other "
        "images.",
        *(
            f"* {row}: {models[row].count_params():,} parameters. "
            f"{provenance.training_note(history)}"
            for row, history in histories.items()
        ),
        "* The FFN has eight times fewer parameters than the others.",
        *provenance.note_on_commits(measured.commits),
    ]
    names = pictures.save(curves, image_numbers, models, images[0], run)
    records = measurement.to_measured(curves, test.dataset, steps)
    of_result = {"findings": [finding._asdict() for finding in found]}
    return Outcome(rows, notes, records, {}, histories, names, more=of_result)


def _load_models(run):
    """Returns the models, and the histories of their weights, by their rows."""
    from paper_experiments.common import weights
    from rim_tf.cells import FFNCell, GDNCell, RIMCell

    cells = {"RIM": RIMCell, "GDN": GDNCell, "FFN": FFNCell}
    names = {name: f"{name}_paper" for name in _WEIGHTS.values()}
    if run.flags["weights"]:
        names = weights.find_in_folder(run.flags["weights"], names)
    loaded = {
        row: weights.load(names[name], run, "gray", cells[row])
        for row, name in _WEIGHTS.items()
    }
    models = {row: model for row, (model, _) in loaded.items()}
    return models, {row: history for row, (_, history) in loaded.items()}


if __name__ == "__main__":
    reproduce(measure, num_steps=50)
