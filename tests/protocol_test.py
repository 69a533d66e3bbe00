"""Tests of `protocol.py`."""

import json

import pytest

from paper_experiments.choices import document, groups, summary

# The others take seconds; each is tested in a file of its own.
_ASKED = ("noise", "measure")


@pytest.fixture(name="ran", scope="module")
def _ran(tmp_path_factory, run_here, small_weights, small_images):
    """A run of baselines, and one that adds networks; what both said and wrote."""
    folder = tmp_path_factory.mktemp("protocol") / "out"
    arguments = [f"--images={small_images}", f"--output_dir={folder}"]
    arguments += ["--num_images=1", "--num_steps=2", f"--weights={small_weights}"]
    arguments += [f"--groups={','.join(_ASKED)}", "--precision=float32"]
    first = run_here("protocol", *arguments, "--network_images=0")
    kept = json.loads((folder / "result.json").read_text())
    second = run_here("protocol", *arguments, "--groups=restoring")
    return folder, first.stdout, kept, second.stdout


def test_baselines_are_measured_first(ran):
    folder, said, kept, _ = ran
    assert "120 values" not in said
    conditions = {tuple(r["condition"].values()) for r in kept["measured"]}
    assert {r["model"] for r in kept["measured"]} == {"baseline"}
    assert ("clip", "sigma 25") in conditions
    assert ("ours", "x4") in conditions
    assert ("own_range", "x2") in conditions
    assert not any(choice == "pillow" for choice, _ in conditions)
    assert {path.name for path in folder.iterdir()} == {
        *("result.json", "table.md", "choices.png", "measured")
    }


def test_networks_are_added(ran):
    folder, *_, said = ran
    measured = json.loads((folder / "result.json").read_text())["measured"]
    rows = {(r["model"], r["condition"]["choice"]) for r in measured}
    assert {("network", "ours"), ("network", "steps_5"), ("baseline", "clip")} <= rows
    assert "* Images measured, network: 1.\n" in said


def test_table(ran):
    folder, *_ = ran
    table = (folder / "table.md").read_text()
    heading, _, *rows = table.split("\n\n")[0].splitlines()
    columns = [field.strip() for field in heading.split("|")[1:-1]]
    assert columns[:3] == ["change of the mean", "TV", "RIM"]
    fields = {
        row.split("|")[1].strip(): [f.strip() for f in row.split("|")[2:-1]]
        for row in rows
    }
    for group in groups.ALL:
        assert f"**{group.replace('_', ' ')}**" in fields
    assert float(fields["noisy image cast to uint8 without clipping"][0]) < -1
    assert fields["T = 5"][0] == ""
    float(fields["T = 5"][1])
    assert "**The images are those of small, not the paper's.**" in table


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--groups=noise,nose"], "error: --groups: there is no group nose; there ar"),
        (["--keep"], "error: --keep: only what was measured on BSDS-300"),
        (["--test_set=68"], "error: --test_set: not for this script"),
    ],
)
def test_what_cannot_be_done_is_refused(arguments, message, check_refused):
    check_refused("protocol", *arguments, message=message)


def test_write_makes_the_tables_of_the_document(
    tmp_path, monkeypatch, run_here, functions_of
):
    document_path = tmp_path / "WHY.md"
    text = "".join(
        f"<!-- protocol: {group} -->\n<!-- end -->\n" for group in groups.ALL
    )
    document_path.write_text(text)
    monkeypatch.setattr(document, "PATH", document_path)
    numbers = summary.Numbers({}, {}, {}, {})
    monkeypatch.setattr(summary, "load", lambda name: numbers)
    said = run_here("protocol", "--write", f"--output_dir={tmp_path / 'out'}").stdout
    assert f"Wrote the tables of {document_path}" in said
    assert document_path.read_text() == document.fill(text, numbers)
    assert not (tmp_path / "out").exists()


def test_nothing_kept_yet(tmp_path, monkeypatch, check_refused):
    monkeypatch.setattr(summary.load, "__defaults__", (tmp_path,))
    check_refused("protocol", "--write", message="error: --write: nothing was kept")
