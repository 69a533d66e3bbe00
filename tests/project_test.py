"""Tests of the project as a whole: style, and what the README promises."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("arguments", [["check"], ["format", "--check"]])
def test_ruff(arguments):
    finished = subprocess.run(
        [sys.executable, "-m", "ruff", *arguments, _ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_ci_runs_the_readmes_test_command():
    command = (_ROOT / ".ci" / "run").read_text().splitlines()[-1]
    assert command in (_ROOT / "README.md").read_text()


def test_every_file_that_the_readme_links_to_exists():
    readme = (_ROOT / "README.md").read_text()
    links = re.findall(r"\]\(([^)#:]+)\)", readme)
    assert links
    for link in links:
        assert (_ROOT / link).exists(), link
