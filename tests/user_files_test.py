"""Tests of how a user's Python file is run."""

import re

import pytest

from paper_experiments.common import user_files


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 +", "it cannot be imported: SyntaxError in line 1: invalid syntax"),
        ("\n1 / 0", "it cannot be imported: ZeroDivisionError in line 2: division by"),
        ("exit(3)", "it cannot be imported: SystemExit in line 1: 3"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_that_of_the_file(tmp_path, text, message):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(user_files.ImportFailedError, match=re.escape(message)) as error:
        user_files.run(path)
    assert len(str(error.value).splitlines()) == 1


def test_it_may_import_what_stands_beside_it_only_if_that_is_allowed(tmp_path):
    (tmp_path / "stands_beside.py").write_text("VALUE = 3")
    path = tmp_path / "mine.py"
    path.write_text("from stands_beside import VALUE")
    with pytest.raises(user_files.ImportFailedError, match="ModuleNotFoundError"):
        user_files.run(path, may_import_beside=False)
    assert user_files.run(path).VALUE == 3
