"""Tests that nothing is lost to SIGKILL at a random moment.

RIM_TF_STRESS_KILLS is how many kills there are over all jobs, RIM_TF_STRESS_SEED what
their moments are drawn from.
"""

import os
import random
import time

import numpy as np
import pytest

from tests.stress import folders, jobs

_NUM_KILLS = int(os.environ.get("RIM_TF_STRESS_KILLS", "30"))
_SEED = int(os.environ.get("RIM_TF_STRESS_SEED", "0"))
# Of one that hangs.
_MOST_SECONDS = 900


@pytest.fixture(name="job")
def _job(request, tmp_path):
    return jobs.make(request.param, tmp_path)


@pytest.mark.parametrize("job", jobs.KINDS, indirect=True, ids=jobs.KINDS)
def test_killed_at_random_moments(job, tmp_path, request):
    number = _share(_NUM_KILLS, request.node.callspec.id)
    draw = random.Random(f"{_SEED} {request.node.callspec.id}")
    whole = tmp_path / "whole"
    working_seconds = _run(job, whole)
    expected = job.result(whole)
    assert not folders.temporary(whole)
    num_killed = num_done = 0
    while num_killed < number or num_done == 0:
        folder = tmp_path / f"killed_{num_done}"
        while num_killed < number and not _is_done(job, folder):
            before = job.kept(folder)
            num_killed += _kill(job, folder, working_seconds, draw)
            folders.check_whole(folder)
            _check_kept(before, job.kept(folder))
        if not _is_done(job, folder):
            before = job.kept(folder)
            _run(job, folder)
            _check_kept(before, job.kept(folder))
        num_done += 1
        _assert_same(job.result(folder), expected)
        left = [str(path.relative_to(folder)) for path in folders.temporary(folder)]
        print(f"Seed {_SEED}: {num_killed} of {number} kills; left in {folder}: {left}")
        assert _names(folder) == _names(whole)


def _share(number, kind):
    """Returns how many of all kills are of a kind."""
    return len(range(jobs.KINDS.index(kind), number, len(jobs.KINDS)))


def _run(job, folder):
    """Runs a job to its end; returns the seconds from its first file on."""
    process = job.start(folder)
    folders.wait_for_change(folder, process)
    begun = time.monotonic()
    _, complaints = process.communicate(timeout=_MOST_SECONDS)
    assert process.returncode == 0, complaints
    assert "Traceback" not in complaints
    return time.monotonic() - begun


def _kill(job, folder, seconds, draw):
    """Starts a job, and kills it; returns whether it was alive still.

    Half of the kills come at a moment of the time that it takes, the others as soon as
    a file is not whole.
    """
    process = job.start(folder)
    folders.wait_for_change(folder, process)
    if draw.random() < 0.5:
        moment = draw.uniform(0, seconds)
        what = f"{moment:.2f} s after its first file"
        end = time.monotonic() + moment
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.002)
    else:
        nth = draw.randint(1, 8)
        what = f"while it wrote, the {nth}. time"
        _wait_for_temporary(folder, process, nth)
    was_alive = process.poll() is None
    process.kill()
    _, complaints = process.communicate()
    assert was_alive or process.returncode == 0, complaints
    left = [path.name for path in folders.temporary(folder)]
    print(f"{'Killed' if was_alive else 'Over'}: {what}; it left {left}.")
    return was_alive


def _wait_for_temporary(folder, process, nth):
    """Waits until a temporary file is seen that was not seen the last time, n times."""
    last, seen = set(), 0
    while process.poll() is None:
        now = set(folders.temporary(folder))
        seen += bool(now - last)
        if seen >= nth:
            return
        last = now
        time.sleep(0.0005)


def _is_done(job, folder):
    try:
        job.result(folder)
    except FileNotFoundError:
        return False
    return True


def _check_kept(before, after):
    """What was done before is there, and was not done again."""
    if "began" in after:
        # Of a training: each run begins where the checkpoint before it was.
        assert after["done"] >= before["done"]
        new = after["began"][len(before["began"]) :]
        assert new in ([], [before["done"]]), (before, after)
        return
    for name, value in before.items():
        assert after[name] == value, name


def _assert_same(actual, expected):
    """A round that was interrupted may lack its loss, nothing else."""
    lacking = expected.keys() - actual.keys()
    assert all(name.startswith("loss") for name in lacking), lacking
    for name, value in actual.items():
        if isinstance(value, bytes):
            assert value == expected[name], name
        else:
            np.testing.assert_allclose(
                value, expected[name], rtol=1e-4, atol=1e-5, err_msg=name
            )


def _names(folder):
    """Returns the names of all that is in a folder; of events there may be several."""
    names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    return {name for name in names if "events.out.tfevents" not in name}
