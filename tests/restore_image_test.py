"""Tests of the script that `rim-restore` has taken the place of."""


def test_says_where_it_went(run_script):
    finished = run_script("restore_image", "denoise", "photo.png", expect_success=False)
    assert finished.returncode == 1
    assert finished.stdout == ""
    (line,) = finished.stderr.splitlines()
    assert line.startswith("error: restore_image.py is now the command rim-restore")
