"""The two builds: this checkout, and a commit in a temporary git worktree."""

import contextlib
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from paper_experiments.common.errors import UserError

_INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Build(NamedTuple):
    """A build that is measured.

    Attributes:
      name: "old" or "new".
      tree: Its root.
      commit: Its commit, "-dirty" behind it where files were changed.
    """

    name: str
    tree: Path
    commit: str


def resolve(root: Path, commit: str) -> str:
    """Returns the hash of a commit.

    Args:
      root: Root of a checkout.
      commit: As git takes it.

    Raises:
      UserError: If that is no checkout, or has no such commit.
    """
    try:
        top = _git(root, "rev-parse", "--show-toplevel").stdout.strip()
    except FileNotFoundError as error:
        raise UserError("--against: git is not installed; install it.") from error
    if not top or Path(top).resolve() != root.resolve():
        raise UserError(
            f"--against: {root} is not a git checkout; clone the repository, and run "
            "the script there."
        )
    asked = f"{commit}^{{commit}}"
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", asked)
    if found.returncode:
        raise UserError(
            f"--against: there is no commit {commit!r} here; give one that git log "
            "shows, or fetch it first."
        )
    return found.stdout.split()[-1]


@contextlib.contextmanager
def side_by_side(root: Path, commit: str) -> Iterator[tuple[Build, Build]]:
    """Puts a commit beside the checkout; removes it afterwards, whatever happens.

    Args:
      root: Root of the checkout.
      commit: A hash of `resolve`.

    Yields:
      The old and the new build.

    Raises:
      UserError: If git cannot make the worktree.
    """
    with (
        _ends_as_interrupted(),
        tempfile.TemporaryDirectory(prefix="rim_tf_against_") as folder,
    ):
        tree = Path(folder, "old")
        try:
            # Neither is left half done.
            with _uninterrupted():
                made = _git(root, "worktree", "add", "--detach", str(tree), commit)
            if made.returncode:
                line = made.stderr.strip().splitlines()[-1]
                raise UserError(f"--against: git cannot put {commit} beside: {line}")
            # Tests look for data beside their checkout.
            data = root.parent / "shared"
            if data.is_dir():
                Path(folder, "shared").symlink_to(data)
            yield (
                Build("old", tree, commit[:12]),
                Build("new", root, _describe(root)),
            )
        finally:
            with _uninterrupted():
                _git(root, "worktree", "remove", "--force", "--force", str(tree))


def _minded() -> list[signal.Signals]:
    """Returns the interruptions that are not ignored, as nohup ignores one."""
    return [n for n in _INTERRUPTIONS if signal.getsignal(n) is not signal.SIG_IGN]


@contextlib.contextmanager
def _ends_as_interrupted() -> Iterator[None]:
    """Has whoever ends the process end it as Ctrl-C does, so that it cleans up."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    others = [number for number in _minded() if number != signal.SIGINT]
    before = {number: signal.signal(number, interrupt) for number in others}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Keeps Ctrl-C back until the end of the block."""
    came = []

    def keep(number: int, _: object) -> None:
        came.append(number)

    before = {number: signal.signal(number, keep) for number in _minded()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt


def _describe(root: Path) -> str:
    described = _git(root, "describe", "--always", "--dirty", "--abbrev=12")
    return described.stdout.strip()


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess:
    # No hooks of the user's: they are for work, and this tree is none. And Ctrl-C is
    # not for git.
    return subprocess.run(
        ["git", "-c", "core.hooksPath=/dev/null", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
