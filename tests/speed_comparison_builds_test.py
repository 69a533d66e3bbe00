"""Tests of the temporary worktree: it is there, and nothing of it stays."""

import os
import signal
import time

import pytest

from paper_experiments.common.errors import UserError
from paper_experiments.speed_comparison import builds
from tests import tiny_builds


@pytest.fixture(autouse=True)
def _heeded():
    """No interruption is ignored, as some are of what runs in the background."""
    handlers = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, to) for number, to in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(name="repository")
def _repository(tmp_path):
    root = tmp_path / "repository"
    return root, tiny_builds.make(root)


def _worktrees(root):
    return tiny_builds.git(root, "worktree", "list").splitlines()


def test_both_builds_are_there_and_the_old_one_goes(repository):
    root, (first, second) = repository
    with builds.side_by_side(root, first) as (old, new):
        assert "* 1" not in (old.tree / "rim_tf" / "__init__.py").read_text()
        assert "* 1" in (new.tree / "rim_tf" / "__init__.py").read_text()
        assert (old.commit, new.commit) == (first[:12], second[:12])
        assert len(_worktrees(root)) == 2
    assert not old.tree.parent.exists()
    assert len(_worktrees(root)) == 1


def test_changes_that_are_not_committed_are_told(repository):
    root, (first, second) = repository
    (root / "rim_tf" / "__init__.py").write_text("")
    with builds.side_by_side(root, first) as (_, new):
        assert new.commit == f"{second[:12]}-dirty"
    # They are where they were.
    assert (root / "rim_tf" / "__init__.py").read_text() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whoever_ends_it_leaves_no_worktree(repository, number):
    root, (first, _) = repository
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), builds.side_by_side(root, first) as (old, _):
        (old.tree / "written.txt").write_text("a")
        os.kill(os.getpid(), number)
        time.sleep(10)
    assert not old.tree.parent.exists()
    assert len(_worktrees(root)) == 1
    assert signal.getsignal(number) == before


def test_what_nohup_ignores_is_ignored(repository, monkeypatch):
    root, (first, _) = repository
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with builds.side_by_side(root, first) as (old, _):
            os.kill(os.getpid(), signal.SIGHUP)
            assert old.tree.exists()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_interruption_while_git_works_leaves_no_worktree(repository, monkeypatch):
    root, (first, _) = repository
    run = builds._git

    def interrupted(root, *arguments):
        finished = run(root, *arguments)
        if "add" in arguments:
            os.kill(os.getpid(), signal.SIGINT)
        return finished

    monkeypatch.setattr(builds, "_git", interrupted)
    with pytest.raises(KeyboardInterrupt), builds.side_by_side(root, first):
        pytest.fail("It was interrupted before.")
    assert len(_worktrees(root)) == 1


def test_other_worktrees_stay(repository, tmp_path):
    root, (first, _) = repository
    tiny_builds.git(root, "worktree", "add", "-q", "--detach", str(tmp_path / "mine"))
    with builds.side_by_side(root, first):
        assert len(_worktrees(root)) == 3
    assert len(_worktrees(root)) == 2


def test_hooks_do_not_run(repository):
    root, (first, _) = repository
    hook = root / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {root}/hook_ran\n")
    hook.chmod(0o755)
    with builds.side_by_side(root, first):
        pass
    assert not (root / "hook_ran").exists()


def test_data_beside_the_checkout_are_beside_the_old_build(repository):
    root, (first, _) = repository
    data = root.parent / "shared"
    data.mkdir()
    with builds.side_by_side(root, first) as (old, _):
        assert (old.tree.parent / "shared").resolve() == data.resolve()
    assert data.is_dir()


def test_what_cannot_be_put_beside_is_told(repository):
    root, _ = repository
    with (
        pytest.raises(UserError, match=r"^--against: git cannot put 0000 beside: "),
        builds.side_by_side(root, "0000"),
    ):
        pytest.fail("There is no such commit.")
    assert len(_worktrees(root)) == 1


def test_commits_are_resolved_as_git_does(repository):
    root, (first, second) = repository
    assert builds.resolve(root, "HEAD") == second
    assert builds.resolve(root, first[:8]) == first


def test_a_folder_in_no_checkout_is_refused(repository, tmp_path, monkeypatch):
    root, _ = repository
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    # That of an installed package may lie in a checkout of something else.
    for folder in (tmp_path, root / "rim_tf"):
        with pytest.raises(UserError, match="is not a git checkout; clone"):
            builds.resolve(folder, "HEAD")


def test_a_machine_without_git_is_told(repository, monkeypatch):
    root, _ = repository
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="--against: git is not installed"):
        builds.resolve(root, "HEAD")
