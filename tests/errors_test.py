"""Tests of the complaints about what the user can mend."""

import resource
import warnings

import pytest

from paper_experiments.common.errors import (
    UserError,
    check_writable,
    warnings_as_lines,
)


def test_folder_that_can_be_written_to_stays_empty(tmp_path):
    check_writable(tmp_path, "--output_dir: here")
    assert not list(tmp_path.iterdir())


def test_complaint_names_the_flag_and_the_reason(tmp_path):
    folder = tmp_path / "missing"
    with pytest.raises(
        UserError, match=r"^--output: there cannot be written: .*missing"
    ):
        check_writable(folder, "--output: there")


def test_a_name_that_is_too_long_is_found(tmp_path):
    with pytest.raises(UserError, match=r"^--output: a.* be written: .*too long"):
        check_writable(tmp_path, "--output: a", "a" * 256)
    check_writable(tmp_path, "--output: a", "a" * 255)


def test_room_is_asked_for(tmp_path):
    # As a full disk; Python turns the signal into an error.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        check_writable(tmp_path, "--output: a", size=1 << 20)
        with pytest.raises(UserError, match=r"^--output: a cannot be written: .*large"):
            check_writable(tmp_path, "--output: a", size=(1 << 20) + 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_warnings_are_lines(capsys):
    # Twice: Python would say a warning only once in a process.
    for _ in range(2):
        with warnings_as_lines():
            warnings.warn("one", stacklevel=1)
            warnings.warn("one", stacklevel=1)
            warnings.warn("two", RuntimeWarning, stacklevel=1)
            warnings.warn("for programmers", DeprecationWarning, stacklevel=1)
        assert capsys.readouterr() == ("*** one\n*** two\n", "")
