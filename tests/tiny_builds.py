"""A tiny repository with two builds of a library that restores nothing."""

import subprocess
from pathlib import Path

_LIBRARY = """
import types

precision = types.SimpleNamespace(resolve=lambda name: (name, ""))


def load_pretrained(name, dtype=None):
    return name


def restore(model, observation, sigma, num_steps=None):
    return observation
"""


def make(root: Path) -> list[str]:
    """Makes a repository of two commits; returns their hashes.

    Args:
      root: A folder that is not there yet.
    """
    (root / "rim_tf").mkdir(parents=True)
    git(root, "init", "-q")
    library = root / "rim_tf" / "__init__.py"
    library.write_text(_LIBRARY)
    commits = [_commit(root)]
    library.write_text(_LIBRARY.replace("observation\n", "observation * 1\n"))
    return [*commits, _commit(root)]


def git(root: Path, *arguments: str) -> str:
    """Runs git in a repository; returns what it says."""
    return subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
    ).stdout.strip()


def _commit(root: Path) -> str:
    git(root, "add", ".")
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    git(root, *who, "commit", "-q", "--no-verify", "-m", "a build")
    return git(root, "rev-parse", "HEAD")
