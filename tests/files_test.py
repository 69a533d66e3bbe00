"""Tests of writing files as a whole."""

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
