"""Planted causes: values that were made with known choices, for `diagnosis` to find.

Each case is measured as somebody else's values would be: on some of the images, with a
seed of the noise that no table has, and half of them with other versions of the
libraries. Values are kept, and what the diagnosis said of them.
"""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from paper_experiments.choices import diagnosis, groups, noise, together, unknown
from paper_experiments.choices.measurement import Row, Values
from paper_experiments.choices.methods import BASELINE
from paper_experiments.choices.steps import DENOISING, OURS, Photograph, Steps
from paper_experiments.choices.summary import FOLDER, Numbers
from paper_experiments.common import provenance
from paper_experiments.common.errors import UserError
from rim_tf import files

PATH = FOLDER / "planted.json"
ONE, TWO, NONE, UNKNOWN = "one", "two", "none", "unknown"
_NUMBERS = {ONE: 50, TWO: 30, NONE: 20, UNKNOWN: 20}
_NUM_IMAGES = 8
# What changes less, as a root mean square over images, is not planted.
_LEAST_CHANGE = 0.05
# Seeds of the noise in the tables are lower.
_FIRST_SEED = 100
_LIBRARIES = ("numpy", "pillow", "scikit-image", "tensorflow")
_CHOICES = {**groups.BY_NAME, **{choice.name: choice for choice in unknown.CHOICES}}
# A choice that is two others.
_BOTH = {"opencv_both": ("opencv_cubic", "opencv_enlarged")}


class Case(NamedTuple):
    """What is planted, and where.

    Attributes:
      kind: `ONE` choice, `TWO`, `NONE`, or one that the tables do not have, `UNKNOWN`.
      choices: Names of the choices.
      condition: "sigma 25", "x2" and so on.
      seed: Seed of the noise.
      ids: Ids of the images.
    """

    kind: str
    choices: tuple[str, ...]
    condition: str
    seed: int
    ids: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Condition and method, as numbers have it."""
        return self.condition, BASELINE

    @property
    def steps(self) -> Steps:
        """The protocol with all choices made."""
        choices = (_CHOICES[name] for name in self.choices)
        return together.steps_of(choices, self.condition)

    def measure(self, photographs: Mapping[str, Photograph]) -> Values:
        """Returns the values of a baseline by id of the image."""
        return together.measure(self.steps, photographs, self.ids, self.seed)


def draw(numbers: Numbers, seed: int = 0) -> list[Case]:
    """Draws cases; the same ones for the same numbers.

    Args:
      numbers: What was measured; causes that change baselines enough are planted.
      seed: Another seed draws others.
    """
    generator = np.random.default_rng(seed)
    large = {condition: _large(numbers, condition) for condition in OURS}
    pairs = {
        condition: [
            pair
            for pair in itertools.combinations(names, 2)
            if together.fit((_CHOICES[name] for name in pair), condition)
        ]
        for condition, names in large.items()
    }
    ones = [((name,), condition) for condition in OURS for name in large[condition]]
    others = [
        ((choice.name,), condition)
        for choice in unknown.CHOICES
        for condition in choice.steps()
    ]
    found = [(ONE, *ones[k]) for k in generator.permutation(len(ones))[: _NUMBERS[ONE]]]
    for _, condition in zip(range(_NUMBERS[TWO]), itertools.cycle(OURS), strict=False):
        pair = pairs[condition][generator.integers(len(pairs[condition]))]
        found.append((TWO, pair, condition))
    # Half of them with another noise; enlarging has none.
    for _, condition in zip(
        range(_NUMBERS[NONE]), itertools.cycle(_HALF), strict=False
    ):
        found.append((NONE, (), condition))
    for k in generator.permutation(len(others))[: _NUMBERS[UNKNOWN]]:
        found.append((UNKNOWN, *others[k]))
    return [
        Case(*case, _FIRST_SEED + number, _images(numbers, generator))
        for number, case in enumerate(found)
    ]


_HALF = (DENOISING, "x2", DENOISING, "x3", DENOISING, "x4")


def _images(numbers: Numbers, generator: np.random.Generator) -> tuple[str, ...]:
    ids = numbers.sets["68"]
    return tuple(generator.choice(ids, _NUM_IMAGES, replace=False).tolist())


def _large(numbers: Numbers, condition: str) -> list[str]:
    """Returns choices that change the PSNR of baselines enough."""
    seeds, ours = noise.SEEDS, numbers.reference((condition, BASELINE))
    found = []
    for name, choice in _CHOICES.items():
        values = numbers.results.get(Row(name, condition, BASELINE), {})
        changes = [values[i] - ours[i] for i in values]
        is_one = choice.metric == "psnr" and choice not in seeds and changes
        if is_one and np.sqrt(np.mean(np.square(changes))) >= _LEAST_CHANGE:
            found.append(name)
    return found


class Verdict(NamedTuple):
    """What the diagnosis says of a case.

    Attributes:
      place: At which place what was planted is named, from 1 on; None if it is not.
      accuses: Whether it names any choice.
      is_wrong: Whether what it names first has to do with nothing that was planted.
    """

    place: int | None
    accuses: bool
    is_wrong: bool


class Made(NamedTuple):
    """A case that was measured.

    Attributes:
      case: What was planted.
      values: PSNR by id of the image.
      made_with: Versions of libraries.
      verdict: What the diagnosis says.
      verdict_without: What it says where the only choice is not in the tables.
    """

    case: Case
    values: Values
    made_with: str
    verdict: Verdict | None = None
    verdict_without: Verdict | None = None


def measure(
    photographs: Mapping[str, Photograph],
    numbers: Numbers,
    part: tuple[int, int] = (1, 1),
    path: Path = PATH,
) -> list[Made]:
    """Measures cases that are not kept yet, and keeps each when it is made.

    What the diagnosis says of them is asked for by `judge_all`.

    Args:
      photographs: Test images by id.
      numbers: What was measured of the choices.
      part: K and N: only the K-th of N parts, so that environments may share the work.
      path: Where they are kept.

    Returns:
      All cases that are kept.
    """
    made_with = _versions_of(provenance.versions())
    kept = {made.case: made for made in load(path)} if path.exists() else {}
    cases = draw(numbers)
    todo = [
        case
        for number, case in enumerate(cases)
        # Not every second one: conditions come in turn.
        if number // len(OURS) % part[1] == part[0] - 1
        and case not in kept
        and together.can_be_made(_CHOICES[name] for name in case.choices)
    ]
    for case in tqdm(todo, "Planting", unit="case"):
        kept[case] = Made(case, case.measure(photographs), made_with)
        _save([kept[case] for case in cases if case in kept], path)
    return [kept[case] for case in cases if case in kept]


def _versions_of(versions: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {versions[name]}" for name in _LIBRARIES)


def _save(every: Sequence[Made], path: Path) -> None:
    rows = []
    for made in every:
        row = {**made._asdict(), **made.case._asdict()}
        # The ids are the keys of the values.
        del row["case"], row["ids"]
        rows.append({key: value for key, value in row.items() if value is not None})
    files.write_json(path, {"cases": rows}, indent=None)


def load(path: Path = PATH) -> list[Made]:
    """Reads the cases that were measured."""
    found = []
    for row in files.read_json(path, "get it again")["cases"]:
        values, made_with = row.pop("values"), row.pop("made_with")
        said = [row.pop(key, None) for key in ("verdict", "verdict_without")]
        verdicts = (verdict and Verdict(*verdict) for verdict in said)
        case = Case(**{**row, "choices": tuple(row["choices"])}, ids=tuple(values))
        found.append(Made(case, values, made_with, *verdicts))
    return found


def judge_all(
    every: Sequence[Made],
    numbers: Numbers,
    photographs: Mapping[str, Photograph],
    path: Path = PATH,
) -> list[Made]:
    """Asks the diagnosis for all cases, and keeps what it says.

    Args:
      every: What was measured.
      numbers: What was measured of the choices.
      photographs: Test images by id.
      path: Where cases are kept.
    """
    found = [*every]
    for number, made in enumerate(tqdm(every, "Judging", unit="case")):
        make = together.Maker(lambda: photographs, made.case.condition)
        rest = None
        if made.case.kind == ONE:
            rest = judge(made, without(numbers, made), make)
        verdict = judge(made, numbers, make)
        found[number] = made._replace(verdict=verdict, verdict_without=rest)
        _save(found, path)
    return found


def judge(made: Made, numbers: Numbers, make: diagnosis.Make | None = None) -> Verdict:
    """Returns what the diagnosis says; choices of the same values count as one."""
    case = made.case
    found = diagnosis.explain(made.values, numbers, case.key, make)
    named = [e.choices for e in found if e.choices]

    def is_named(choices: Sequence[diagnosis.Alike]) -> bool:
        return any(
            len(order) == len(choices)
            and all(name in alike for name, alike in zip(order, choices, strict=True))
            for order in itertools.permutations(case.choices)
        ) or (len(choices) == 1 and _is_both(choices[0], case, numbers))

    right = [place for place, choices in enumerate(named, 1) if is_named(choices)]
    first = set(itertools.chain(*named[0])) if named else set()
    is_wrong = bool(named) and not first & set(case.choices) and 1 not in right
    return Verdict(right[0] if right else None, bool(named), is_wrong)


def _is_both(names: Sequence[str], case: Case, numbers: Numbers) -> bool:
    """Returns whether one of these choices is the two that were planted."""
    return any(
        len(case.choices) == 2
        and second in case.choices
        and _are_alike((first, name), numbers, case)
        for both, (first, second) in _BOTH.items()
        if both in names
        for name in case.choices
        if name != second
    )


def _are_alike(names: tuple[str, str], numbers: Numbers, case: Case) -> bool:
    """Returns whether two choices make the same values of a case's images."""
    first, second = (numbers.results.get(Row(name, *case.key), {}) for name in names)
    differences = [first[i] - second[i] for i in case.ids if i in first and i in second]
    return (
        bool(differences) and np.sqrt(np.mean(np.square(differences))) < diagnosis.ALIKE
    )


def without(numbers: Numbers, made: Made) -> Numbers:
    """Returns numbers in which what was planted, and what is alike, is not known."""
    found = diagnosis.explain(made.values, numbers, made.case.key)
    names = {*made.case.choices}
    for explanation in found:
        for alike in explanation.choices:
            if names & set(alike):
                names |= set(alike)
    results = {r: v for r, v in numbers.results.items() if r.choice not in names}
    return numbers._replace(results=results)


def table(every: Sequence[Made], numbers: Numbers) -> list[str]:
    """Returns a Markdown table of what the diagnosis said of cases.

    Raises:
      UserError: If it was not asked about one of them.
    """
    if any(made.verdict is None for made in every):
        raise UserError("Not all planted causes were judged: run diagnose.py --plant.")
    kinds = {kind: [m for m in every if m.case.kind == kind] for kind in _NUMBERS}
    ours = _versions_of(numbers.about["versions"])
    said = {kind: [m.verdict for m in cases] for kind, cases in kinds.items()}
    rows = {
        "one choice": said[ONE],
        "of these, with other versions of the libraries": [
            made.verdict for made in kinds[ONE] if made.made_with != ours
        ],
        "two choices at once": said[TWO],
        "none, or another seed of the noise": said[NONE],
        "one that these tables do not have": said[UNKNOWN],
        "one choice, which was taken out of the tables": [
            made.verdict_without for made in kinds[ONE]
        ],
    }
    titles = ["planted", "cases", "named first", "among three", "none named", "wrong"]
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)]]
    lines += [_row(what, verdicts) for what, verdicts in rows.items()]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _row(what: str, verdicts: Sequence[Verdict]) -> list[str]:
    counts = (
        len(verdicts),
        sum(verdict.place == 1 for verdict in verdicts),
        sum(verdict.place in (1, 2, 3) for verdict in verdicts),
        sum(not verdict.accuses for verdict in verdicts),
        sum(verdict.is_wrong for verdict in verdicts),
    )
    return [what, *map(str, counts)]
