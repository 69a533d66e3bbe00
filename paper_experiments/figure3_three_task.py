"""Figures 3 and 4 of Putzky and Welling (2017): one model for three tasks.

    python paper_experiments/figure3_three_task.py

compares the RIM with a network without the current estimate (GDN) and one without
memory (FFN), trained alike on Gaussian, binary and Fourier projections, never on
denoising, and tested on these and on inpainting, which they never saw. Draws PSNR
over the steps (`figure3.png`, in numbers `curves.csv`), up to t = 50 where training
stopped at t = 20, and the estimates over time (`figure4.png`), and says of each of the
paper's findings whether it is reproduced. With `--train` it trains all three first.

sigma = 1 of the paper is 1/32 here, about 8/255: see `RandomProjection`. The paper's
5,000 test patches take some 4 hours on two CPU cores; the same command goes on with an
interrupted test. --num_test_patches=200, the first of the same patches, take ten
minutes. A quick look, which decides nothing: --dataset=embedded
--num_test_patches=8 --num_steps=22. What happens after t = 20 is judged with
--num_steps=30 or more.
"""

import csv
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from paper_experiments import (
    experiment,
    figures,
    findings,
    image_sets,
    model_training,
    reporting,
    three_task,
    trained_models,
)
from paper_experiments.user_errors import UserError
from rim_tf import files
from rim_tf.cells import FFNCell, GDNCell, RIMCell
from rim_tf.forward_models import Blur, FourierProjection, Inpainting
from rim_tf.problems import ThreeTaskProblem
from rim_tf.rim import RIM
from rim_tf.training.patches import PatchSet

_NUM_TEST_PATCHES = flags.DEFINE_integer(
    "num_test_patches", 5000, "Patches of the test images.", lower_bound=1
)

_SCRIPT = "figure3_three_task"
_CURVES_FILE = "curves.csv"
_BATCHES_FOLDER = "measured"
_COLOR = "gray"
_NUM_STEPS = 50
_CELLS = {"RIM": RIMCell, "GDN": GDNCell, "FFN": FFNCell}
_WEIGHTS = {"RIM": "rim_3task", "GDN": "gdn_3task", "FFN": "ffn_3task"}
_IMAGE_SIZE = 128
_BLUR_SIGMA = 1.6
# The findings are differences of means over patches, some of them of 0.1 dB.
_FEWEST_PATCHES = 100
_SHOWN_STEPS = (0, 1, 3, 10, 20, 50)


def main() -> None:
    run = trained_models.start(_SCRIPT)
    test = experiment.load_test_images()
    images = _to_gray(test)
    models, histories = _obtain_models(run)
    # A smaller number of patches is a part of a larger one.
    patches = PatchSet(
        images, three_task.PATCH_SIZE, 4, _NUM_TEST_PATCHES.value, run.seed
    )
    image_numbers = patches.images_of(np.arange(len(patches)))
    measured = _measure(models, patches.to_numpy(), run)
    curves = three_task.to_curves(measured.psnr, models)
    num_patches = reporting.count(len(patches), "patch", "patches")
    num_images = reporting.count(len(np.unique(image_numbers)), "image")
    lines = [
        *_table(curves),
        "",
        *findings.judge(curves, image_numbers),
        *_warning(len(patches)),
        "",
        *(f"* **{note}**" for note in test.notes),
        f"* {num_patches} from {num_images} of {test.dataset}, sigma = 1/32, seed "
        f"{run.seed}, {run.dtype}; ± is the standard error for other images.",
        *(
            f"* {row}: {models[row].count_params():,} parameters. "
            f"{reporting.training_note(history)}"
            for row, history in histories.items()
        ),
        "* The FFN has eight times fewer parameters than the others.",
        *_note_on_commits(measured.commits),
    ]
    text = "\n".join(lines)
    print(text)
    _write_curves(curves, run.output_dir / _CURVES_FILE)
    figures.save_curves(curves, run.output_dir / "figure3.png")
    _save_figure4(models, images[0], run)
    experiment.write_results(
        run, test, _to_measured(curves, test.dataset), {}, histories, text
    )
    print(
        f"\nWrote result.json, table.md, {_CURVES_FILE}, figure3.png and figure4.png "
        f"to {run.output_dir}; measuring took "
        f"{reporting.describe_seconds(measured.seconds)}."
    )


def _obtain_models(
    run: experiment.Experiment,
) -> tuple[dict[str, RIM], dict[str, dict[str, Any]]]:
    """Returns the models, and the histories of their weights, by their rows."""
    obtained = trained_models.obtain_models(
        run,
        ThreeTaskProblem(max_sigma=model_training.max_sigma()),
        _COLOR,
        {
            _WEIGHTS[row]: lambda cell=cell: RIM(cell(dtype=run.dtype), dtype=run.dtype)
            for row, cell in _CELLS.items()
        },
    )
    models = {row: obtained[name][0] for row, name in _WEIGHTS.items()}
    histories = {row: obtained[name][1] for row, name in _WEIGHTS.items()}
    return models, histories


def _measure(
    models: Mapping[str, RIM], patches: np.ndarray, run: experiment.Experiment
) -> three_task.Outcome:
    """Measures what Figure 3 shows; says before how long it takes."""
    measurement = three_task.Measurement(
        models,
        patches,
        run.num_steps,
        run.seed,
        run.output_dir / _BATCHES_FOLDER,
    )
    if experiment.overwrites():
        experiment.delete_results(run.output_dir, measurement.folder)
    num_kept = measurement.num_kept()
    takes = (
        f", {num_kept} of them done before; the rest takes" if num_kept else " takes"
    )
    print(
        f"Testing with {reporting.count(run.num_steps, 'step')} on "
        f"{reporting.count(len(patches), 'patch', 'patches')}"
        f"{takes} about "
        f"{reporting.describe_seconds(measurement.estimate_seconds())}. "
        f"{experiment.how_to_go_on()} For a quick look: --num_test_patches=8 "
        "--num_steps=22."
    )
    return measurement.run()


def _note_on_commits(commits: frozenset[str]) -> list[str]:
    if len(commits) < 2:
        return []
    return [
        "* **Measured by several versions of the program**, whose commits are "
        f"{', '.join(sorted(commits))}; --overwrite measures all by one."
    ]


def _warning(num_patches: int) -> list[str]:
    if num_patches >= _FEWEST_PATCHES:
        return []
    return [f"* **So few patches decide nothing: take {_FEWEST_PATCHES} or more.**"]


def _to_gray(test: image_sets.TestImages) -> list[np.ndarray]:
    """Returns the images that have room for a patch, `(height, width, 1)` uint8.

    Raises:
      UserError: If there is none.
    """
    size = three_task.PATCH_SIZE
    large = [im for im in test.images.values() if min(im.shape[:2]) >= size]
    if not large:
        raise UserError(
            f"--images: no image is as large as a patch; give images of {size}x{size} "
            "pixels or more."
        )
    return [
        np.uint8(np.rint(255 * experiment.to_unit_range(image, _COLOR)))
        for image in large
    ]


def _steps_of_table(curves: Mapping) -> list[int]:
    """Returns t = 20 and the last t."""
    last = findings.last_step(curves)
    return list(dict.fromkeys([min(findings.TRAINED_STEPS, last), last]))


def _table(curves: Mapping) -> list[str]:
    steps = _steps_of_table(curves)
    table = reporting.Table(
        ["PSNR in dB", *(f"{row}: t = {t}" for row in _CELLS for t in steps)], 25
    )
    for panel, by_model in curves.items():
        values = [float(by_model[row].mean[t]) for row in _CELLS for t in steps]
        table.add(panel.title, values)
    return table.lines


def _to_measured(curves: Mapping, dataset: str) -> list[reporting.Measured]:
    """Returns what stands in the table, with the value of each patch.

    Patches are numbered as they were drawn.
    """
    return [
        reporting.Measured(
            model=row,
            test_set=dataset,
            condition={"task": panel.task, "p": panel.fraction, "t": t},
            metric="psnr",
            mean=float(curve.mean[t]),
            num_images=curve.psnr.shape[1],
            per_image={
                f"patch {number}": round(float(value), 3)
                for number, value in enumerate(curve.psnr[t])
            },
        )
        for panel, by_model in curves.items()
        for row, curve in by_model.items()
        for t in _steps_of_table(curves)
    ]


def _write_curves(curves: Mapping, path: Path) -> None:
    """Writes what Figure 3 shows, of every t."""
    with files.replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["task", "p", "model", "t", "mean", "standard_deviation"])
        for panel, by_model in curves.items():
            for row, curve in by_model.items():
                values = zip(curve.mean, curve.deviation, strict=True)
                for t, (mean, deviation) in enumerate(values):
                    numbers = [f"{mean:.3f}", f"{deviation:.3f}"]
                    writer.writerow([panel.task, panel.fraction, row, t, *numbers])


def _save_figure4(
    models: Mapping[str, RIM], image: np.ndarray, run: experiment.Experiment
) -> None:
    """Draws the estimates over time of the middle of an image."""
    clean = _middle(image) / np.float32(255)
    operator_seed = three_task.operator_seed(run.seed, 0)
    tasks = {
        "Fourier, p = 0.4": _fourier_projection_with_mean(
            clean.shape[:2], 0.4, run.seed
        ),
        "inpainting, p = 0.4": Inpainting.random(clean.shape[:2], 0.4, operator_seed),
        f"blur of {_BLUR_SIGMA} pixels": Blur(_gaussian_kernel()),
    }
    rows = []
    for task, forward_model in tasks.items():
        observation = three_task.observe(clean[None], forward_model, run.seed, 0)
        for row, model in models.items():
            over_time = three_task.estimates(
                model, observation, forward_model, run.num_steps
            )
            shown = {t: over_time[t][0] for t in _SHOWN_STEPS if t < len(over_time)}
            rows.append(figures.Restored(f"{task}\n{row}", clean, None, shown))
    figures.save_estimates(rows, run.output_dir / "figure4.png")


def _fourier_projection_with_mean(
    shape: tuple[int, int], p: float, seed: int
) -> FourierProjection:
    """Returns a projection that keeps the first coefficient, the mean of the image.

    Without it an estimate can be of any brightness, and looks like a failure.
    """
    projections = (
        FourierProjection.random(shape, p, three_task.operator_seed(seed, number))
        for number in itertools.count()
    )
    return next(
        projection
        for projection in projections
        if np.asarray(projection.mask).ravel()[0]
    )


def _middle(image: np.ndarray) -> np.ndarray:
    """Returns the middle of an image: a square of at most 128 x 128 pixels."""
    height, width = image.shape[:2]
    size = min(_IMAGE_SIZE, height, width) // 2 * 2
    top, left = (height - size) // 2, (width - size) // 2
    return image[top : top + size, left : left + size]


def _gaussian_kernel() -> np.ndarray:
    line = np.exp(-(np.arange(-4, 5) ** 2) / (2 * _BLUR_SIGMA**2))
    kernel = np.outer(line, line)
    return np.float32(kernel / kernel.sum())


if __name__ == "__main__":
    experiment.set_default_num_steps(_NUM_STEPS)
    experiment.run_script(main, without=["baselines"])
