"""Which choice makes your number another? Compares your values with ours by image.

    python paper_experiments/diagnose.py --result=mine.csv --condition=x3

reads lines of an image's id and its PSNR in dB, such as 3096,28.91, or a folder of
restored images that are named after the ids, such as 3096.png. Prints which choices of
a protocol, see WHY_ANOTHER_NUMBER.md, change our values of these images as yours
differ: one choice, or two together. "None fits" is an answer, too. Only choices are
known that were measured: those of the network, or with --compared_with=baseline of
total variation and bicubic.
"""

from pathlib import Path

from absl import flags

from paper_experiments.common.errors import UserError
from paper_experiments.common.run import start_script
from paper_experiments.common.wording import count

_CONDITIONS = ("sigma25", "x2", "x3", "x4")
flags.DEFINE_string(
    "result", None, "Your values: a CSV file, or a folder of restored images."
)
flags.DEFINE_enum("condition", _CONDITIONS[0], _CONDITIONS, "What was restored.")
flags.DEFINE_enum(
    "compared_with",
    "network",
    ["network", "baseline"],
    "Whose values yours are compared with.",
)
# Of explanations that fit nearly as well as the best.
_MOST_SHOWN = 5
_AS_GOOD = 0.03


def main(run, _):
    from paper_experiments.choices import diagnosis, summary

    try:
        numbers = summary.load("bsds300")
    except FileNotFoundError as error:
        raise UserError(
            f"Nothing was measured yet ({error}); see protocol.py."
        ) from error
    condition = run.flags["condition"].replace("sigma", "sigma ")
    key = (condition, run.flags["compared_with"])
    if not numbers.reference(key):
        raise UserError(f"--compared_with: nothing was measured yet of the {key[1]}.")
    path = Path(run.flags["result"]).expanduser()
    theirs = _measured(run, path, condition) if path.is_dir() else diagnosis.read(path)
    found = diagnosis.explain(theirs, numbers, key)
    print("\n".join(_report(found, theirs, numbers, key)))


def _measured(run, folder: Path, condition: str) -> dict[str, float]:
    """Returns PSNR by id of the restored images in a folder."""
    from paper_experiments.choices import diagnosis
    from paper_experiments.common import image_sets

    test = image_sets.load_test_images(
        run.flags["dataset"], run.flags["data_dir"], None
    )
    return diagnosis.measure_folder(folder, test.images, condition)


def _report(found, theirs, numbers, key) -> list[str]:
    """Says what was found, in lines."""
    ours = numbers.reference(key)
    common = [i for i in ours if i in theirs]
    difference = sum(theirs[i] - ours[i] for i in common) / len(common)
    lines = [
        f"{count(len(common), 'image')}, {', '.join(key)}: yours are "
        f"{difference:+.2f} dB in the mean."
    ]
    if not found:
        return [*lines, "None of the choices that were measured fits."]
    if not found[0].choices:
        return [*lines, "They are ours: no image differs by more than seeds do."]
    for explanation in found[:_MOST_SHOWN]:
        if explanation.left > found[0].left + _AS_GOOD:
            break
        what = " and ".join(_describe(name, numbers) for name in explanation.choices)
        lines.append(
            f"* {what}: explains {explanation.explained:.0%} of the squared "
            f"difference, {explanation.left:.2f} dB are left."
        )
    return lines


def _describe(name: str, numbers) -> str:
    from paper_experiments.choices import groups

    (what,) = (
        choice.what
        for group in groups.ALL.values()
        for choice in group
        if choice.name == name
    )
    made_by = numbers.made_by.get(name)
    return f"{what} ({made_by})" if made_by else what


def _check(values, _) -> None:
    if values["result"] is None:
        raise UserError(
            "--result: give a CSV file of id and PSNR, or a folder of images."
        )
    if not Path(values["result"]).expanduser().exists():
        raise UserError(f"--result: there is no {values['result']}.")


if __name__ == "__main__":
    start_script(main, _check)
