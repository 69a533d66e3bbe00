"""Tests of the project as a whole: style, and what the README promises."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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


def test_versions_that_passed_are_within_what_is_asked_for():
    lines = (_ROOT / ".ci" / "constraints.txt").read_text().splitlines()
    pinned = {
        canonicalize_name(name): version
        for name, version in (line.split("==") for line in lines if line[0] != "#")
    }
    asked = configparser.ConfigParser()
    asked.read(_ROOT / "setup.cfg")
    extra = asked["options.extras_require"]["test"]
    options = asked["options"]["install_requires"], extra
    requirements = [
        Requirement(line)
        for line in "\n".join(options).splitlines()
        if line and not line.startswith("#")
    ]
    assert len(requirements) > 15
    for requirement in requirements:
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement
