"""What bad inputs are made of, and what they begin from: things that are whole."""

import functools
import io
import shutil
import time
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from tests.stress import jobs, processes
from tests.stress.outcomes import OUTPUT

QUICKLY = ["--num_steps=1", "--precision=float32"]

SIDE = 12

FORMATS = {
    **{"png": {}, "jpg": {"quality": 90}, "bmp": {}, "gif": {}, "ppm": {}},
    **{"tif": {}, "webp": {"lossless": True}, "jp2": {}},
}

_SMALL = {"features": 4, "state_features": 6}


class Intact:
    """What all cases begin from.

    Attributes:
      weights: A small network of random weights.
      whole: The same as a `.keras` file.
      training: A folder of a training that is done, and one that was interrupted.
      images: A folder of two photographs.
      result: What a table wrote.
      parts: The folders of a table in two parts.
    """

    def __init__(self, folder):
        self._folder = folder

    @functools.cached_property
    def _rim(self):
        import keras

        import rim_tf
        from rim_tf import cells

        keras.utils.set_random_seed(0)
        rim = rim_tf.RIM(cells.RIMCell(**_SMALL), num_steps=2)
        rim.build()
        return rim

    @functools.cached_property
    def weights(self):
        from rim_tf import pretrained

        path = self._folder / "small.weights.h5"
        history = {
            **{"data": "nothing", "color": "gray", "patches_seen": 1, "seconds": 0.0},
            "settings": {"steps_schedule": [[20, 1.0]]},
        }
        pretrained.save_pretrained(self._rim, path, history)
        return path

    @functools.cached_property
    def whole(self):
        path = self._folder / "whole.keras"
        self._rim.save(path)
        return path

    @functools.cached_property
    def images(self):
        folder = self._folder / "images"
        folder.mkdir()
        for i in range(2):
            photograph("RGB", i).save(folder / f"{i}.png")
        return folder

    @functools.cached_property
    def result(self):
        return self._measured("result")

    @functools.cached_property
    def parts(self):
        return [self._measured(f"part_{k}", f"--shard={k}/2") for k in (1, 2)]

    @functools.cached_property
    def training(self):
        return _trainings(self._folder / "trainings")

    def _measured(self, name: str, *flags: str):
        folder = self._folder / name
        line = [jobs.SCRIPTS / "table2_denoise.py", f"--weights={self.weights}"]
        images = f"--images={self.images}"
        _succeed(*line, images, f"--output_dir={folder}", *QUICKLY, *flags)
        return folder


def _trainings(folder):
    """Makes a training that is done, and one that is not; returns their folders."""
    done, begun = folder / "done", folder / "begun"
    folder.mkdir()
    stage = Path("rim_denoise_paper", "stage_1")
    command = training(done, num_validations=3)
    process = processes.confined(folder, 100, *map(str, command))
    while process.poll() is None:
        names = ("log.csv", "runs.json", "last.weights.h5")
        parts = [done / stage / name for name in names]
        if not begun.exists() and all(part.exists() for part in parts):
            shutil.copytree(done, begun)
        time.sleep(0.01)
    _, complaints = process.communicate()
    assert process.returncode == 0, complaints
    return [done, begun]


def training(output, **flags) -> list:
    """Returns the command of a training of 6 updates, in so many rounds."""
    said = [f"--{name}={value}" for name, value in flags.items()]
    script = [jobs.SCRIPTS / "train.py", "rim_denoise_paper", *jobs.TRAINING]
    small = ["--features=4", "--state_features=6", "--num_patches=24"]
    return [*script, *small, *said, f"--output_dir={output}"]


def _succeed(*command: object):
    process = processes.confined(Path.cwd(), 100, *map(str, command))
    _, complaints = process.communicate(timeout=300)
    assert process.returncode == 0, complaints


def photograph(mode: str, seed: int = 0) -> Image.Image:
    """Returns a small image of noise, of a mode of Pillow."""
    values = np.random.default_rng(seed).integers(40, 215, (SIDE, SIDE, 3))
    return Image.fromarray(np.uint8(values)).convert(mode)


def write(folder: Path, name: str, content: bytes) -> Path:
    """Writes a file; returns its path."""
    path = folder / name
    path.write_bytes(content)
    return path


def image_bytes(suffix: str, mode: str = "RGB") -> bytes:
    """Returns an image file of a format of `FORMATS`."""
    file = io.BytesIO()
    image = photograph("L" if suffix == "gif" else mode)
    kinds = {"jpg": "jpeg", "tif": "tiff", "jp2": "jpeg2000"}
    image.save(file, kinds.get(suffix, suffix), **FORMATS[suffix])
    return file.getvalue()


def table(intact: Intact, folder: Path, *flags: str) -> list:
    """Returns the command of a small table."""
    weights = f"--weights={intact.weights}"
    output = f"--output_dir={folder / OUTPUT}"
    return [jobs.SCRIPTS / "table2_denoise.py", weights, output, *QUICKLY, *flags]


def check_pictures(output: Path) -> None:
    """Makes sure that what was written is finite."""
    found = [p for p in output.rglob("*") if p.suffix in (".png", ".tif")]
    found = [path for path in found if path.is_file()]
    assert any(output.rglob("*")), "it wrote nothing"
    for path in found:
        values = tifffile.imread(path) if path.suffix == ".tif" else Image.open(path)
        values = np.asarray(values)
        assert values.size and np.isfinite(values).all(), path
