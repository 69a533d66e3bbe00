"""Tests of a disk that is full or read-only, and of a folder that goes in between.

Each ends with one line that names what could not be written and what to do; what was
there before is as it was. The disk is a small file system in memory, which root alone
can make; without it these tests are skipped.
"""

import os
import random
import re
import shutil
import subprocess

import pytest

from tests.stress import folders, jobs

# Room that is left on the disk, in bytes: for nothing, and for the first files.
_ROOM = [0, 100 << 10]
_SEED = int(os.environ.get("RIM_TF_STRESS_SEED", "0"))
_MOST_SECONDS = 900


@pytest.fixture(name="disk")
def _disk(tmp_path):
    """The folder of a file system of 32 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no small file system can be mounted: {error}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(name="job")
def _job(request, tmp_path):
    return jobs.make(request.param, tmp_path)


def _fill(disk, room):
    """Leaves so many bytes on a disk, about."""
    with (disk / "ballast").open("wb", buffering=0) as file:
        while True:
            try:
                if not file.write(bytes(1 << 12)):
                    break
            except OSError:
                break
        file.truncate(max(0, file.tell() - room))


def _end(process):
    """Returns what a process that failed says of it, which is one line of stderr."""
    said, complaints = process.communicate(timeout=_MOST_SECONDS)
    assert process.returncode > 0, (said, complaints)
    assert "Traceback" not in complaints, complaints
    # Progress bars are drawn there, too.
    lines = [
        line.rpartition("\r")[2]
        for line in complaints.splitlines()
        if "error: " in line
    ]
    print("\n".join(lines))
    (line,) = lines
    return line


@pytest.mark.parametrize("room", _ROOM)
@pytest.mark.parametrize("job", jobs.KINDS, indirect=True, ids=jobs.KINDS)
def test_a_full_disk(disk, job, room):
    earlier = _make_earlier(disk)
    _fill(disk, room)
    output = disk / "out"
    process = job.start(output)
    line = _end(process)
    assert str(output) in line
    assert re.search("No space left on device.*; make room|no room is left; ", line)
    _check_earlier(disk, earlier)
    folders.check_whole(output)
    assert not folders.temporary(output)
    # There is room again, and the same command goes on.
    (disk / "ballast").unlink()
    process = job.start(output)
    _, complaints = process.communicate(timeout=_MOST_SECONDS)
    assert process.returncode == 0, complaints
    job.result(output)


@pytest.mark.parametrize("job", jobs.KINDS, indirect=True, ids=jobs.KINDS)
def test_a_disk_that_cannot_be_written(disk, job):
    earlier = _make_earlier(disk)
    (disk / "out").mkdir()
    remount = ["mount", "-o", "remount,ro", str(disk)]
    subprocess.run(remount, check=True)
    line = _end(job.start(disk / "out"))
    assert str(disk / "out") in line
    assert "Read-only file system" in line
    _check_earlier(disk, earlier)


@pytest.mark.parametrize("job", jobs.KINDS, indirect=True, ids=jobs.KINDS)
def test_a_folder_that_goes_in_between(tmp_path, job, request):
    draw = random.Random(f"{_SEED} {request.node.callspec.id}")
    output = tmp_path / "out"
    output.mkdir()
    earlier = _make_earlier(tmp_path)
    process = job.start(output)
    assert folders.wait_for_change(output, process)
    for _ in range(draw.randint(0, 2)):
        folders.wait_for_change(output, process)
    gone = tmp_path / "gone"
    # At once, as a folder is removed that a file manager throws away.
    output.rename(gone)
    shutil.rmtree(gone)
    if process.wait(_MOST_SECONDS) == 0:
        # TFDS makes folders that it misses; what it has made is whole.
        assert "preparing" in request.node.callspec.id
        job.result(output)
        return
    line = _end(process)
    assert str(output) in line
    assert "No such file or directory" in line
    _check_earlier(tmp_path, earlier)


def _make_earlier(folder):
    """Leaves something there; returns what is to be the same later on."""
    earlier = folder / "earlier.txt"
    earlier.write_text("earlier")
    return earlier.stat().st_mtime_ns


def _check_earlier(folder, modified):
    earlier = folder / "earlier.txt"
    assert earlier.read_text() == "earlier"
    assert earlier.stat().st_mtime_ns == modified
