"""Tests of writing files as a whole."""

import json
import re
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

    def half(self, text):
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
