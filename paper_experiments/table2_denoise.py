"""Table 2 of Putzky and Welling (2017): denoising of grey images, not quantised.

    python paper_experiments/table2_denoise.py

restores the test images of BSDS-300 at sigma 15, 25 and 50 with the shipped
weights, prints mean PSNR beside the reported numbers, and writes `result.json`,
`table.md` and `estimates.png`. With `--train` it trains the RIM first.

Expected, with the paper's RIM-denoise on 68 images: 31.31, 28.91 and 26.06 dB.
Time: about 10 s per image and noise level on two CPU cores; the script says how
long the whole will take before it starts. A quick look:

    python paper_experiments/table2_denoise.py --num_images=1 --num_steps=5

Deviations from the paper, or decisions where it is silent: the seeded sample of
training patches, the optimiser's schedule and the initial estimate; see README.md.
"""

from collections.abc import Mapping
from typing import Any

from paper_experiments import denoising, experiment, figures, image_sets, reporting
from rim_tf.problems import DenoisingProblem
from rim_tf.rim import RIM

_SCRIPT = "table2_denoise"
_SIGMAS = (15, 25, 50)
_COLOR = "gray"


def main() -> None:
    settings = experiment.start(_SCRIPT)
    test = experiment.load_test_images()
    denoise_model, history = experiment.obtain_model(
        settings,
        "rim_denoise",
        DenoisingProblem(experiment.max_sigma()),
        _COLOR,
        lambda: RIM(dtype=settings.dtype),
    )
    models = {
        "RIM-3task": experiment.load_if_shipped(settings, "rim_3task"),
        "RIM-denoise": denoise_model,
    }
    trained = [model for model in models.values() if model is not None]
    experiment.announce_duration(
        denoise_model, test, _COLOR, settings, len(_SIGMAS) * len(trained)
    )
    reported = reporting.read_reported(_SCRIPT)
    # Before the long work, so that nothing is lost to a history that says too little.
    notes = _notes(test, reported, history, settings)
    measured, lines, picture = _fill_table(models, test, settings, reported)
    lines += ["", *notes]
    figures.save_estimates(picture, settings.output_dir / "estimates.png")
    experiment.write_results(
        settings, test, measured, reported, {"RIM-denoise": history}, "\n".join(lines)
    )
    print("\n".join(lines[lines.index("") :]))
    print(
        f"\nWrote result.json, table.md and estimates.png to {settings.output_dir} "
        f"after {experiment.describe_seconds(settings.seconds)}."
    )


def _fill_table(
    models: Mapping[str, RIM | None],
    test: image_sets.TestImages,
    settings: experiment.Experiment,
    reported: Mapping[str, Any],
) -> tuple[list[reporting.Measured], list[str], list[figures.Restored]]:
    """Prints reported and measured rows as they are ready.

    Returns:
      What was measured, the lines of the table, and the rows of the picture.
    """
    sets = list(dict.fromkeys(["68", "100", *test.sets]))
    columns = [(name, sigma) for name in sets for sigma in _SIGMAS]
    table = reporting.Table(
        ["PSNR in dB", *(f"{name}: {sigma}" for name, sigma in columns)], 35
    )
    print("\n".join(table.lines))

    def add(name: str, values: Mapping[tuple[str, int], float]) -> None:
        print(table.add(name, [values.get(column) for column in columns]), flush=True)

    measured, picture = [], []
    for name, values in reported["rows"].items():
        add(
            f"{name}, reported",
            {(s, int(k)): v for s, row in values.items() for k, v in row.items()},
        )
        if name not in models:
            continue
        if models[name] is None:
            add(f"{name}, MEASURED: no weights yet", {})
            continue
        records, rows = _measure(name, models[name], test, settings)
        measured += records
        picture = rows
        add(
            f"{name}, MEASURED",
            {(r.test_set, r.condition["sigma"]): r.mean for r in records},
        )
    add(
        "noisy observation, MEASURED",
        {(r.test_set, r.condition["sigma"]): r.observation_mean for r in records},
    )
    return measured, table.lines, picture


def _measure(
    name: str,
    model: RIM,
    test: image_sets.TestImages,
    settings: experiment.Experiment,
) -> tuple[list[reporting.Measured], list[figures.Restored]]:
    records, rows = [], []
    for sigma in _SIGMAS:
        result = denoising.denoise(
            model, test, sigma, settings, _COLOR, f"{name}, sigma {sigma}"
        )
        records += denoising.to_measured(result, name, test, sigma)
        rows.append(result.picture)
    return records, rows


def _notes(
    test: image_sets.TestImages,
    reported: Mapping[str, Any],
    history: Mapping[str, Any],
    settings: experiment.Experiment,
) -> list[str]:
    """Says what a reader must know to compare the numbers."""
    sizes = ", ".join(f"{name}: {len(ids)}" for name, ids in test.sets.items())
    return [
        *(f"* **{note}**" for note in test.notes),
        f"* Columns are `test set: sigma`. Images measured: {sizes}. Mean over images "
        "of the PSNR of the estimate clipped to [0, 1], not rounded.",
        f"* Reported numbers: {reported['source']}; {reported['provenance']}.",
        f"* RIM-denoise measured: T = {settings.num_steps}, seed {settings.seed}, "
        f"{settings.dtype}. {_training_note(history)}",
    ]


def _training_note(history: Mapping[str, Any]) -> str:
    """Says how the weights were trained, beside what the paper did."""
    schedule = history.get("settings", {}).get("steps_schedule", [])
    steps = ", ".join(
        f"{t} for {share:.0%} of the computation" for t, share in schedule
    )
    if len(schedule) == 1:
        steps = str(schedule[0][0])
    return (
        f"Trained on {history.get('patches_seen', 0):,} patches of "
        f"{history.get('data', 'unknown data')} in "
        f"{experiment.describe_seconds(history.get('seconds', 0))} (the paper: about "
        f"800,000 patches), with T = {steps or 'unknown'} (the paper: 20)."
    )


if __name__ == "__main__":
    experiment.run(main)
