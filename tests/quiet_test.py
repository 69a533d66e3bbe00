"""Tests of starting the backend without noise."""

import pytest


@pytest.mark.parametrize(
    "arguments",
    [
        ("table2_denoise", "--dataset=embedded"),
        ("train", "rim_denoise_paper", "--dataset=embedded"),
        ("benchmark_speed",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_another_backend_is_refused_in_one_line(arguments, run_script, tmp_path):
    if arguments[0] in ("table2_denoise", "train"):
        arguments = (*arguments, f"--output_dir={tmp_path}/out")
    finished = run_script(*arguments, backend="torch", expect_success=False)
    line = "error: KERAS_BACKEND=torch: give tensorflow, or jax.\n"
    assert finished.stderr == line
    assert not (tmp_path / "out").exists()
