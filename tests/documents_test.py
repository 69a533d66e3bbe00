"""Tests of the documents: their numbers, commands, links, examples and sentences."""

import functools
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import skimage.data
from PIL import Image

from data_prep.bsds300 import source
from paper_experiments.common import document_tables
from paper_experiments.common.table import NUMBERS_FOLDER, standard_error
from paper_experiments.recipes import RECIPES
from paper_experiments.rim_restore import command as rim_restore

_ROOT = Path(__file__).parents[1]
_SCRIPTS = _ROOT / "paper_experiments"
_README = _ROOT / "README.md"
_LESSON = _SCRIPTS / "lesson" / "README.md"
_DOCUMENTS = [_README, *sorted(_SCRIPTS.glob("*.md")), _LESSON]
_WITH_NUMBERS = [_README, _SCRIPTS / "RESULTS.md"]
_CHANGES = _SCRIPTS / "CHANGELOG.md"

_TABLE2, _QUANTIZED = "table2_denoise", "table2_quantized_denoise"
_TABLE1, _TABLE3 = "table1_rgb_denoise", "table3_super_resolution"
_FIGURE3 = "figure3_three_task"
# By the headings of RESULTS.md.
_TABLES = {
    "Table 1": _TABLE1,
    "Table 2": _TABLE2,
    "Table 2, second half: observations of 8 bits": _QUANTIZED,
    "Table 3": _TABLE3,
}
_METHODS = [
    *("BM3D", "CBM3D", "DnCNN (scico)"),
    *("cycle-spun wavelet", "converged total variation"),
]
# What runs write, or the reader has: files that are named and are not there.
_WRITTEN = re.compile(
    r"(results|OUT|NAME|BSDS300)/|.*FOLDER|(photo|photo_denoised)\.png|"
    r"(table\.md|result\.json|rim_denoise_paper\.weights\.h5)$"
)


def _name(document: Path) -> str:
    """Returns what a test of a document is called."""
    return str(document.relative_to(_ROOT))


class _Table(NamedTuple):
    """A Markdown table: where it stands, its headings, and its rows."""

    heading: str
    columns: list[str]
    rows: list[list[str]]


def _tables(document: Path) -> list[_Table]:
    tables, heading, block = [], "", []
    for line in [*_without_code(document).splitlines(), ""]:
        if line.startswith("|"):
            block.append([cell.strip() for cell in line.strip()[1:-1].split("|")])
            continue
        if block:
            columns, _, *rows = block
            tables.append(_Table(heading, columns, rows))
            block = []
        if line.startswith("#"):
            heading = line.lstrip("# ")
    return tables


def _without_code(document: Path) -> str:
    return re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.M | re.S)


def _code(document: Path, language: str) -> list[str]:
    pattern = rf"^```{language}\n(.*?)^```$"
    return re.findall(pattern, document.read_text(), flags=re.M | re.S)


@functools.cache
def _numbers(folder: str, name: str) -> dict:
    return json.loads((NUMBERS_FOLDER / folder / f"{name}.json").read_text())


@functools.cache
def _values(table: str) -> dict:
    """Returns the values of each image by row, test set, condition and metric."""
    found: dict = {}
    for path in sorted((NUMBERS_FOLDER / "measured").glob(f"{table}*.json")):
        result = json.loads(path.read_text())
        # "table2_denoise*" is not "table2_quantized_denoise".
        for record in result["measured"] if result["script"] == table else ():
            condition = record["condition"]
            key = (
                record["model"],
                record["test_set"],
                condition.get("sigma", condition.get("factor")),
                record["metric"],
            )
            values = list(record["per_image"].values())
            assert len(values) == record["num_images"]
            # A baseline is in the file of every RIM, and the same there.
            assert found.setdefault(key, values) == values
    return found


def _reported(table: str, row: str, test_set: str, condition: int, metric: str):
    """Returns mean and, in Table 3, standard error; None if there is no number."""
    numbers = _numbers("reported", table)
    if table == _TABLE3:
        return numbers[metric][row][str(condition)]
    value = numbers["rows"][row].get(test_set, {}).get(str(condition))
    return None if value is None else (value,)


def _shown(values, metric: str = "psnr", sign: str = "") -> str:
    """Returns mean, and standard error if there is one, as a table shows them."""
    digits = 2 if metric == "psnr" else 4
    mean, *error = values
    return " ± ".join([f"{mean:{sign}.{digits}f}", *(f"{e:.{digits}f}" for e in error)])


def _of_method(table: str, key: tuple):
    """Returns the values of a rival method; None if one of the set is missing."""
    (rows,) = (v for k, v in _numbers("baselines", table).items() if k != "versions")
    row, test_set, sigma, _ = key
    values = rows.get(row, {}).get(str(sigma), {})
    noisy = _values(table)["noisy observation", test_set, sigma, "psnr"]
    ids = source.read_ids("foe68_test_ids") if test_set == "68" else values
    values = [values[str(i)] for i in ids if str(i) in values]
    return values if len(values) == len(noisy) else None


def _measured(table: str, key: tuple):
    values = _values(table).get(key)
    if table != _TABLE3 and key[0] in _METHODS:
        values = _of_method(table, key)
    if values is None:
        return None
    error = [standard_error(values)] if table == _TABLE3 else []
    return [np.mean(values), *error]


def _expected(table: str, row: str, column: str) -> str:
    """Returns what a field of one of the tables must show."""
    name, _, what = row.partition(", ")
    if what.startswith("seed "):
        seed, _, what = what.partition(", ")
        name = f"{name}, {seed}"
    first, _, condition = column.partition(": ")
    if table == _TABLE3:
        metric, test_set, condition = first.lower(), "100", int(condition[1:])
    else:
        metric, test_set, condition = "psnr", first, int(condition)
    if row == "after the paper:":
        return ""
    if what == "published":
        numbers = _numbers("reported", "after_the_paper")["rows"][name]
        value = numbers.get(test_set, {}).get(str(condition))
        return "" if value is None else _shown([value])
    if what.startswith("reported"):
        value = _reported(table, name, test_set, condition, metric)
        return "" if value is None else _shown(value, metric)
    value = _measured(table, (name, test_set, condition, metric))
    if value is None:
        return ""
    if what == "measured less reported":
        of_paper = name.removesuffix("-paper")
        reported = _reported(table, of_paper, test_set, condition, metric)
        return _shown([value[0] - reported[0]], metric, "+")
    if what == "less that of seed 0":
        first = _measured(table, (name.partition(", ")[0], test_set, condition, metric))
        return _shown([value[0] - first[0]], metric, "+")
    assert what == "MEASURED", row
    return _shown(value, metric)


@pytest.mark.parametrize("heading", _TABLES)
def test_tables_show_what_is_in_the_files(heading):
    table = next(t for t in _tables(_SCRIPTS / "RESULTS.md") if t.heading == heading)
    assert len(table.rows) > 5
    for row, *fields in table.rows:
        for column, field in zip(table.columns[1:], fields, strict=True):
            assert field == _expected(_TABLES[heading], row, column), (row, column)


@pytest.mark.parametrize("document", _WITH_NUMBERS, ids=_name)
def test_tables_are_those_that_are_made(document):
    """Else `paper_experiments/reproduce.py --documents` makes them anew."""
    text = document.read_text()
    assert document_tables.names(text)
    assert document_tables.update(text) == text


def test_a_changed_digit_is_seen():
    text = (_SCRIPTS / "RESULTS.md").read_text()
    made = {heading.partition(",")[0] for heading in _TABLES}
    made |= {"Table 2 of 8 bits", "Figure 3"}
    made |= {"decisions", "decisions of super-resolution"}
    made |= {"forward models", "a rival of today", "little noise", "when to stop"}
    assert sorted(document_tables.names(text)) == sorted(made)
    for row in ("RIM-denoise, MEASURED ", "BM3D, reported ", "RIM, measured less rep"):
        at = text.index(".", text.index(f"| {row}")) + 1
        changed = text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]
        assert document_tables.update(changed) == text


def test_every_reported_row_is_shown():
    for table in _tables(_SCRIPTS / "RESULTS.md"):
        if table.rows[0][0].endswith(", reported") and table.heading in _TABLES:
            shown = {row[0].partition(",")[0] for row in table.rows if "rep" in row[0]}
            reported = _numbers("reported", _TABLES[table.heading])
            assert shown >= set(reported.get("rows", reported.get("psnr")))


def test_rows_of_a_recalled_number_are_marked():
    (row,) = (
        row[0]
        for table in _tables(_SCRIPTS / "RESULTS.md")
        if table.heading == "Table 3"
        for row in table.rows
        if row[0].startswith("RIM, reported")
    )
    assert row.endswith("UNVERIFIED")


def test_headline_shows_what_is_in_the_files():
    (table,) = (t for t in _tables(_README) if "shipped weights" in t.columns)
    checked = 0
    for what, conditions, reported, by_recipe, measured in table.rows:
        if not conditions:
            continue
        number = re.match(r"(Table \d)(, 8 bits)?, (RIM[\w-]*), (\d+)", what)
        heading = number[1] + (", second half: observations of 8 bits") * bool(
            number[2]
        )
        name = _TABLES[heading]
        keys = [(number[3], number[4], int(c), "psnr") for c in conditions.split(" / ")]
        means = [_shown(_measured(name, key)[:1]) for key in keys]
        assert measured.split(" / ") == means, what
        if by_recipe != "not measured yet":
            of_recipe = [(f"{key[0]}-paper", *key[1:]) for key in keys]
            means = [_shown(_measured(name, key)[:1]) for key in of_recipe]
            numbers, _, verdict = by_recipe.partition(": ")
            assert numbers.split(" / ") == means, what
            pairs = zip(means, reported.split(" / "), strict=True)
            is_below = any(float(mean) < float(paper) - 0.15 for mean, paper in pairs)
            assert verdict == "NOT REPRODUCED" * is_below, what
        means = [_shown(_reported(name, *key)[:1]) for key in keys]
        assert reported.split(" / ") == means, what
        assert ("UNVERIFIED" in what) == (name == _TABLE3)
        checked += 1
    assert checked == 6


def test_table_of_baselines_shows_what_is_in_the_files():
    (table,) = (t for t in _tables(_SCRIPTS / "RESULTS.md") if t.heading == "Baselines")
    tried = _numbers("baselines", "bm3d_original_thresholds")["psnr"]
    for column, *fields in zip(*[table.columns, *table.rows], strict=True):
        if ": " not in column:
            continue
        row, sigma = column.split(": ")
        name = {"BM3D": _TABLE2, "BM3D, 8 bits": _QUANTIZED}.get(row, _TABLE1)
        row = row.removesuffix(", 8 bits")
        reported, measured, difference, error, number = fields
        key = (row, "68", int(sigma), "psnr")
        assert reported == _shown(_reported(name, *key))
        assert measured == _shown(_measured(name, key))
        kind = {_TABLE2: "gray", _TABLE1: "rgb"}.get(name)
        images = tried.get(f"{kind} {sigma}")
        if images is not None:
            values = [v["original"] - v["package"] for v in images.values()]
            assert difference == f"{np.mean(values):.2f}"
            assert error == f"{standard_error(values):.2f}"
            assert number == str(len(values))


def test_figure_5s_image_shows_what_is_in_the_files():
    (table,) = (t for t in _tables(_SCRIPTS / "RESULTS.md") if "160068" in t.columns[0])
    rows = {"noisy": "noisy observation"}
    (measured,) = (row[1:] for row in table.rows if row[0] == "MEASURED")
    for column, field in zip(table.columns[1:], measured, strict=True):
        if not field:
            continue
        records = _numbers("measured", f"{_QUANTIZED}_rim_denoise")["measured"]
        (value,) = (
            record["per_image"]["160068"]
            for record in records
            if (record["model"], record["test_set"], record["condition"]["sigma"])
            == (rows.get(column, column), "68", 50)
        )
        assert field == f"{value:.2f}"


def test_what_8_bits_cost_is_in_the_files():
    (table,) = (
        table
        for table in _tables(_SCRIPTS / "RESULTS.md")
        if table.columns[0].startswith("PSNR lost to 8 bits, 68")
    )
    for row, *fields in table.rows:
        unrounded = "RIM-denoise" if row.endswith(" (ours)") else row
        for column, field in zip(table.columns[1:], fields, strict=True):
            sigma = int(column.rpartition(" ")[2])
            (before,) = _measured(_TABLE2, (unrounded, "68", sigma, "psnr"))
            (after,) = _measured(_QUANTIZED, (row, "68", sigma, "psnr"))
            assert field == f"{before - after:.2f}"


def test_values_of_shipped_weights_among_earlier_ones_are_in_the_files():
    def means(name: str, row: str, *conditions: tuple[str, int]) -> list[str]:
        return [_shown(_measured(name, (row, *c, "psnr"))) for c in conditions]

    of_68 = [("68", sigma) for sigma in (15, 25, 50)]
    text = (_SCRIPTS / "RESULTS.md").read_text()
    for name in (_TABLE2, _QUANTIZED):
        assert f"| {' / '.join(means(name, 'RIM-denoise', *of_68))} |\n" in text
    color = means(_TABLE1, "RIM", ("68", 25), ("100", 25))
    assert f"shipped | 8 bits | {' | '.join(color)} |\n" in text
    three = means(_TABLE2, "RIM-3task", *of_68)
    assert f"404,000 patches, shipped | {' | '.join(three)} |" in text


@functools.cache
def _figure3() -> dict:
    """Returns the means over the patches of each image."""
    return {
        (c["task"], c["p"], record["model"], c["t"]): record["per_image"]
        for record in _numbers("measured", _FIGURE3)["measured"]
        for c in (record["condition"],)
    }


def _difference(key: tuple, less: tuple | None = None) -> list[float]:
    """Returns the mean over patches, and its standard error for other images."""
    numbers = _numbers("measured", _FIGURE3)["patches_of_images"]
    values, weights = [], []
    for image, number in numbers.items():
        lessened = _figure3()[less][image] if less else 0
        values.append(_figure3()[key][image] - lessened)
        weights.append(number)
    mean = np.average(values, weights=weights)
    deviations = np.multiply(weights, values - mean)
    number = len(weights)
    variance = number / (number - 1) * np.square(deviations).sum()
    return [mean, np.sqrt(variance) / np.sum(weights)]


def _figure_3_tables(begin: str) -> list[_Table]:
    tables = [
        table
        for table in _tables(_SCRIPTS / "RESULTS.md")
        if table.heading == "Figure 3" and table.columns[0].startswith(begin)
    ]
    assert tables
    return tables


def test_figure_3_shows_what_is_in_the_files():
    (table,) = _figure_3_tables("PSNR")
    for task, *fields in table.rows:
        for column, field in zip(table.columns[1:], fields, strict=True):
            model, p = column.split(": ")
            (mean, _) = _difference((task, float(p), model, 20))
            assert field == f"{mean:.2f}", (task, column)


def test_differences_of_figure_3_are_those_of_the_files():
    for table in _figure_3_tables("difference"):
        for row, *fields in table.rows:
            compared = re.match(r"(\w+)(?: less (\w+))?, t = (\d+)", row)
            first, second, t = compared[1], compared[2] or compared[1], int(compared[3])
            other = t if compared[2] else int(row.rpartition("= ")[2])
            for column, field in zip(table.columns[1:], fields, strict=True):
                task, p = column.split(": ")
                panel = (task, float(p))
                pair = _difference((*panel, first, t), (*panel, second, other))
                assert field == _shown(pair, sign="+"), (row, column)


def test_division_of_figure_3_is_that_of_the_file():
    (table,) = _figure_3_tables("rise")
    records = {
        (r["model"], r["first_coefficient"], r["p"]): r
        for r in _numbers("measured", _FIGURE3)["fourier_by_first_coefficient"]
    }
    for row, *fields in table.rows:
        for column, field in zip(table.columns[1:], fields, strict=True):
            kind, p = column.split(": ")
            if row == "number of patches":
                assert field == str(records["RIM", kind, float(p)]["num_patches"])
                continue
            record = records[row, kind, float(p)]
            rise = 0 - round(record["fall_from_t_20_to_50"], 2)
            assert field == _shown([rise, record["standard_error"]], sign="+")


def test_all_measured_rows_are_checked():
    """A new table with MEASURED rows must come with a test above."""
    for document in _WITH_NUMBERS:
        for table in _tables(document):
            cells = [*table.columns, *(row[0] for row in table.rows)]
            known = {*_TABLES, "Baselines", "Figure 3"}
            if any("MEASURED" in cell for cell in cells):
                assert table.heading in known or "160068" in cells[0], cells


def test_patches_seen_are_those_of_recipes_and_histories():
    for document in (_SCRIPTS / "RESULTS.md", _SCRIPTS / "TRAINING.md"):
        for table in _tables(document):
            if "patches seen" not in table.columns:
                continue
            at = table.columns.index("patches seen")
            for row in table.rows:
                for name in re.findall(r"`(\w+)`", row[0]):
                    stages = RECIPES[name].stages
                    seen = sum(stage.num_patches * stage.epochs for stage in stages)
                    assert row[at].removesuffix(" each") == f"{seen:,}"
                    if "stages" in table.columns:
                        assert row[table.columns.index("stages")] == str(len(stages))


def test_the_diary_is_that_of_the_histories():
    (table,) = (t for t in _tables(_SCRIPTS / "TRAINING.md") if "minutes" in t.columns)
    for row in table.rows:
        fields = dict(zip(table.columns, row, strict=True))
        name, number = re.match(r"`(\w+)`, (\d+)", row[0]).groups()
        path = _ROOT / "rim_tf" / "weights" / f"{name}.json"
        stages = [json.loads(path.read_text())["history"]]
        while "initial_weights" in stages[0]:
            stages.insert(0, stages[0]["initial_weights"])
        stage = stages[int(number) - 1]
        assert fields["patches"] == f"{stage['patches_seen']:,}"
        assert fields["minutes"] == f"{stage['seconds'] / 60:.0f}"
        assert fields["validation PSNR"] == f"{stage['validation_psnr']:.2f}"
        assert fields["batch"] == str(stage["settings"]["batch_size"])


def _sentences(document: Path) -> list[str]:
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", _without_code(document))
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`]*`", "CODE", text)
    lines = [
        line for line in text.splitlines() if not line.startswith(("|", "#", "<!--"))
    ]
    paragraphs = re.split(r"\n\s*\n|\n(?=\* )", "\n".join(lines))
    return [
        " ".join(sentence.split())
        for paragraph in paragraphs
        for sentence in re.split(r"(?<=[.!?])[*)]*\s+(?=[*(\[A-Z])", paragraph)
        if sentence.strip()
    ]


@pytest.mark.parametrize("document", [_README, _LESSON], ids=_name)
def test_sentences_are_short(document):
    sentences = _sentences(document)
    assert len(sentences) > 20
    for sentence in sentences:
        assert len(sentence.split()) <= 30, sentence
        assert len(re.findall(r"(?<![\w.:-])\d[\d,.]*", sentence)) <= 2, sentence


def test_the_readme_is_a_page_and_a_half():
    assert len(_README.read_text().splitlines()) <= 150


@pytest.mark.parametrize("document", _DOCUMENTS, ids=_name)
def test_lines_are_not_too_long(document):
    for line in document.read_text().splitlines():
        assert len(line) <= 120 or line.startswith("|"), line


def _anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", _without_code(document), flags=re.M)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("document", _DOCUMENTS, ids=_name)
def test_links_lead_somewhere(document):
    for link in re.findall(r"\]\(([^)]*)\)", document.read_text()):
        if re.match(r"https?://", link):
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target), link


@functools.cache
def _files() -> list[str]:
    """Returns the files and folders of the project, without what is ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    paths = [Path(name) for name in listed if name]
    folders = {f"{parent}/" for path in paths for parent in path.parents}
    return [*map(str, paths), *folders]


def _exists(name: str) -> bool:
    pattern = re.escape(name).replace(r"\*", "[^/]*")
    return any(re.search(rf"(^|/){pattern}$", file) for file in _files())


def _named_files(text: str) -> list[str]:
    """Returns what stands in backticks and looks like a file, or like a folder."""
    spans = re.findall(r"`([^`\n]+)`", text)
    looks = re.compile(r"[\w./*-]+(/|\.(py|md|json|csv|png|jpg|txt|h5|toml|cfg|sh))")
    words = [word for span in spans for word in span.split()]
    return [w for w in words if looks.fullmatch(w) and not _WRITTEN.match(w)]


@pytest.mark.parametrize("document", _DOCUMENTS, ids=_name)
def test_files_that_are_named_exist(document):
    if document == _CHANGES:
        # What moved is in the first column; where to, in the last.
        rows = [row for table in _tables(document) for row in table.rows]
        text = "\n".join(row[-1] for row in rows)
    else:
        text = _without_code(document)
    names = _named_files(text)
    assert names
    for name in names:
        assert _exists(name), name


# The command that is installed, and the package that it is.
_RESTORE = "rim-restore"
_SUBCOMMANDS = ("denoise", "enlarge", "inpaint", "deblur", "demosaic")


class _Command(NamedTuple):
    """A call of a script, or of the command that is installed."""

    script: Path
    arguments: list[str]


def _commands(document: Path) -> list[_Command]:
    found = []
    for block in _code(document, "sh"):
        lines = block.replace("\\\n", " ").splitlines()
        for part in (part for line in lines for part in line.split("&&")):
            words = shlex.split(part, comments=True)
            if words and words[0].endswith(f"/{_RESTORE}"):
                found.append(_Command(Path(_RESTORE), words[1:]))
                continue
            if len(words) < 2 or not re.search(r"(^|/)python3?$", words[0]):
                continue
            if words[1].endswith(".py"):
                found.append(_Command(_ROOT / words[1], words[2:]))
            else:
                # venv, pytest: modules.
                assert words[1] == "-m", part
    return found


@functools.cache
def _help(script: Path, *subcommand: str) -> str:
    start = (
        ["-m", "paper_experiments.rim_restore"] if script.name == _RESTORE else [script]
    )
    finished = subprocess.run(
        [sys.executable, *start, *subcommand, "--help"],
        capture_output=True,
        text=True,
        check=False,
        cwd=_ROOT,
    )
    return finished.stdout


def _flags(command: _Command) -> set[str]:
    subcommand = command.arguments[:1] if _has_subcommands(command) else []
    text = _help(command.script, *subcommand)
    return set(re.findall(r"--(?:\[no\])?(\w+)", text))


def _has_subcommands(command: _Command) -> bool:
    return command.script.name == _RESTORE


@pytest.mark.parametrize("document", _DOCUMENTS, ids=_name)
def test_commands_have_scripts_and_flags_that_exist(document):
    commands = _commands(document)
    assert commands or document.name in ("CHANGELOG.md", "RESULTS.md", "PERFORMANCE.md")
    for command in commands:
        assert command.script.name == _RESTORE or command.script.exists(), command
        names = [a for a in command.arguments if not a.startswith("--")]
        if command.script.name == "train.py":
            assert set(names) <= set(RECIPES), command
        elif _has_subcommands(command):
            assert names[0] in _SUBCOMMANDS
        elif command.script.name == "compare.py":
            assert len(names) == 2, command
        else:
            assert not names
        flags = [a[2:].partition("=")[0] for a in command.arguments if a[:2] == "--"]
        assert set(flags) <= _flags(command), command


def test_commands_of_train_are_taken():
    """Their flags are read, values and all, and then --list ends them."""
    commands = {
        (*command.arguments, "--list")
        for document in _DOCUMENTS
        for command in _commands(document)
        if command.script.name == "train.py"
    }
    assert len(commands) > 5
    for arguments in commands:
        finished = subprocess.run(
            [sys.executable, _SCRIPTS / "train.py", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, (arguments, finished.stderr)


# What makes the long ones short, where they do not set it themselves. How data are
# prepared is tested in bsds300_test.py, what train.py does in train_test.py.
_SHRUNK = {
    "table2_denoise.py": ("--images=FOLDER", "--num_steps=1", "--num_images=1"),
    "figure3_three_task.py": (
        *("--images=FOLDER", "--num_steps=1", "--num_test_patches=1"),
    ),
    _RESTORE: ("--num_steps=1",),
}


def test_other_commands_run_shrunk(
    tmp_path, monkeypatch, run_here, small_weights, three_task_weights, small_images
):
    monkeypatch.chdir(tmp_path)
    Path("FOLDER").symlink_to(small_images)
    Image.fromarray(skimage.data.chelsea()[:32, :40]).save("photo.png")
    trained = Path("results", "train")
    of_names = {
        name: three_task_weights / name / name
        for name in ("rim_3task", "gdn_3task", "ffn_3task")
    }
    of_names["rim_denoise"] = small_weights.parent / "small"
    for name, trained_as in of_names.items():
        folder = trained / f"{name}_paper"
        folder.mkdir(parents=True)
        for suffix in ("weights.h5", "json"):
            path = folder / f"{name}_paper.{suffix}"
            shutil.copy(trained_as.with_name(f"{trained_as.name}.{suffix}"), path)
    commands = {
        (command.script, tuple(command.arguments))
        for document in _DOCUMENTS
        for command in _commands(document)
        if command.script.name in _SHRUNK
        # Of a training that nobody has made here.
        and not any("=results/hour/" in argument for argument in command.arguments)
    }
    assert {script.name for script, _ in commands} == set(_SHRUNK)
    for script, arguments in sorted(commands):
        shrunk = [
            flag
            for flag in _SHRUNK[script.name]
            if not any(a.startswith(flag.partition("=")[0]) for a in arguments)
        ]
        if script.name == _RESTORE:
            with pytest.raises(SystemExit) as end:
                rim_restore.main([*arguments, *shrunk])
            assert end.value.code == 0
        else:
            run_here(script.stem, *arguments, *shrunk, "--overwrite")
    written = {str(path.parent) for path in tmp_path.rglob("result.json")}
    assert len(written) == 3
    assert Path("photo_denoised.png").exists()


def test_every_recipe_has_its_command():
    commands = _commands(_SCRIPTS / "TRAINING.md")
    assert set(RECIPES) <= {a for command in commands for a in command.arguments}


@pytest.mark.parametrize("document", _DOCUMENTS, ids=_name)
def test_flags_in_the_text_exist(document):
    text = _without_code(document)
    if document == _CHANGES:
        rows = [row for table in _tables(document) for row in table.rows]
        text = "\n".join(row[-1] for row in rows if "refused" not in row[-1])
    scripts = [*_SCRIPTS.glob("*.py"), *(_ROOT / "data_prep").glob("*.py")]
    scripts = [s for s in scripts if s.name not in ("__init__.py", "recipes.py")]
    calls = [(script,) for script in scripts]
    calls += [(Path(_RESTORE), subcommand) for subcommand in _SUBCOMMANDS]
    known = {
        flag
        for script, *subcommand in calls
        for flag in re.findall(r"--(?:\[no\])?(\w+)", _help(script, *subcommand))
    }
    for span in re.findall(r"`([^`\n]+)`", text):
        for flag in re.findall(r"(?<!\w)--(\w+)", span):
            assert flag in known, span


def test_examples_run(monkeypatch):
    """The README's Python, on a small part of its photograph and with one step."""
    photograph = skimage.data.chelsea()[100:132, 100:140]
    monkeypatch.setattr(skimage.data, "chelsea", lambda: photograph)
    names = {}
    sizes = []
    for code in _code(_README, "python"):
        exec(compile(code, _README.name, "exec"), names)
        sizes.append(names["restored"].shape)
    assert sizes == [(1, 32, 40, 1)] * 2
    # Both are better than their observations.
    error = np.mean(np.square(names["restored"] - names["clean"]))
    assert error < np.mean(np.square(names["observation"] - names["clean"]))
