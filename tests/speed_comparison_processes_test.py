"""Tests of processes that measure."""

import shlex
import sys
from pathlib import Path

import pytest

from paper_experiments.common.errors import UserError
from paper_experiments.speed_comparison import processes
from paper_experiments.speed_comparison.builds import Build


def _peer(folder, text):
    path = folder / "peer of mine.py"
    path.write_text(text)
    return path


def test_a_peers_numbers_are_read(tmp_path):
    path = _peer(
        tmp_path, 'print("a")\nprint(\'{"restore_320x480_s": 1.5, "n": 2, "a": "b"}\')'
    )
    command = processes.peer_command(str(path))
    assert command == [sys.executable, str(path)]
    assert processes.measure_peer(command) == {"restore_320x480_s": 1.5, "n": 2.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import no_such_package", "No module named 'no_such_package'"),
        ("raise RuntimeError('why')", "^why$"),
        ("raise SystemExit(3)", "it ended with 3"),
        ("print('fast')", "its last line is no JSON"),
        ("print([1])", "its last line is no JSON"),
        ("", "its last line is no JSON"),
        (
            """print('{"restore_s": 1.5}')""",
            "neither train_patches_per_s nor restore_3",
        ),
    ],
)
def test_a_peer_that_fails_is_told(tmp_path, text, message):
    command = processes.peer_command(str(_peer(tmp_path, text)))
    with pytest.raises(processes.FailedError, match=message):
        processes.measure_peer(command)


def test_a_peer_may_have_flags_and_another_python(tmp_path):
    path = _peer(tmp_path, "")
    asked = f"{shlex.quote(str(path))} --compile --batch=16"
    flags = ["--compile", "--batch=16"]
    assert processes.peer_command(asked) == [sys.executable, str(path), *flags]
    asked = f"/bin/python {asked}"
    assert processes.peer_command(asked) == ["/bin/python", str(path), *flags]


def test_a_python_that_is_not_there_is_told(tmp_path):
    command = processes.peer_command(
        f"/no/python {shlex.quote(str(_peer(tmp_path, '')))}"
    )
    with pytest.raises(processes.FailedError, match="No such file"):
        processes.measure_peer(command)


@pytest.mark.parametrize("asked", ["no.py", "no.py --flag", "peer", ""])
def test_a_peer_that_is_not_there_is_refused(asked):
    with pytest.raises(UserError, match=r"^--peer: .* is not a file; give FILE.py"):
        processes.peer_command(asked)


def test_an_interruption_ends_what_was_started(tmp_path, monkeypatch):
    started = []

    class Interrupted(processes.subprocess.Popen):
        def communicate(self):
            started.append(self)
            raise KeyboardInterrupt

    monkeypatch.setattr(processes.subprocess, "Popen", Interrupted)
    command = processes.peer_command(str(_peer(tmp_path, "input()")))
    with pytest.raises(KeyboardInterrupt):
        processes.measure_peer(command)
    assert started[0].returncode < 0


def test_a_build_that_lacks_the_library_says_so(tmp_path):
    """The library that is installed, or of this checkout, is not taken for it."""
    build = Build("old", tmp_path, "a")
    with pytest.raises(processes.FailedError, match=r"rim_tf"):
        processes.measure_build(build, "first_result", processes.Settings())


def test_what_measures_needs_no_names_of_this_project():
    """It must run beside a tree that has not got them."""
    text = Path(processes.measure.__file__).read_text()
    assert "import paper_experiments" not in text
    assert "from paper_experiments" not in text
