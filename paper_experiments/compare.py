"""Two results side by side: what did it change?

    python paper_experiments/compare.py A B

A and B are what table scripts wrote, a `result.json` or its folder; or folders of
trainings by `train.py`. Prints the differences B - A of each condition, with their
standard errors over images, and what of network and training is not the same. Writes
`table.md`, `result.json` with the difference of each image, and both training curves,
`training_curves.png`.

The standard error is for other images, of these two trainings. Another seed of a
training gives another difference: train both with two seeds at least, and believe what
is larger than seeds make.
"""

import itertools
from pathlib import Path

from paper_experiments.common import quiet
from paper_experiments.common.errors import UserError
from paper_experiments.common.run import start_script
from paper_experiments.common.wording import count

_FILES = ("result.json", "table.md", "training_curves.png")


def main(run, names):
    quiet.import_backend()
    from paper_experiments.comparison import curves, differences, side
    from rim_tf import files

    a, b = map(side.read, names)
    pairs = differences.pairs_of_rows(a, b)
    found = {
        pair: differences.of_rows(a.values.get(pair[0], {}), b.values.get(pair[1], {}))
        for pair in pairs
    }
    if a.values and not any(found.values()):
        raise UserError(f"{a.path} and {b.path} have no image and condition in common.")
    trainings = [(a.trainings[first], b.trainings[second]) for first, second in pairs]
    rows = _table(found, trainings)
    notes = _notes(a, b, pairs, trainings)
    print("\n".join(["", *notes]))
    curves.save(_logs(pairs, trainings), run.output_dir / _FILES[2])
    text = "\n".join([*rows.lines, "", *notes])
    files.write_text(run.output_dir / _FILES[1], text + "\n")
    result = _to_json(names, found, differences.of_tests(a, b))
    files.write_json(run.output_dir / _FILES[0], result, indent=1)
    print(f"\nWrote {', '.join(_FILES)} to {run.output_dir}.")


def _table(found, trainings):
    """Returns the table: of each condition, and of the trainings' validations."""
    from paper_experiments.common.table import Table

    rows = Table(["B less A", "images", "A", "B", "B - A"], 45, 14)
    for difference in itertools.chain(*found.values()):
        rows.add(str(difference.condition), _fields(difference))
    for pair in trainings:
        rows.add("validation PSNR, best of the training", _of_validation(*pair))
    return rows


def _logs(pairs, trainings) -> dict[str, list]:
    """Returns the logs of trainings by the names of their curves."""
    return {
        f"{letter}: {row}": training.log
        for names, both in zip(pairs, trainings, strict=True)
        for letter, row, training in zip("AB", names, both, strict=True)
    }


def _fields(difference) -> list[str]:
    """Returns the fields of a row of differences."""
    digits = 2 if difference.condition.metric == "psnr" else 4
    error = difference.error
    spread = "" if error is None else f" ± {error:.{digits}f}"
    first, second = (f"{mean:.{digits}f}" for mean in difference.means)
    number = str(len(difference.images))
    return [number, first, second, f"{difference.mean:+.{digits}f}{spread}"]


def _of_validation(a, b) -> list[str]:
    """Returns the fields of the row of validations; no images are known."""
    from paper_experiments.comparison import differences

    values = [training.history.get("validation_psnr") for training in (a, b)]
    known = [f"{value:.2f}" if value is not None else "" for value in values]
    if None in values:
        return ["", *known, ""]
    if not differences.have_same_validation(a, b):
        return ["", *known, "other patches"]
    return ["", *known, f"{values[1] - values[0]:+.2f}"]


def _notes(a, b, pairs, trainings) -> list[str]:
    """Says what is compared, and what a reader must know."""
    from paper_experiments.comparison import differences

    notes = [f"* A: {a.path}. B: {b.path}. ± is the standard error for other images."]
    changed = differences.of_tests(a, b)
    if changed:
        said = ", ".join(f"{k} {v[0]} and {v[1]}" for k, v in changed.items())
        notes.append(f"* **The tests were not the same: {said}.**")
    for (first, second), both in zip(pairs, trainings, strict=True):
        rows = first if first == second else f"{first} and {second}"
        others = differences.of_trainings(*both)
        said = "; ".join(f"{k}: {_say(v[0])}, {_say(v[1])}" for k, v in others.items())
        what = (
            f"{count(len(others), 'difference')} (A, B): {said}"
            if said
            else ("no difference that histories tell")
        )
        notes.append(f"* {rows}, network and training: {what}.")
        for letter, training in zip("AB", both, strict=True):
            if not training.log:
                notes.append(f"* {letter}: no log of the training was found.")
            elif "initial_weights" in training.history and not training.has_all_stages:
                notes.append(f"* {letter}: the curve is that of the last stage only.")
    notes.append(
        "* What another seed of a training would give is not in the standard error: "
        "train both with --seed=1, too."
    )
    return notes


def _say(value) -> str:
    """Returns a setting in few words."""
    if isinstance(value, list) and len(value) > 3:
        return count(len(value), "entry", "entries")
    return "not told" if value is None else str(value)


def _to_json(names, found, changed) -> dict:
    return {
        "script": "compare",
        **dict(zip("AB", names, strict=True)),
        "tests_differ_in": changed,
        "differences": [
            {
                "rows": pair,
                "test_set": d.condition.test_set,
                "condition": dict(d.condition.what),
                "metric": d.condition.metric,
                "mean": d.mean,
                "standard_error": d.error,
                "per_image": d.per_image,
            }
            for pair, of_pair in found.items()
            for d in of_pair
        ],
    }


def check(values, names) -> None:
    if len(names) != 2:
        raise UserError("give two results, A and B; see --help.")
    folder = values["output_dir"] or "results/compare"
    if not values["overwrite"] and (Path(folder).expanduser() / _FILES[0]).exists():
        raise UserError(
            f"--output_dir: {folder} has results already; choose another folder, or "
            "give --overwrite."
        )


if __name__ == "__main__":
    start_script(main, check, use=["overwrite"], takes_names=True, needs_keras=False)
