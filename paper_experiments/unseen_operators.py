"""Forward models that no model saw: the promise of Putzky and Welling (2017), measured.

    python paper_experiments/unseen_operators.py

restores five test images of BSDS-300 from what twelve forward models made of them, with
one network for all of them, and beside them from A = x, x / 2 and 3 x. Of six, RIM-any
was trained on other members of the family: *family seen, draw new*; six have no like in
any training: *never seen*. Prints mean PSNR, and writes
`result.json`, `table.md` and `forward_models.png`. The paper has no such table.

The RIMs are compared with classics, whose strengths are tuned on the truth, and with
plug-and-play half-quadratic splitting around the RIM that removes noise. Estimates of
t = 10, 20 and 50 are of one run. Values are kept as they are made: the same command
goes on with an interrupted run. With --num_images=1 it takes some ten minutes.
`--method=FILE.py` measures a method of your own; it raises a `NotImplementedError`
where it is not for the forward model.
"""

from paper_experiments.common import forward_model_names as names
from paper_experiments.common import table
from paper_experiments.common.run import Outcome, reproduce
from paper_experiments.common.wording import count, describe_seconds

# A row of the table; that of --weights is the first.
_RIMS = {
    names.ANY: "rim_any",
    "RIM-3task": "rim_3task",
    names.DENOISER: "rim_denoise",
}
_PICTURE = "forward_models.png"
# From which t on a fall counts as a drift.
_SETTLED = 20


def measure(run, test):
    from paper_experiments.common import method_files, provenance, weights
    from paper_experiments.unseen import measurement, methods, pictures
    from paper_experiments.unseen.problems import OPERATORS

    loaded = {}
    for row, usual in _RIMS.items():
        asked = None if loaded else run.flags["weights"]
        model, history = weights.load(asked or usual, run, "gray")
        loaded[weights.row_of(row, usual, history)] = model, history
    models = {row: model for row, (model, _) in loaded.items()}
    histories = {row: history for row, (_, history) in loaded.items()}
    asked = method_files.Methods(run.flags["method"], may_decline=True)
    ways = methods.all_of(models, models[names.DENOISER], run.num_steps, asked)
    folder = run.values_folder
    measured = measurement.Measurement(test, ways, run.seed, folder, OPERATORS)
    measured.check_sizes()
    _announce(run, measured, models[names.DENOISER])
    found = measured.run()
    records = measurement.to_measured(found, test, OPERATORS)
    made = {record.model for record in records}
    columns = [column for way in ways for column in way.columns]
    rows = _table(records, [column for column in columns if column in made])
    first = next(iter(test.images))
    settled = names.column(next(iter(models)), min(_SETTLED, run.num_steps))
    pictures.save(
        {o.title: found[first, o.name] for o in OPERATORS},
        measured.clean(first),
        settled,
        run.output_dir / _PICTURE,
    )
    commits = frozenset().union(*(kept.commits for kept in found.values()))
    notes = [
        *_findings(records, models, run.num_steps),
        *asked.notes(records, [settled], lambda r: r.condition["forward_model"]),
        "",
        *(f"* **{note}**" for note in test.notes),
        *_notes(run, test),
        *(
            f"* {row}: {provenance.training_note(history)}"
            for row, history in histories.items()
        ),
        *provenance.note_on_commits(commits),
    ]
    return Outcome(rows, notes, records, {}, histories, [_PICTURE], asked)


def _table(records, columns) -> table.Table:
    """Returns the table: a row for each forward model."""
    from paper_experiments.unseen.problems import OPERATORS

    rows = table.Table(["PSNR in dB", "sigma", *columns], 45)
    for operator in OPERATORS:
        means = {
            r.model: r.mean
            for r in records
            if r.condition["forward_model"] == operator.title
        }
        name = f"{operator.title}: {operator.origin}"
        rows.add(name, [f"{operator.sigma:g}", *map(means.get, columns)])
    return rows


def _announce(run, measured, model) -> None:
    """Says how long the rest takes."""
    import numpy as np

    from paper_experiments.common import durations
    from paper_experiments.common.run import begin_anew_if_asked

    begin_anew_if_asked(run)
    pixel_steps = measured.pixel_steps()
    seconds = 0.0
    if pixel_steps:
        clean = measured.clean(next(iter(measured.test.images)))
        seconds = durations.seconds_per_pixel_step(model, clean[np.newaxis])
    print(
        f"{count(len(measured.operators), 'forward model')} of "
        f"{count(len(measured.test.images), 'image')}: what is not measured yet takes "
        f"about {describe_seconds(seconds * pixel_steps)}. {run.how_to_go_on}"
        + " For a quick look: --num_images=1." * (run.flags["num_images"] is None)
        + "\n"
    )


def _findings(records, rows, num_steps) -> list[str]:
    """Says of each RIM where it is above the others, and how far it falls."""
    from paper_experiments.unseen.problems import BESIDE

    means: dict[str, dict[str, float]] = {}
    for record in records:
        if record.condition["origin"] != BESIDE:
            of_model = means.setdefault(record.condition["forward_model"], {})
            of_model[record.model] = record.mean
    t = min(_SETTLED, num_steps)
    said = []
    for row in rows:
        now, last = (names.column(row, step) for step in (t, num_steps))
        over_classics = sum(
            psnr[now] > max(psnr[name] for name in names.CLASSICS if name in psnr)
            for psnr in means.values()
        )
        over_pnp = sum(p[now] > p[names.PLUG_AND_PLAY] for p in means.values())
        said.append(
            f"* {row}, t = {t}: above the best classic on {over_classics} of the "
            f"{len(means)}, above plug-and-play on {over_pnp}."
        )
        if num_steps > _SETTLED:
            title = max(means, key=lambda name: means[name][now] - means[name][last])
            fall = means[title][now] - means[title][last]
            said[-1] += f" Largest fall up to t = {num_steps}: {fall:.2f} dB, {title}."
    return said


def _notes(run, test) -> list[str]:
    """Says what a reader must know to compare the numbers."""
    return [
        f"* {count(len(test.images), 'image')}, grey, cut to multiples of 3 pixels; "
        "sigma of the noise in the unit of y, of 255. Mean over images of the PSNR of "
        "estimates clipped to [0, 1], not rounded.",
        "* Observation: y of a blur, else what the RIM starts from: Aᵀy with the scale "
        "of A taken out, of bicubic x 3 its up-sampling.",
        "* Wiener, biharmonic: scikit-image. TV: its total variation in half-quadratic "
        "splitting. Wiener and TV are tuned on each true image: upper bounds.",
        f"* PnP: half-quadratic splitting around {names.DENOISER}, nothing tuned.",
        f"* RIMs: one run of T = {run.num_steps} each, seed {run.seed}, {run.dtype}.",
    ]


if __name__ == "__main__":
    reproduce(
        measure,
        use=["cell", "method"],
        num_steps=50,
        test_set=names.TEST_SET,
        test_ids=names.TEST_IDS,
    )
