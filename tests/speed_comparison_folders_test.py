"""Tests of the folder where results go."""

import pytest

from paper_experiments.common.errors import UserError
from paper_experiments.speed_comparison import folders


def test_earlier_results_are_refused_unless_they_may_be_lost(tmp_path):
    folders.check(tmp_path, "result.json", False)
    (tmp_path / "result.json").write_text("{}")
    folders.check(tmp_path, "result.json", True)
    with pytest.raises(UserError, match="has results already; choose another folder"):
        folders.check(tmp_path, "result.json", False)


def test_a_folder_is_made_or_refused(tmp_path):
    folders.make(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"--output_dir: .*file cannot be made: "):
        folders.make(tmp_path / "file")
