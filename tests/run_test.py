"""Tests of what all scripts share, with one of them, as a user calls it."""

import functools

import pytest


@pytest.fixture(name="run")
def _run(run_script):
    return functools.partial(run_script, "table2_denoise")


def test_help_shows_the_flags(run):
    finished = run("--help", expect_success=False)
    for flag in ("--data_dir", "--[no]train", "--[no]baselines", "--rows"):
        assert flag in finished.stdout
    assert "--num_patches: With --train: Training patches" in finished.stdout


def test_file_that_is_no_image(tmp_path, run):
    (tmp_path / "text.png").write_text("no image")
    finished = run(
        f"--images={tmp_path}", f"--output_dir={tmp_path}/out", expect_success=False
    )
    assert "--images:" in finished.stderr
    assert "text.png cannot be read as an image" in finished.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--images=/nowhere"], "--images: /nowhere is not a folder"),
        (["--dataset=bsds300", "--data_dir=/proc/nowhere"], "error: --data_dir: "),
        (["--output_dir=/proc/nowhere"], "--output_dir: /proc/nowhere cannot be made"),
        (["--output_dir=/proc"], "--output_dir: /proc cannot be written: "),
        (
            ["--dataset=embedded", "--test_set=68"],
            "--test_set: there is no set 68 in embedded; there are: embedded.",
        ),
        (["--num_images=0"], "flag --num_images=0: "),
        (["--precision=float16"], "flag --precision=float16: "),
        (["extra"], "Unknown arguments: extra"),
    ],
)
def test_bad_input_gives_one_line(arguments, message, check_refused):
    check_refused("table2_denoise", *arguments, message=message)
