r"""Which choice makes your number another? Compares your values with ours by image.

    python paper_experiments/diagnose.py --result=mine.csv --condition=x3 \
        --compared_with=baseline

reads lines of an image's id and its PSNR in dB, such as 3096,28.91, and prints which
choices of a protocol, see WHY_ANOTHER_NUMBER.md, change our values of these images as
yours differ: one choice, or two together. "None fits" is an answer, too: only choices
are known that were measured.

You need no network for it: with --compared_with=baseline your values are those of the
classical method on your own small or noisy images, of bicubic enlarging for x2, x3 and
x4, of total variation as scikit-image's denoise_tv_chambolle(noisy, weight=0.7 * 25 /
255, eps=2e-5, max_num_iter=2000) for sigma25. What is wrong with these is wrong with
your network's, too. With --compared_with=network they are those of this project's
networks. Two choices at once are made together where the images of BSDS-300 are there,
if the values are those of the classical method.

A folder of restored images instead of a file, named after the ids, such as 3096.png, is
measured as this project does. Then a difference that is gone was one of your measure.
"""

from pathlib import Path

from absl import flags

from paper_experiments.common.errors import UserError
from paper_experiments.common.run import parse_part, start_script
from paper_experiments.common.wording import count

_CONDITIONS = ("sigma25", "x2", "x3", "x4")
flags.DEFINE_string(
    "result",
    None,
    "Your values: a CSV file of id and PSNR, or a folder of restored images.",
)
flags.DEFINE_enum(
    "condition",
    None,
    _CONDITIONS,
    "What was restored: noise of sigma 25, or images made small by 2, 3 or 4.",
)
flags.DEFINE_enum(
    "compared_with",
    None,
    ["network", "baseline"],
    "What restored yours: this project's network, or the baseline: total variation, or "
    "bicubic enlarging.",
)
flags.DEFINE_string(
    "plant",
    None,
    "K/N: instead, make the K-th of N parts of the values of planted causes, judge "
    "this script by all of them, and keep both in numbers/protocol/.",
)
# Of explanations that fit nearly as well as the best.
_MOST_SHOWN = 5
_AS_GOOD = 0.03


def main(run, _):
    from paper_experiments.common import quiet

    quiet.import_backend()
    from paper_experiments.choices import diagnosis, summary

    try:
        numbers = summary.load("bsds300")
    except FileNotFoundError as error:
        raise UserError(
            f"Nothing was measured yet ({error}); see protocol.py."
        ) from error
    if run.flags["plant"] is not None:
        print(_plant(run, numbers))
        return
    condition = run.flags["condition"].replace("sigma", "sigma ")
    key = (condition, run.flags["compared_with"])
    if not numbers.reference(key):
        other = "network" if key[1] == "baseline" else "baseline"
        raise UserError(
            f"--compared_with: nothing was measured yet of the {key[1]}; give values "
            f"of the {other}, and --compared_with={other}."
        )
    path = Path(run.flags["result"]).expanduser()
    is_folder = path.is_dir()
    theirs = _measured(run, path, condition) if is_folder else diagnosis.read(path)
    maker = _maker(run, condition) if key[1] == "baseline" else None
    found = diagnosis.explain(theirs, numbers, key, maker)
    lines = _report(found, theirs, numbers, key, is_folder)
    if key[1] == "baseline" and (not found or len(found[0].choices) == 2):
        lines += _what_was_added(maker)
    print("\n".join(lines))


def _maker(run, condition: str):
    """Returns what makes two choices together; None without images of BSDS-300.

    They are looked for where they are: for a few hundredths nothing is downloaded.
    """
    from data_prep.bsds300 import loading, source
    from paper_experiments.choices import together

    folder = Path(run.flags["data_dir"] or loading.DEFAULT_DATA_DIR).expanduser()
    if not (source.find_images(folder) or (folder / "bsds300").exists()):
        return None
    return together.Maker(lambda: _photographs(run), condition)


def _photographs(run):
    """Returns the test images of BSDS-300 by id."""
    from data_prep.bsds300 import source
    from paper_experiments.choices.steps import Photograph
    from paper_experiments.common import image_sets

    folder = run.flags["data_dir"]
    test = image_sets.load_test_images("bsds300", folder, None)
    files = folder and source.find_images(folder)
    return {
        i: Photograph(i, test.numbers[i], image, files and files / "test" / f"{i}.jpg")
        for i, image in test.images.items()
    }


def _what_was_added(maker) -> list[str]:
    """Says which pairs of choices were not made, so that their changes were added."""
    from paper_experiments.choices import groups

    if maker is None:
        return [
            "Two choices were not made together, but their changes were added: there "
            "are no images of BSDS-300 here. Give them by --data_dir."
        ]
    packages = {p for name in maker.missing for p in groups.BY_NAME[name].packages[:1]}
    return [
        f"Not installed here: {package}. What it changes together with another choice "
        "was added, not made."
        for package in sorted(packages)
    ]


def _plant(run, numbers) -> str:
    """Measures planted causes, and says how many there are."""
    from paper_experiments.choices import planted

    photographs = _photographs(run)
    part = parse_part("plant", run.flags["plant"])
    every = planted.measure(photographs, numbers, part)
    planted.judge_all(every, numbers, photographs)
    return f"{count(len(every), 'case')} are kept; see protocol.py --write."


def _measured(run, folder: Path, condition: str) -> dict[str, float]:
    """Returns PSNR by id of the restored images in a folder."""
    from paper_experiments.choices import diagnosis
    from paper_experiments.common import image_sets

    test = image_sets.load_test_images(
        run.flags["dataset"], run.flags["data_dir"], None
    )
    return diagnosis.measure_folder(folder, test.images, condition)


def _report(found, theirs, numbers, key, is_folder: bool) -> list[str]:
    """Says what was found, in lines."""
    ours = numbers.reference(key)
    common = [i for i in ours if i in theirs]
    means = [sum(values[i] for i in common) / len(common) for values in (ours, theirs)]
    lines = [
        f"{count(len(common), 'image')}, {', '.join(key)}: the mean is {means[0]:.2f} "
        f"dB here and {means[1]:.2f} dB in yours, {means[1] - means[0]:+.2f} dB. Of "
        "other images it is another."
    ]
    if is_folder:
        lines.append("Your images were measured as this project does.")
    if not found:
        return [
            *lines,
            "None of the choices that were measured fits, nor do two together. Is "
            f"{key[0]} what you restored, by the {key[1]}?",
        ]
    if not found[0].choices:
        lines.append("Your values agree with ours, so your protocol does.")
        if is_folder:
            lines.append("If your own number is another, it is your measure's.")
        elif key[1] == "baseline":
            lines.append("If your network's is too low, it is the network.")
        return lines
    best = [e for e in found if e.left <= found[0].left + _AS_GOOD][:_MOST_SHOWN]
    if len(best) > 1:
        lines.append("One of these; your values hardly tell them apart:")
    for explanation in best:
        lines += _lines(explanation, numbers, key[0])
    return [*lines, "Then run this again."]


def _lines(explanation, numbers, condition: str) -> list[str]:
    """Says what one explanation is, how well it fits, and what to do."""
    from paper_experiments.choices import cures

    names = [alike[0] for alike in explanation.choices]
    what = [
        ", or ".join(_describe(name, numbers) for name in alike)
        for alike in explanation.choices
    ]
    return [
        *(
            f"{mark} {text}"
            for mark, text in zip(("*", "  together with"), what, strict=False)
        ),
        f"  It explains {explanation.before:.2f} dB an image, and leaves "
        f"{explanation.left:.2f} dB, on {count(explanation.number, 'image')}.",
        f"  Cure: {'; '.join(cures.cure(names, condition))}. See "
        f"{' and '.join(cures.sections(names))}.",
    ]


def _describe(name: str, numbers) -> str:
    from paper_experiments.choices import groups

    what, made_by = groups.BY_NAME[name].what, numbers.made_by.get(name)
    return f"{what} ({made_by})" if made_by else what


def _check(values, _) -> None:
    if values["plant"] is not None:
        parse_part("plant", values["plant"])
        return
    if values["result"] is None:
        raise UserError(
            "--result: give a CSV file of id and PSNR, or a folder of images."
        )
    if not Path(values["result"]).expanduser().exists():
        raise UserError(f"--result: there is no {values['result']}.")
    if values["condition"] is None:
        raise UserError(
            f"--condition: say what was restored: {', '.join(_CONDITIONS)}."
        )
    if values["compared_with"] is None:
        raise UserError(
            "--compared_with: say what restored it: baseline, which is bicubic "
            "enlarging or total variation, or network, which is this project's."
        )


if __name__ == "__main__":
    start_script(main, _check, use=["dataset", "data_dir"], needs_keras=False)
