"""Tests of what is kept of a training on disk."""

import dataclasses
import json

import pytest

from rim_tf.training import record
from rim_tf.training.settings import TrainingError, TrainingSettings
from tests.training import small

_SETTINGS = {**dataclasses.asdict(TrainingSettings(batch_size=8)), "data": "three"}


def _write_log(folder, *rows):
    lines = [",".join(map(str, row)) for row in rows]
    header = "epoch,updates,patches,val_psnr,seconds"
    (folder / record.LOG_FILE).write_text("\n".join([header, *lines, ""]))


def test_settings_are_written_once(tmp_path):
    record.remember_settings(tmp_path, _SETTINGS)
    path = tmp_path / record.SETTINGS_FILE
    written = path.read_text()
    # Tuples are lists there, and the same for all that.
    expected = {**_SETTINGS, "steps_schedule": [[20, 1.0]]}
    assert json.loads(written) == expected
    record.remember_settings(tmp_path, {**_SETTINGS, "checkpoint_minutes": 0.5})
    assert path.read_text() == written


@pytest.mark.parametrize(
    ("name", "value"),
    [("learning_rate", 0.5), ("steps_schedule", ((5, 1.0),)), ("data", "four")],
)
def test_other_settings_are_refused(tmp_path, name, value):
    record.remember_settings(tmp_path, _SETTINGS)
    with pytest.raises(TrainingError, match=rf"other settings \({name}\)"):
        record.remember_settings(tmp_path, {**_SETTINGS, name: value})


def test_a_setting_that_was_not_known_was_the_default(tmp_path):
    earlier = {key: value for key, value in _SETTINGS.items() if key != "loss"}
    record.remember_settings(tmp_path, earlier)
    record.remember_settings(tmp_path, _SETTINGS)
    with pytest.raises(TrainingError, match=r"other settings \(loss\)"):
        record.remember_settings(tmp_path, {**_SETTINGS, "loss": "log_mse"})


def test_runs_are_listed(tmp_path):
    record.remember_run(tmp_path, 0, {"keras": "3.0"})
    record.remember_run(tmp_path, 7, {})
    assert small.read_runs(tmp_path) == [
        {"from_update": 0, "keras": "3.0"},
        {"from_update": 7},
    ]


def test_log_goes_back_to_the_checkpoint(tmp_path):
    assert record.rewind_log(tmp_path, 5) == float("-inf")
    _write_log(
        tmp_path, (0, 4, 32, 20.5, 1.0), (1, 8, 64, 20.25, 2.0), (2, 12, 96, 22.0, 3.0)
    )
    # What is not in the checkpoint, the best value among it, is done again.
    assert record.rewind_log(tmp_path, 8) == 20.5
    assert [row["updates"] for row in small.read_log(tmp_path)] == ["4", "8"]
    assert record.rewind_log(tmp_path, 3) == float("-inf")
    assert not (tmp_path / record.LOG_FILE).exists()


def test_summary_has_the_end_and_the_best_validation(tmp_path):
    _write_log(tmp_path, (0, 4, 32, 20.12345, 1.5), (1, 8, 64, 20.0, 2.5))
    record.remember_run(tmp_path, 0, {})
    assert record.summary(tmp_path) == {
        "updates": 8,
        "patches_seen": 64,
        "seconds": 2.5,
        "best_after_updates": 4,
        "validation_psnr": 20.123,
        "runs": [{"from_update": 0}],
    }


@pytest.mark.parametrize("name", [record.SETTINGS_FILE, record.RUNS_FILE])
@pytest.mark.parametrize("text", ["", "{"])
def test_damaged_files_are_named(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    message = f"{name} is damaged .* delete it; it is made anew"
    with pytest.raises(TrainingError, match=message):
        if name == record.SETTINGS_FILE:
            record.remember_settings(tmp_path, {"seed": 0})
        else:
            record.remember_run(tmp_path, 0, {})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (record.SETTINGS_FILE, "[]"),
        (record.RUNS_FILE, "{}"),
        (record.LOG_FILE, "epoch,updates\n0,1\n"),
        (record.LOG_FILE, "updates,patches,seconds,val_psnr\n1,8,0.5,28\n2,16\n"),
        (record.LOG_FILE, "updates,patches,seconds,val_psnr\n1,8,0.5,nan\n"),
        (record.LOG_FILE, "updates,patches,seconds,val_psnr\n1,8,0.5,28,7\n"),
        (record.LOG_FILE, "updates,patches,seconds,val_psnr\nx,8,0.5,28\n"),
    ],
)
def test_files_of_something_else_are_named(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(TrainingError, match=rf"{name} (holds|is damaged)"):
        record.remember_settings(tmp_path, _SETTINGS)
        record.remember_run(tmp_path, 0, {})
        record.rewind_log(tmp_path, 9)


def test_what_was_lost_after_the_checkpoint_does_not_matter(tmp_path):
    """A loss that is not finite is logged, and no checkpoint made."""
    path = tmp_path / record.LOG_FILE
    path.write_text("updates,patches,seconds,val_psnr\n1,8,0.5,28\n2,16,0.9,nan\n")
    assert record.rewind_log(tmp_path, 1) == 28
    assert path.read_text().split() == [
        *("updates,patches,seconds,val_psnr", "1,8,0.5,28")
    ]


def test_a_log_without_a_validation_has_no_summary(tmp_path):
    _write_log(tmp_path)
    with pytest.raises(TrainingError, match=r"log\.csv is damaged"):
        record.summary(tmp_path)
