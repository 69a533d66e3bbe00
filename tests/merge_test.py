"""Tests of `merge.py`: parts become the whole, or are refused in one line."""

import json
import shutil

import pytest


@pytest.fixture(name="command", scope="module")
def _command(small_images, small_weights):
    return (
        "table2_denoise",
        f"--images={small_images}",
        f"--weights={small_weights}",
        "--num_steps=1",
        "--precision=float32",
    )


@pytest.fixture(name="parts", scope="module")
def _parts(tmp_path_factory, run_here, command):
    """The folders of two shards, and what the second said."""
    folder = tmp_path_factory.mktemp("parts")
    for k in (1, 2):
        said = run_here(*command, f"--shard={k}/2", f"--output_dir={folder / str(k)}")
    return folder, said.stdout


def _result(folder):
    return json.loads((folder / "result.json").read_text())


def test_joined_parts_equal_the_whole(tmp_path, parts, command, run_here, run_script):
    folder, _ = parts
    run_here(*command, f"--output_dir={tmp_path / 'whole'}")
    merged = run_script(
        "merge", folder / "1", folder / "2", f"--output_dir={tmp_path / 'merged'}"
    )
    assert "6 values of 2 parts are joined." in merged.stdout
    assert "6 values of an earlier run are here" in merged.stdout
    whole, joined = _result(tmp_path / "whole"), _result(tmp_path / "merged")
    assert joined["measured"] == whole["measured"]
    assert "shard" not in (tmp_path / "merged" / "table.md").read_text()
    pictures = {path.name for path in (tmp_path / "merged").iterdir()}
    assert pictures == {path.name for path in (tmp_path / "whole").iterdir()}


def test_other_images_under_the_same_path_are_no_whole(
    tmp_path, small_images, small_weights, run_here, run_script, monkeypatch
):
    shutil.copytree(small_images, tmp_path / "here" / "mine")
    monkeypatch.chdir(tmp_path / "here")
    for k in (1, 2):
        run_here(
            *("table2_denoise", "--images=mine", f"--weights={small_weights}"),
            *("--num_steps=1", f"--shard={k}/2", f"--output_dir=out/{k}"),
        )
    (tmp_path / "there" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "there")
    shutil.copy(small_images / "chelsea.png", "mine")
    parts = [tmp_path / "here" / "out" / str(k) for k in (1, 2)]
    finished = run_script("merge", *parts, "--output_dir=all", expect_success=False)
    assert "all is of other images than the parts" in finished.stderr


def test_a_part_says_what_it_is(parts):
    folder, said = parts
    assert "*** Only shard 2/2 of the images; see merge.py." in said
    (per_image,) = {
        tuple(record["per_image"]) for record in _result(folder / "2")["measured"]
    }
    assert per_image == ("chelsea.png",)


def test_refuses_what_makes_no_whole(parts, tmp_path, run_here):
    folder, _ = parts
    copies = {name: tmp_path / name for name in ("whole", "other", "empty")}
    for name in ("whole", "other"):
        shutil.copytree(folder / "2", copies[name])
    whole, other = _result(copies["whole"]), _result(copies["other"])
    whole["settings"]["shard"] = None
    other["settings"]["seed"] = 7
    for name in ("old", "half", "many", "script"):
        copies[name] = tmp_path / name
        shutil.copytree(folder / "2", copies[name])
    old = _result(copies["old"])
    old["versions"]["numpy"] = "1.0.0"
    (copies["half"] / "result.json").write_text("{")
    many, script = _result(folder / "2"), _result(folder / "2")
    many["settings"]["shard"] = f"2/{10**12}"
    script["script"] = "train"
    for name, result in (
        *(("whole", whole), ("other", other), ("old", old)),
        *(("many", many), ("script", script)),
    ):
        (copies[name] / "result.json").write_text(json.dumps(result))
    first = folder / "1"
    for names, message in (
        ([first], "Give the --output_dir of each part."),
        ([first, first], "The parts 2/2 are missing."),
        ([first, copies["whole"]], "whole was not measured with --shard."),
        ([first, copies["other"]], f"{first} and {copies['other']} differ in seed."),
        ([first, copies["old"]], f"{first} and {copies['old']} differ in numpy."),
        ([first, copies["many"]], f"/2, 1/{10**12}, 3/{10**12}, 4/{10**12}, "),
        ([first, copies["script"]], "result.json is no result of a table."),
        ([first, copies["half"]], "result.json is no result of a table."),
        ([first, copies["empty"]], "result.json: the part is not measured yet."),
    ):
        finished = run_here(
            "merge", *names, f"--output_dir={tmp_path / 'out'}", expect_success=False
        )
        assert message in finished.stderr
        assert finished.stderr.count("\n") == 1
    finished = run_here(
        "merge", first, folder / "2", f"--output_dir={first}", expect_success=False
    )
    assert "--output_dir: give a folder that has no results yet." in finished.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--shard=3/2"], "--shard: 3/2 is not K/N with K from 1 to N, such as 2/8."),
        (["--shard=a"], "--shard: a is not K/N"),
        (["--shard=01/2"], "--shard: 01/2 is not K/N"),
        (["--shard=1/2", "--method=bm3d"], "give --method to a run of its own"),
        (["--shard=9/9"], "--shard: 9/9 is no part of 3 images."),
    ],
)
def test_refuses_wrong_shards(check_refused, arguments, message):
    check_refused("table2_denoise", *arguments, message=message)
