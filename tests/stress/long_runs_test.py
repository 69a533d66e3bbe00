"""Tests that memory and open files do not grow in long runs.

RIM_TF_STRESS_SCALE makes them shorter: 0.1 is a tenth of the updates and images.
"""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import rim_tf
from rim_tf.cells import RIMCell
from tests.stress import jobs, processes

_SCALE = float(os.environ.get("RIM_TF_STRESS_SCALE", "1"))
_NUM_UPDATES = max(100, round(5000 * _SCALE))
# How much of a run is for warming up, and how much memory may grow after that.
_WARM_UP, _MOST_GROWTH = 0.3, 1.05
# oneDNN, which makes TensorFlow's convolutions, keeps the 1,024 last of its kernels. To
# fill that takes some 300 sizes of images, and 200 MB; 300 more are watched.
_NUM_IMAGES, _WARM_UP_IMAGES = max(100, round(600 * _SCALE)), 0.5
_BATCH_SIZE = 4
_PROCESSES = Path("/proc")

pytestmark = pytest.mark.skipif(
    not (_PROCESSES / "self" / "status").exists(), reason="there is no /proc"
)


def test_a_training(tmp_path):
    rounds = 20
    updates = _NUM_UPDATES // rounds * rounds
    process = processes.start(
        *(jobs.SCRIPTS / "train.py", "rim_denoise_paper"),
        *(*jobs.TRAINING, "--checkpoint_minutes=0.05"),
        *(f"--num_patches={updates * _BATCH_SIZE}", f"--num_validations={rounds}"),
        f"--output_dir={tmp_path}",
    )
    log = tmp_path / "rim_denoise_paper" / "stage_1" / "log.csv"

    def done():
        return (len(log.read_text().splitlines()) - 1) / rounds if log.exists() else 0

    _check_flat(process, done, f"{updates:,} updates")


def test_restored_images_of_changing_sizes(tmp_path):
    sizes = np.random.default_rng(0).integers(24, 96, (_NUM_IMAGES, 2))
    # What the largest takes is taken at once.
    sizes[0] = 96
    images, output = tmp_path / "images", tmp_path / "new"
    images.mkdir()
    for i, size in enumerate(sizes.tolist()):
        Image.effect_noise(size, 30).save(images / f"{i:03d}.png")
    process = processes.start(
        *("rim-restore", "denoise", images, output, "--sigma=25"),
        *("--num_steps=2", "--precision=float32"),
    )

    def done():
        return len([*output.glob("[!.]*")]) / _NUM_IMAGES

    what = f"{_NUM_IMAGES} images of changing sizes"
    _check_flat(process, done, what, _WARM_UP_IMAGES)


def test_each_size_is_traced_once():
    """But those after the first 64 shapes share a function."""
    rim = rim_tf.RIM(RIMCell(features=4, state_features=6), num_steps=1)
    rim.build()
    num_traced, update = 0, rim.update

    def counting(*arguments):
        nonlocal num_traced
        num_traced += 1
        return update(*arguments)

    rim.update = counting
    for _ in range(3):
        for size in range(16, 32):
            rim_tf.restore(rim, np.zeros((1, size, 20, 1)), sigma=0.1)
    assert num_traced == 16


def _check_flat(process, done, what, warm_up=_WARM_UP):
    """Watches memory and open files of a process until its end.

    Args:
      process: It.
      done: Returns how much of its work is done, from 0 to 1.
      what: Its work, in words.
      warm_up: Share of the work after which memory is not to grow.
    """
    memory, files = {}, {}
    while process.poll() is None:
        share = round(done(), 2)
        if share < 1:
            try:
                memory[share] = max(memory.get(share, 0), _memory(process.pid))
                files[share] = len(os.listdir(_PROCESSES / str(process.pid) / "fd"))
            # It ended just now.
            except (OSError, KeyError):
                break
        time.sleep(0.2)
    _, complaints = process.communicate()
    assert process.returncode == 0, complaints
    warm, later = _split(memory, warm_up)
    files_warm, files_later = _split(files, warm_up)
    growth = later / warm - 1
    print(
        f"{what}: {warm / 1024:.0f} MiB after {warm_up:.0%}, at most "
        f"{later / 1024:.0f} MiB after that ({growth:+.1%}); {files_warm} open files, "
        f"then at most {files_later}."
    )
    # Those of a checkpoint, a log and a picture may be open or not.
    assert files_later <= files_warm + 3
    assert later <= warm * _MOST_GROWTH


def _memory(process):
    """Returns the memory of a process in KiB, without what it shares with files."""
    lines = (_PROCESSES / str(process) / "status").read_text().splitlines()
    values = dict(line.split(":", 1) for line in lines)
    return int(values["RssAnon"].split()[0])


def _split(values, warm_up):
    """Returns the largest value of the warm-up, and that of what follows."""
    warm = [value for share, value in values.items() if share <= warm_up]
    later = [value for share, value in values.items() if share > warm_up]
    assert warm and later, values
    return max(warm), max(later)
