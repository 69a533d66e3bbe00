"""Tests of writing files as a whole."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from rim_tf import files


def test_replaces_when_all_went_well(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with files.replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("letter", ["a", "\u20ac", "\U0001f600"])
def test_the_longest_names_can_be_written(tmp_path, letter):
    end = ".weights.h5"
    path = tmp_path / (letter * ((255 - len(end)) // len(letter.encode())) + end)
    with files.replacing(path) as temporary:
        assert temporary.name.endswith(end)
        temporary.write_text("new")
    assert path.read_text() == "new"


def test_writes_any_text_wherever_it_runs(tmp_path):
    code = (
        f"exec(open({files.__file__!r}).read()); write_text('a.md', '\\u03c3 \\udcff')"
    )
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=tmp_path, env=ascii_only
    )
    assert (tmp_path / "a.md").read_bytes() == b"\xcf\x83 \\udcff"


def test_keeps_the_old_file_after_an_error(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), files.replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


_KILLED = """
import os, signal
exec(open({code!r}).read())
with replacing("a.txt") as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    code = _KILLED.format(code=files.__file__)
    killed = subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.glob(".*")
    assert (tmp_path / "a.txt").read_text() == "old"
    # Those of other processes that are alive, of other machines, and of the user stay.
    alive = left.with_name(re.sub(r"-\d+-", f"-{os.getppid()}-", left.name))
    elsewhere = left.with_name(f".writing-00000000-{left.name.split('-', 2)[2]}")
    own = tmp_path / ".writing-mine"
    for path in (alive, elsewhere, own):
        path.touch()
    files.write_text(tmp_path / "b.txt", "new")
    assert {*tmp_path.glob(".*")} == {alive, elsewhere, own}
    # Another machine's, of another day.
    os.utime(elsewhere, (time.time() - 1e6,) * 2)
    files._remove_stale.cache_clear()
    files.write_text(tmp_path / "b.txt", "new")
    assert {*tmp_path.glob(".*")} == {alive, own}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space"), "No space; make room on that disk, and"),
        (
            OSError(
                errno.ENOENT,
                "Unable to create file (unable to open file: name = 'a.h5', errno = 2, "
                "error message = 'No such file', flags = 13)",
            ),
            # Its folder is there: see below.
            "No such file; mend that, or choose another folder.",
        ),
        (OSError(errno.EROFS, "Read-only"), "Read-only; mend that, or choose another"),
        (OSError("Odd"), "Odd; mend that, or choose another folder."),
    ],
)
def test_what_cannot_be_written_is_named_with_a_remedy(tmp_path, error, said):
    path = tmp_path / "a.txt"
    with pytest.raises(files.NotWrittenError) as caught, files.replacing(path):
        raise error
    assert str(caught.value).startswith(f"{path} cannot be written: {said}")


def test_a_full_disk_is_found_before_hdf5(tmp_path, monkeypatch):
    """On one it ends the process by a segmentation fault."""
    path, room = tmp_path / "a.weights.h5", 0
    shapes = [types.SimpleNamespace(shape=(3, 3, 64, 64)) for _ in range(3)]
    model = types.SimpleNamespace(
        variables=shapes[:1],
        optimizer=types.SimpleNamespace(variables=shapes[1:]),
        save_weights=lambda path: path.write_bytes(b"saved"),
    )

    def write(self, data):
        if len(data) > room:
            raise OSError(errno.ENOSPC, "No space left on device")
        with self.open("wb") as file:
            file.write(data)

    monkeypatch.setattr(type(path), "write_bytes", write)
    room = 3 * 4 * 3 * 3 * 64 * 64
    message = r"a\.weights\.h5 cannot be written: No space .*; make room on"
    with pytest.raises(files.NotWrittenError, match=message):
        files.save_weights(model, path)
    assert not list(tmp_path.iterdir())
    room *= 2
    files.save_weights(model, path)
    assert path.read_bytes() == b"saved"


def test_a_folder_that_is_gone_is_named_with_a_remedy(tmp_path):
    path = tmp_path / "gone" / "a.txt"
    message = f"^{re.escape(str(path))} cannot be written: No such .*; its folder is"
    with pytest.raises(files.NotWrittenError, match=message):
        files.write_text(path, "new")


def test_what_cannot_be_appended_is_named_with_a_remedy(tmp_path):
    path = tmp_path / "a.tgz"
    for data in (b"one", b" two"):
        files.append(path, data)
    assert path.read_bytes() == b"one two"
    with pytest.raises(files.NotWrittenError, match=r"b/a\.tgz cannot .*; its fold"):
        files.append(tmp_path / "b" / "a.tgz", b"three")


def test_an_error_that_names_another_file_is_left_as_it_is(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match=r"other\.txt"),
        files.replacing(tmp_path / "a.txt"),
    ):
        (tmp_path / "other.txt").read_text()


def test_writes_a_text_as_a_whole(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    files.write_text(path, "old")
    files.write_text(str(path), "new")
    assert path.read_text() == "new"

    def half(self, text, **_):
        self.write_bytes(text[: len(text) // 2].encode())
        raise OSError("The disk is full.")

    monkeypatch.setattr(type(path), "write_text", half)
    with pytest.raises(OSError, match="full"):
        files.write_text(path, "newer")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_strict(tmp_path):
    """Readers other than Python's refuse Infinity and NaN."""
    path = tmp_path / "a.json"
    files.write_json(path, {"a": [1.5, float("inf"), (float("nan"), "b")], "c": None})

    def refuse(constant):
        raise AssertionError(constant)

    read = json.loads(path.read_text(), parse_constant=refuse)
    assert read == {"a": [1.5, None, [None, "b"]], "c": None}
    assert files.read_json(path, "") == read


@pytest.mark.parametrize("text", ["", "{", '{"a": 1}}', "[" * 100_000])
def test_damaged_json_is_named_with_its_remedy(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    message = rf"^{re.escape(str(path))} is damaged \(.*\); delete it\.$"
    with pytest.raises(files.DamagedFileError, match=message):
        files.read_json(path, "delete it")


def test_no_one_else_writes_json_files():
    root = Path(__file__).parents[1]
    writers = [
        path.name
        for folder in ("rim_tf", "paper_experiments", "data_prep")
        for path in (root / folder).rglob("*.py")
        if re.search(
            r"json\.dump\(|(write_text|write)\(.*json\.dumps", path.read_text()
        )
    ]
    assert writers == ["files.py"]


def test_folder_is_taken_away_again_if_nothing_came(tmp_path):
    with pytest.raises(RuntimeError), files.making(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    with files.making(tmp_path / "a" / "b"):
        (tmp_path / "a" / "c").touch()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["c"]


def test_folder_that_was_there_stays(tmp_path):
    with files.making(tmp_path):
        pass
    assert tmp_path.is_dir()
