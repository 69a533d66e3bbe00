"""Why another number? What each choice of a protocol of measurement costs, in dB.

    python paper_experiments/protocol.py

measures denoising at sigma 25 and super-resolution by 2, 3 and 4 once as this project
does, and then each time with one step made differently: the JPEG decoder, the grey, how
noise is drawn and stored, what is clipped and rounded before PSNR, which library makes
images small, how many steps a network makes. Prints the change of the mean, with its
standard error over images, for a classical baseline (total variation, bicubic) and for
the networks. Writes `result.json`, `table.md` and `choices.png`, the largest change
first. The paper has no such table.

Baselines are measured on the 68 images, networks on the first 20, and the choices of
restoring on half of these, which takes hours on two cores; --network_images=0 measures
baselines only, --num_images=1 is a quick look. Values are kept as they are made: the
same command goes on with an interrupted run, or with one that --minutes stopped, and
with KERAS_BACKEND=jax it adds the row of JAX. Choices of a library that is missing are
rows "not installed".

--keep puts the values into `numbers/protocol/`. --write measures nothing: it makes the
tables of WHY_ANOTHER_NUMBER.md from there.
"""

from absl import flags

from paper_experiments.choices.names import GROUPS
from paper_experiments.common import table
from paper_experiments.common.errors import UserError
from paper_experiments.common.run import Outcome, begin_anew_if_asked, reproduce
from paper_experiments.common.wording import count

flags.DEFINE_list("groups", list(GROUPS), f"Groups of choices: {', '.join(GROUPS)}.")
flags.DEFINE_integer(
    "network_images",
    20,
    "Measure networks on the first N images; 0 measures baselines only.",
    lower_bound=0,
)
flags.DEFINE_float(
    "minutes",
    None,
    "Stop measuring after so many minutes, and show what is known; 0 measures nothing.",
    lower_bound=0.0,
)
flags.DEFINE_bool(
    "keep", False, "Put the values of BSDS-300 into numbers/protocol/, when done."
)
flags.DEFINE_bool(
    "write", False, "Only make the tables of WHY_ANOTHER_NUMBER.md from those numbers."
)
_DENOISER, _ENLARGER = "rim_denoise", "rim_super_resolution"
# Whose choices are measured, of BSDS-300.
_SET = "68"
_CHART = "choices.png"
_NUMBERS = "bsds300"


def measure(run, test):
    from paper_experiments.choices import document, groups, summary

    measured, histories = _measurement(run, test)
    begin_anew_if_asked(run)
    print(
        f"{count(len(measured.missing()), 'value')} are not measured yet. "
        f"{run.how_to_go_on}\n"
    )
    numbers = summary.Numbers(
        measured.run(run.flags["minutes"]),
        measured.made_by(),
        test.sets,
        _about(run, test),
    )
    lines = {group: numbers.lines(group) for group in groups.ALL}
    document.save_chart(lines, run.output_dir / _CHART)
    kept = summary.save(numbers, _NUMBERS) if run.flags["keep"] else []
    rows = _table(lines)
    notes = [*(f"* **{note}**" for note in test.notes), *_notes(run, numbers)]
    if kept:
        notes.append(f"* Kept in `numbers/protocol/`: {' and '.join(kept)}.")
    return Outcome(rows, notes, _scores(numbers, test), {}, histories, [_CHART])


def _measurement(run, test):
    """Returns what is to be measured, and the histories of the weights."""
    from paper_experiments.choices.measurement import Measurement
    from paper_experiments.choices.methods import Baseline, Network
    from paper_experiments.common import weights

    usual = test.sets.get(_SET, list(test.images))
    methods, histories = {Baseline(): list(test.images)}, {}
    if run.flags["network_images"]:
        denoiser = run.flags["weights"] or _DENOISER
        for name, color in ((denoiser, "gray"), (_ENLARGER, "luminance")):
            _, histories[name] = weights.load(name, run, color)
        network = Network(denoiser, _ENLARGER, run.dtype, run.num_steps)
        methods[network] = usual[: run.flags["network_images"]]
    measured = Measurement(
        _photographs(run, test),
        usual,
        methods,
        run.seed,
        run.values_folder,
        run.flags["groups"],
    )
    return measured, histories


def _photographs(run, test):
    from data_prep.bsds300 import source
    from paper_experiments.choices.steps import Photograph

    folder = None
    if test.dataset == "bsds300" and run.flags["data_dir"]:
        folder = source.find_images(run.flags["data_dir"])
    # The usual set first, so that a run that is stopped has measured its first images.
    ids = dict.fromkeys([*test.sets.get(_SET, ()), *test.images])
    return [
        Photograph(
            i,
            test.numbers[i],
            test.images[i],
            folder and folder / "test" / f"{i}.jpg",
        )
        for i in ids
    ]


def _table(lines) -> table.Table:
    from paper_experiments.choices import summary

    rows = table.Table(["change of the mean", *summary.COLUMNS.values(), "made by"], 50)
    for group, of_group in lines.items():
        rows.add(f"**{group.replace('_', ' ')}**", [""] * (len(summary.COLUMNS) + 1))
        for line in of_group:
            changes = [line.effects.get(key) for key in summary.COLUMNS]
            cells = [summary.cell(change, line.metric) for change in changes]
            rows.add(line.what, [*cells, line.made_by])
    return rows


def _scores(numbers, test) -> list[table.Score]:
    return [
        score
        for row, values in numbers.results.items()
        for score in table.measured_on(
            test.sets,
            values,
            row.method,
            {"choice": row.choice, "condition": row.condition},
            "ssim" if "ssim" in row.choice else "psnr",
        )
    ]


def _about(run, test) -> dict:
    from paper_experiments.common import provenance

    return {
        "versions": provenance.versions(),
        "dataset": test.dataset,
        "settings": {
            "seed": run.seed,
            "num_steps": run.num_steps,
            "precision": run.dtype,
            "network_images": run.flags["network_images"],
        },
    }


def _notes(run, numbers) -> list[str]:
    """Says what a reader must know to compare the numbers."""
    return [
        "* Change of the mean over images: with the choice less as this project does, "
        "± standard error over images, in dB; of SSIM without a unit.",
        *(
            f"* Images measured, {method}: {_describe_numbers(numbers, method)}."
            for method in dict.fromkeys(row.method for row in numbers.results)
        ),
        f"* T = {run.num_steps}, seed {run.seed}, {run.dtype}.",
    ]


def _describe_numbers(numbers, method: str) -> str:
    """Says on how many images choices were measured."""
    found = {
        len(values)
        for row, values in numbers.results.items()
        if row.method == method and row.choice != "ours"
    }
    return " to ".join(map(str, sorted({min(found, default=0), max(found, default=0)})))


def _write_document() -> str:
    from paper_experiments.choices import document, summary
    from rim_tf import files

    try:
        numbers = summary.load(_NUMBERS)
    except FileNotFoundError as error:
        raise UserError(
            f"--write: nothing was kept yet ({error}); --keep does."
        ) from error
    files.write_text(document.PATH, document.fill(document.PATH.read_text(), numbers))
    return f"Wrote the tables of {document.PATH}."


def _check(values) -> None:
    unknown = sorted(set(values["groups"]) - set(GROUPS))
    if unknown or not values["groups"]:
        raise UserError(
            f"--groups: there is no group {', '.join(unknown) or 'without a name'}; "
            f"there are: {', '.join(GROUPS)}."
        )
    if values["keep"] and (values["dataset"] == "embedded" or values["images"]):
        raise UserError("--keep: only what was measured on BSDS-300 is kept.")


if __name__ == "__main__":
    reproduce(
        measure,
        own_check=_check,
        instead=("write", _write_document),
        adds_to_results=True,
    )
