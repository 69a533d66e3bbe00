"""Tests of writing files as a whole."""

import json
import re
import subprocess
import sys
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


@pytest.mark.parametrize("text", ["", "{", '{"a": 1}}'])
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
