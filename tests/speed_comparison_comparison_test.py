"""Tests that the harness runs, on two tiny builds; no test of how fast they are."""

import json

import pytest

from paper_experiments.common.errors import UserError
from paper_experiments.speed_comparison import comparison, processes
from tests import tiny_builds


@pytest.fixture(name="request_of")
def _request_of(tmp_path):
    """A function that asks for a comparison of two tiny builds."""
    root = tmp_path / "repository"
    first, _ = tiny_builds.make(root)

    def ask(*figures, **more):
        settings = processes.Settings(quick=True)
        output = tmp_path / "out"
        more = {"rounds": 2, "settings": settings, **more}
        return comparison.Request(root, first, figures, output, **more)

    return ask


def _worktrees(request):
    return tiny_builds.git(request.root, "worktree", "list").splitlines()


def test_a_ratio_comes_out(request_of, tmp_path):
    peer = tmp_path / "peer.py"
    peer.write_text("print('{\"restore_320x480_s\": 9.0}')")
    request = request_of("import_s", "restore_s", "restore_auto_s", peer=str(peer))
    lines = []
    assert comparison.compare(request, lines.append)
    result = json.loads((request.output_dir / "result.json").read_text())
    for key in ("import_s", "restore_s"):
        figure = result["figures"][key]
        assert figure["ratio"] > 0
        assert figure["spread"] >= 0
        assert len(figure["new"]) == 2
    assert result["figures"]["restore_s"]["median_peer"] == 9
    # Neither build stops by itself.
    assert result["figures"]["restore_auto_s"]["ratio"] is None
    table = (request.output_dir / "table.md").read_text()
    assert table.count("not in this build") >= 2
    assert table in "\n".join(lines)
    assert set(result["builds"]) == {"old", "new"}
    assert result["versions"]["keras"]
    assert _worktrees(request) == _worktrees(request)[:1]


def test_a_failure_is_told_and_the_rest_is_measured(request_of):
    request = request_of("import_s", "restore_s", rounds=1)
    library = request.root / "rim_tf" / "__init__.py"
    library.write_text(f"{library.read_text()}\ndel restore\n")
    lines = []
    assert not comparison.compare(request, lines.append)
    text = (request.output_dir / "table.md").read_text()
    assert "* **restore, new: failed**" in text
    assert "-dirty" in text
    result = json.loads((request.output_dir / "result.json").read_text())
    assert result["figures"]["restore_s"]["ratio"] is None


def test_an_interruption_keeps_what_is_there_and_leaves_no_worktree(request_of):
    request = request_of("import_s")

    def interrupt(line):
        if line.startswith("[2/4]"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        comparison.compare(request, interrupt)
    result = json.loads((request.output_dir / "result.json").read_text())
    assert len(result["figures"]["import_s"]["old"]) == 1
    assert len(_worktrees(request)) == 1


def test_a_peer_that_fails_leaves_nothing(request_of, tmp_path):
    peer = tmp_path / "peer.py"
    peer.write_text("print('slow')")
    request = request_of("import_s", peer=str(peer))
    with pytest.raises(UserError, match="--peer: it fails: its last line is no JSON"):
        comparison.compare(request, lambda line: None)
    assert not request.output_dir.exists()
    assert len(_worktrees(request)) == 1


def test_a_busy_machine_is_told():
    assert comparison.warnings_of_load(0.4, cores=2) == []
    (line,) = comparison.warnings_of_load(0.6, cores=2)
    assert line.startswith("*** The machine is not idle: its load is 0.6")


def test_a_folder_that_cannot_be_made_is_told(request_of, tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(UserError, match=r"--output_dir: .* cannot be made"):
        comparison.compare(request_of("import_s"), lambda line: None)
