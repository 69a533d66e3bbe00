"""Tests of the command line of the benchmark."""

import pytest


def test_a_process_that_is_refused_measures_nothing(run_script):
    finished = run_script("benchmark_speed", "extra", expect_success=False)
    assert finished.stderr.rstrip().endswith("\nUnknown arguments: extra.")
    assert "--precision" in finished.stderr
    assert finished.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--peer=a.py"], "--peer: give --against=COMMIT, too."),
        (["--quick"], "--quick: give --against=COMMIT or --growth, too."),
        (
            ["--growth", "--peer=a.py"],
            "--peer: give --against=COMMIT, and not",
        ),
        (["--against=HEAD", "--growth"], "--growth: leave it out beside --against."),
        (["--growth", "--repeats=2"], "--repeats: leave it out beside --growth."),
        (["--against=no_such"], "--against: there is no commit 'no_such' here; give"),
        (["--against="], "--against: there is no commit '' here; give one"),
        (["--against=--help"], "--against: there is no commit '--help' here; give"),
        (["--against=HEAD", "--figures=speed"], "--figures: there is no figure speed;"),
        (["--against=HEAD", "--figures="], "--figures: there is no figure without a"),
        (["--against=HEAD", "--peer=no.py"], "--peer: no.py is not a file; give"),
        (["--against=HEAD", "--data_dir=/no"], "--data_dir: /no has no BSDS-300, wh"),
    ],
    ids=str,
)
def test_refuses_in_one_line_that_names_the_flag(
    run_script, tmp_path, arguments, message
):
    output = tmp_path / "out"
    if arguments[0] == "--growth" or arguments[0].startswith("--against"):
        arguments = [*arguments, f"--output_dir={output}"]
    finished = run_script("benchmark_speed", *arguments, expect_success=False)
    assert finished.stderr.startswith(f"error: {message}")
    assert finished.stderr.count("\n") == 1
    assert finished.stdout == ""
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--against=HEAD", "--figures=help_s"], "result.json"),
        (["--growth"], "growth.json"),
    ],
)
def test_earlier_results_are_kept(run_script, tmp_path, arguments, name):
    (tmp_path / name).write_text("{}")
    finished = run_script(
        "benchmark_speed",
        *(*arguments, f"--output_dir={tmp_path}"),
        expect_success=False,
    )
    assert "has results already; choose another folder, or give" in finished.stderr
    assert (tmp_path / name).read_text() == "{}"
