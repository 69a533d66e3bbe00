"""The tables of RESULTS.md and README.md, made from `numbers/`: no number is typed.

Each stands between two lines, `<!-- NAME: made by reproduce.py -->` and `<!-- end -->`.
"""

import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from paper_experiments.common import (
    decision_tables,
    figure3_claims,
    forward_model_tables,
    markdown,
)
from paper_experiments.common.errors import UserError
from paper_experiments.common.table import (
    NUMBERS_FOLDER,
    is_reached,
    published_since,
    read_reported,
    standard_error,
)

DOCUMENTS = (
    Path(__file__).parents[2] / "README.md",
    NUMBERS_FOLDER.with_name("RESULTS.md"),
)
_BLOCK = re.compile(
    r"(<!-- ([\w -]+): made by reproduce\.py -->\n)(.*?)(<!-- end -->)", re.S
)
_NOT_YET = "not measured yet"
_TABLE1, _TABLE2 = "table1_rgb_denoise", "table2_denoise"
_QUANTIZED, _TABLE3 = "table2_quantized_denoise", "table3_super_resolution"
_OF_PAPER_SETS = ("68", "100")
# Of Table 3, the paper's set.
_SET = "100"
# What stands in front of a row of the README's table: script, row, test set.
_HEADLINE = {
    "Table 1, RIM, 68": (_TABLE1, "RIM", "68"),
    "Table 2, RIM-denoise, 68": (_TABLE2, "RIM-denoise", "68"),
    "Table 2, RIM-3task, 68": (_TABLE2, "RIM-3task", "68"),
    "Table 2, 8 bits, RIM-denoise, 68": (_QUANTIZED, "RIM-denoise", "68"),
    "Table 2, 8 bits, RIM-3task, 68": (_QUANTIZED, "RIM-3task", "68"),
    "Table 3, RIM, 100, UNVERIFIED": (_TABLE3, "RIM", _SET),
}
# Runs of `figure3_three_task.py` on the same 200 patches, by trio of networks.
_FIGURE_3 = {
    "shipped weights": "figure3_200_patches",
    "paper's recipe": "figure3_three_task_paper",
}


class Key(NamedTuple):
    """What a mean is of: a row of a table, a test set, a condition and a metric."""

    row: str
    test_set: str
    condition: int
    metric: str = "psnr"


def update(text: str) -> str:
    """Returns a document with its tables made anew.

    Raises:
      UserError: If it asks for a table that there is not.
    """

    def made(block: re.Match) -> str:
        begin, name, _, end = block.groups()
        if name not in _MAKERS:
            raise UserError(
                f"There is no table {name}; there are {', '.join(_MAKERS)}."
            )
        return begin + "\n".join(_MAKERS[name]()) + f"\n{end}"

    return _BLOCK.sub(made, text)


def names(text: str) -> list[str]:
    """Returns the names of the tables that a document asks for."""
    return [block[2] for block in _BLOCK.finditer(text)]


# Numbers.


@functools.cache
def measured(script: str) -> Mapping[Key, list[float]]:
    """Returns the values of each image that RIMs, and what they start from, have."""
    found: dict[Key, list[float]] = {}
    for path in sorted((NUMBERS_FOLDER / "measured").glob(f"{script}*.json")):
        result = json.loads(path.read_text())
        rows = {*result["weights"], "noisy observation", "Bicubic"}
        # "table2_denoise*" is not "table2_quantized_denoise".
        for record in result["measured"] if result["script"] == script else ():
            if record["model"] in rows:
                key = Key(
                    record["model"],
                    record["test_set"],
                    _condition(record["condition"]),
                    record["metric"],
                )
                found.setdefault(key, list(record["per_image"].values()))
    return found


@functools.cache
def of_methods(script: str) -> Mapping[Key, list[float]]:
    """Returns the values of rival methods, on test sets that they have whole."""
    path = NUMBERS_FOLDER / "baselines" / f"{script}.json"
    by_images = json.loads(path.read_text())
    (rows,) = (rows for name, rows in by_images.items() if name.startswith(script))
    sets = _ids_of_sets(script)
    return {
        Key(row, test_set, int(sigma)): [values[i] for i in ids]
        for row, levels in rows.items()
        for sigma, values in levels.items()
        for test_set, ids in sets.items()
        if set(ids) <= set(values)
    }


def reported(script: str, key: Key) -> list[float] | None:
    """Returns what the paper reports, of Table 3 with its standard error."""
    numbers = read_reported(script)
    row = key.row.removesuffix("-paper")
    if script == _TABLE3:
        return numbers[key.metric].get(row, {}).get(str(key.condition))
    return _values(numbers["rows"].get(row, {}), key)


def _values(row: Mapping[str, Mapping[str, float]], key: Key) -> list[float] | None:
    value = row.get(key.test_set, {}).get(str(key.condition))
    return None if value is None else [value]


def _condition(condition: Mapping[str, Any]) -> int:
    return condition.get("sigma", condition.get("factor"))


def _ids_of_sets(script: str) -> dict[str, list[str]]:
    """Returns the ids of images by test set, as a RIM's file has them."""
    found = {}
    for path in (NUMBERS_FOLDER / "measured").glob(f"{script}*.json"):
        for record in json.loads(path.read_text())["measured"]:
            ids = list(record["per_image"])
            if len(ids) == int(record["test_set"]):
                found[record["test_set"]] = ids
    return found


# Tables.


def _denoising(script: str) -> list[str]:
    """Returns a table of denoising: reported, since then, and measured."""
    values, rivals = measured(script), of_methods(script)
    rows = read_reported(script)["rows"]
    keys = dict.fromkeys(key.condition for key in values)
    columns = [(s, c) for s in _OF_PAPER_SETS for c in keys]
    lines = [["PSNR in dB", *(f"{s}: {c}" for s, c in columns)]]

    def add(
        name: str, value: Callable[[Key], Sequence[float] | None], row: str
    ) -> None:
        shown = [_mean(value(Key(row, s, c))) for s, c in columns]
        lines.append([f"{row}, {name}", *shown])

    names_of_rivals = dict.fromkeys(key.row for key in rivals)
    for row in rows:
        add("reported", functools.partial(reported, script), row)
        if row in names_of_rivals:
            add("MEASURED", rivals.get, row)
    since, _ = published_since(script)
    if since:
        lines.append(["after the paper:", *(len(columns) * [""])])
    for row in since:
        add("published", lambda key: _values(since[key.row], key), row)
    for row in names_of_rivals:
        if row not in rows:
            add("MEASURED", rivals.get, row)
    models = dict.fromkeys(key.row for key in values)
    for row in models:
        add("MEASURED", values.get, row)
    for row in models:
        if row.removesuffix("-paper") in rows:
            lines.append(
                [
                    f"{row}, measured less reported",
                    *(_difference(script, Key(row, s, c)) for s, c in columns),
                ]
            )
    for row in models:
        first, seed, _ = row.partition(", seed ")
        if seed:
            cells = (_gain(values, Key(row, s, c), first) for s, c in columns)
            lines.append([f"{row}, less that of seed 0", *cells])
    return markdown.aligned(lines)


def _super_resolution() -> list[str]:
    """Returns Table 3, with standard errors."""
    values = measured(_TABLE3)
    numbers = read_reported(_TABLE3)
    columns = [(m, c) for m in ("psnr", "ssim") for c in (2, 3, 4)]
    lines = [["mean ± standard error", *(f"{m.upper()}: x{c}" for m, c in columns)]]

    def add(row: str, name: str, field: Callable[[Key], str]) -> None:
        keys = [Key(row, _SET, c, m) for m, c in columns]
        lines.append([f"{row}, {name}", *map(field, keys)])

    for row in numbers["psnr"]:
        remark = ", UNVERIFIED" if row in numbers["unverified_rows"] else ""
        add(row, f"reported{remark}", lambda k: _spread(k, reported(_TABLE3, k)))
    models = dict.fromkeys(key.row for key in values)
    for row in models:
        add(
            *(row, "MEASURED"),
            lambda k: _spread(k, [np.mean(values[k]), standard_error(values[k])]),
        )
    add("RIM", "measured less reported", lambda k: _difference(_TABLE3, k))
    return markdown.aligned(lines)


def _headline() -> list[str]:
    """Returns the README's table: what the paper reports, and what there is of it."""
    lines = [
        [
            *("what, test images", "σ or factor", "reported"),  # noqa: RUF001
            *("paper's recipe, 1/20 of its patches", "shipped weights"),
        ]
    ]
    for what, (script, row, test_set) in _HEADLINE.items():
        values = measured(script)
        keys = [k for k in values if k[:2] == (row, test_set) and k.metric == "psnr"]
        by_recipe = [k._replace(row=f"{row}-paper") for k in keys]
        lines.append(
            [
                *(what, " / ".join(str(key.condition) for key in keys)),
                " / ".join(_mean(reported(script, key)[:1]) for key in keys),
                *(_judged_means(script, k) for k in (by_recipe, keys)),
            ]
        )
    judged = map(_judged_reproduced, reversed(figure3_claims.TRIOS))
    return markdown.narrow([*lines, ["Figure 3, findings", "", "all five", *judged]])


def _judged_means(script: str, keys: Sequence[Key]) -> str:
    """Returns means, and says so where they do not reach those of the paper."""
    values = measured(script)
    if not set(keys) <= set(values):
        return _NOT_YET
    less = [np.mean(values[key]) - reported(script, key)[0] for key in keys]
    verdict = "" if all(map(is_reached, less)) else ": NOT REPRODUCED"
    return " / ".join(_mean(values[key]) for key in keys) + verdict


def _judged_reproduced(trio: str) -> str:
    """Says how many findings of Figure 3 a trio of networks shows."""
    if not figure3_claims.path_of(trio).exists():
        return _NOT_YET
    judged = figure3_claims.read(trio)
    missing = [what for what, _, holds in judged if not holds]
    said = f"{len(judged) - len(missing)} of {len(judged)}"
    return f"{said}; NOT REPRODUCED: {', '.join(missing)}" if missing else said


def _figure_3() -> list[str]:
    """Returns the findings of Figure 3, judged by both trios of networks."""
    paths = {t: NUMBERS_FOLDER / "measured" / f"{n}.json" for t, n in _FIGURE_3.items()}
    results = {t: json.loads(p.read_text()) for t, p in paths.items() if p.exists()}
    lines = [["finding: weakest evidence in dB", *results]]
    for judged in zip(*(r["findings"] for r in results.values()), strict=True):
        cells = [f"{each['evidence']}: {each['verdict']}" for each in judged]
        lines.append([judged[0]["finding"], *cells])
    return markdown.narrow(lines)


def _mean(values: Sequence[float] | None) -> str:
    return "" if values is None else f"{np.mean(values):.2f}"


def _spread(key: Key, values: Sequence[float]) -> str:
    digits = _digits(key)
    return " ± ".join(f"{value:.{digits}f}" for value in values)


def _difference(script: str, key: Key) -> str:
    values, value = measured(script).get(key), reported(script, key)
    if values is None or value is None:
        return ""
    return f"{np.mean(values) - value[0]:+.{_digits(key)}f}"


def _gain(values: Mapping[Key, Sequence[float]], key: Key, row: str) -> str:
    """Returns the difference of a mean to that of another row."""
    other = key._replace(row=row)
    if key not in values or other not in values:
        return ""
    return f"{np.mean(values[key]) - np.mean(values[other]):+.2f}"


def _digits(key: Key) -> int:
    return 2 if key.metric == "psnr" else 4


_MAKERS: Mapping[str, Callable[[], list[str]]] = {
    "Table 1": functools.partial(_denoising, _TABLE1),
    "Table 2": functools.partial(_denoising, _TABLE2),
    "Table 2 of 8 bits": functools.partial(_denoising, _QUANTIZED),
    "Table 3": _super_resolution,
    "Figure 3": _figure_3,
    "headline": _headline,
    "forward models": forward_model_tables.in_full,
    "forward models in short": forward_model_tables.in_short,
    "a rival of today": forward_model_tables.rival,
    "when to stop": forward_model_tables.stops,
    "little noise": forward_model_tables.little_noise,
    "decisions": functools.partial(decision_tables.differences, _TABLE2),
    "decisions of super-resolution": functools.partial(
        decision_tables.differences, _TABLE3
    ),
}
