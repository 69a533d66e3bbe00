"""Tests of `reproduce.py`, whose scripts are replaced by what they wrote before."""

import copy
import json
import subprocess
from pathlib import Path

import pytest

from paper_experiments.common import claims, document_tables


@pytest.fixture(name="scripts")
def _scripts(monkeypatch):
    """Commands that were to be run; scripts write what they wrote before.

    It may be changed before: `shift` adds to a value in dB, `failing` is the name of a
    script that ends with an error.
    """

    class Scripts:
        commands, shift, failing = [], 0.0, ""

    scripts = Scripts()
    scripts.commands = []
    known = json.loads(claims._EMBEDDED.read_text())

    def run(command, **_):
        name = Path(command[1]).stem
        scripts.commands.append(command[1:])
        if name == scripts.failing:
            return subprocess.CompletedProcess(command, 1, "", "a\nerror: no space\n")
        result = copy.deepcopy(known[name])
        for record in result["measured"]:
            for image_id in record["per_image"]:
                record["per_image"][image_id] += scripts.shift
        (output,) = (a.partition("=")[2] for a in command if "--output_dir=" in a)
        Path(output).mkdir()
        (Path(output) / "result.json").write_text(json.dumps(result))
        return subprocess.CompletedProcess(command, 0, "", "")

    def other(command, **how):
        return (
            run(command)
            if "paper_experiments" in str(command[1])
            else real(command, **how)
        )

    real = subprocess.run
    monkeypatch.setattr(subprocess, "run", other)
    return scripts


def test_reads_what_was_measured_before(tmp_path, run_here, scripts):
    finished = run_here("reproduce", f"--output_dir={tmp_path / 'out'}")
    assert scripts.commands == []
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"report.md", "report.html"}
    found = claims.read()
    reached = sum(claim.holds for claim in found)
    said = f"Reproduced: {reached} of {len(found)} claims."
    for text in (finished.stdout, *map(Path.read_text, (tmp_path / "out").iterdir())):
        assert said in text
        assert "DIFFERS" not in text


@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_quick_compares_with_before(tmp_path, run_here, scripts, shift):
    scripts.shift = shift
    finished = run_here(
        *("reproduce", "--quick", "--dataset=embedded"),
        f"--output_dir={tmp_path / 'out'}",
        expect_success=not shift,
    )
    assert [Path(command[0]).stem for command in scripts.commands] == list(
        claims.TABLES
    )
    for command in scripts.commands:
        assert {"--num_images=1", "--dataset=embedded"} < set(command)
    # A level of Table 1, three of the others each.
    lines = [x for x in finished.stdout.splitlines() if ", image chelsea |" in x]
    assert len(lines) == 10
    for line in lines:
        assert line.endswith("| DIFFERS |" if shift else "| agrees |")
    assert ("DIFFERS: 10 of 10 values" in finished.stdout) == bool(shift)


def test_a_script_that_fails(tmp_path, run_here, scripts):
    """The others are measured all the same."""
    scripts.failing = "table2_denoise"
    finished = run_here(
        *("reproduce", "--quick", "--dataset=embedded"),
        f"--output_dir={tmp_path / 'out'}",
        expect_success=False,
    )
    assert "table2_denoise.py: error: no space" in finished.stdout
    assert finished.stdout.count("| agrees |") == 7
    assert "1 could not be measured" in finished.stdout


def test_documents_are_made_anew(tmp_path, run_here, monkeypatch):
    document = tmp_path / "RESULTS.md"
    (whole,) = (p for p in document_tables.DOCUMENTS if p.name == "RESULTS.md")
    text = whole.read_text()
    document.write_text(text.replace("|  31.63 |", "|  31.64 |"))
    monkeypatch.setattr(document_tables, "DOCUMENTS", [document, document])
    finished = run_here("reproduce", "--documents", f"--output_dir={tmp_path / 'out'}")
    assert finished.stdout == "RESULTS.md: made anew.\nRESULTS.md: as it was.\n"
    assert document.read_text() == text


def test_documents_and_pages_are_two_things(tmp_path, run_here):
    finished = run_here(
        *("reproduce", "--documents", "--quick"),
        f"--output_dir={tmp_path / 'out'}",
        expect_success=False,
    )
    assert finished.stderr.startswith("error: --documents makes tables only")
