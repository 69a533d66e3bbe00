"""Table 3 of Putzky and Welling (2017): super-resolution by factors of 2, 3 and 4.

    python paper_experiments/table3_super_resolution.py

makes the 100 test images of BSDS-300 small with MATLAB's bicubic kernel, to the bit,
and large again: with that kernel, and with one RIM for all factors, whose forward model
is the kernel. Prints mean PSNR and SSIM, with standard errors, beside the reported
numbers, and writes `result.json`, `table.md`, `estimates.png`, `detail.png` and
`trajectory.html`.

The network has no strides but dilated convolutions (a trous), as the paper says. Its
layers are a guess: a ConvGRU of 100 features makes 502,558 parameters, and the paper's
network had about 500,000, as far as that is remembered.

`--method=FILE.py` measures a method of your own: its observation is the luminance of
the small image, 16 to 235 of 255, sigma is 0, and the forward model the bicubic kernel.

Expected, with the paper's RIM: 31.39, 28.51 and 27.01 dB; these were recalled and not
read again in a copy of the paper, which the table says, too.
"""

from paper_experiments.common import table
from paper_experiments.common.run import Outcome, begin_anew_if_asked, reproduce
from paper_experiments.common.wording import count

_COLOR = "luminance"
_WEIGHTS = "rim_super_resolution"
# The test set of the paper's table.
_SET = "100"
_PICTURES = ["estimates.png", "detail.png"]


def measure(run, test):
    from paper_experiments.common import durations, figures, super_resolution, weights
    from paper_experiments.common.kept_values import KeptValues
    from paper_experiments.common.method_files import Methods
    from rim_tf import trajectory

    methods = Methods(run.flags["method"])
    factors = super_resolution.FACTORS
    super_resolution.check_sizes(test)
    model, history = weights.load(run.flags["weights"] or _WEIGHTS, run, _COLOR)
    rim = weights.row_of("RIM", _WEIGHTS, history)
    begin_anew_if_asked(run)
    kept = KeptValues(run.values_folder)
    durations.announce_duration(model, test, _COLOR, run, len(factors), kept)
    reported = table.read_reported(run.script)
    notes = _notes(run, test, reported, rim, history)
    columns = [(metric, factor) for metric in ("psnr", "ssim") for factor in factors]
    headings = [f"{metric.upper()}: x{factor}" for metric, factor in columns]
    rows = table.Table(["mean ± standard error", *headings], 27, 15)
    # Photographs cannot be compared with what the paper reports.
    for name in reported["psnr"] if test.dataset == "bsds300" else ():
        remark = ", UNVERIFIED" if name in reported["unverified_rows"] else ""
        values = [(m, *reported[m][name][str(factor)]) for m, factor in columns]
        rows.add(f"{name}, reported{remark}", [_format(*value) for value in values])

    def add_measured(name, results, num_steps=table.PAPER_NUM_STEPS):
        records = super_resolution.to_measured(results, name, test)
        fields = [_format(r.metric, r.mean, r.standard_error) for r in records]
        rows.add(table.row_name(name, records, test, num_steps), fields)
        return records

    measured = add_measured("Bicubic", super_resolution.measure_bicubic(test))
    for row in list(methods.files):
        results = super_resolution.measure_method(methods, row, test)
        measured += add_measured(row, results) if results else []
    of_rim = super_resolution.measure_rim(model, test, run.num_steps, kept)
    measured += add_measured(rim, of_rim.results, run.num_steps)
    figures.save_estimates(of_rim.pictures, run.output_dir / _PICTURES[0])
    figures.save_detail(*of_rim.detail, run.output_dir / _PICTURES[1])
    trajectory.write(of_rim.trajectory, run.output_dir / figures.TRAJECTORY_FILE)

    def reported_psnr(record: table.Score) -> float | None:
        by_factor = reported["psnr"].get(record.model, {})
        return by_factor.get(str(record.condition["factor"]), [None])[0]

    verdicts = table.compare(measured, reported_psnr, test.dataset, run.num_steps)
    notes = [*verdicts, *methods.notes(measured, [rim], _column), *notes]
    notes += [figures.TRAJECTORY_NOTE, *kept.notes()]
    files = [*_PICTURES, figures.TRAJECTORY_FILE]
    histories = {rim: history}
    return Outcome(rows, notes, measured, reported, histories, files, methods)


def _column(score: table.Score) -> str:
    return f"{score.metric.upper()}: x{score.condition['factor']}"


def _format(metric: str, mean: float, standard_error: float | None) -> str:
    digits = 2 if metric == "psnr" else 4
    if standard_error is None:
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} ± {standard_error:.{digits}f}"


def _notes(run, test, reported, rim, history) -> list[str]:
    from paper_experiments.common import provenance

    ((name, ids),) = test.sets.items()
    return [
        *(f"* **{note}**" for note in test.notes),
        f"* Test set {name}: {count(len(ids), 'image')}. Luminance (16 to 235, 8 bits) "
        "without a border of `factor` pixels, PSNR in dB with peak 255. Small images: "
        "made as MATLAB does, to the bit.",
        f"* Reported numbers: {reported['source']}; {reported['provenance']}.",
        *(
            f"* **UNVERIFIED row: {row}, recalled, not read again in a copy of the "
            "paper.**"
            for row in reported["unverified_rows"]
        ),
        f"* {rim}, MEASURED: T = {run.num_steps}, {run.dtype}. "
        f"{provenance.training_note(history)}",
    ]


if __name__ == "__main__":
    reproduce(measure, use=["cell", "method", "shard"], test_set=_SET)
