"""The jobs that are disturbed: small ones of what users start."""

import csv
import json
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from PIL import Image

from tests.stress import processes

SCRIPTS = Path(__file__).parents[2] / "paper_experiments"
KINDS = ["training", "table", "restoring", "preparing"]
_RECIPE = "rim_denoise_paper"
TRAINING = [
    *("--dataset=embedded", "--features=8", "--state_features=8", "--patch_size=16"),
    *("--steps_schedule=2", "--epochs=1", "--batch_size=4", "--precision=float32"),
    *("--num_validation_patches=8", "--checkpoint_minutes=0"),
]
# Of a training with 48 updates in 6 rounds.
_NUM_PATCHES, _NUM_VALIDATIONS = 192, 6
QUICKLY = ["--num_steps=2", "--precision=float32"]


class Job(NamedTuple):
    """Something that takes a while and writes files.

    Attributes:
      command: A script or `rim-restore`, and its arguments, for the folder to write to.
      result: Reads from that folder all that must not depend on disturbances: numbers,
        or arrays, or bytes, by name. Raises `FileNotFoundError` if it is not done.
      kept: Reads what has been done so far, and must not be done again.
    """

    command: Callable[[Path], Sequence[str | Path]]
    result: Callable[[Path], dict[str, Any]]
    kept: Callable[[Path], dict[str, Any]]

    def start(self, folder: Path) -> "processes.Process":
        """Starts it."""
        return processes.start(*self.command(folder))


def make(kind: str, folder: Path) -> Job:
    """Returns a job of a kind of `KINDS`, whose input is made in a folder."""
    match kind:
        case "training":
            return _training()
        case "table":
            return _table(_make_images(folder / "images", 8))
        case "restoring":
            return _restoring(_make_images(folder / "images", 40))
    return _preparing(_make_archive(folder / "images.tgz", 60))


def _training() -> Job:
    """A training of 48 updates, each followed by a checkpoint."""

    def command(folder: Path) -> list[str | Path]:
        patches = f"--num_patches={_NUM_PATCHES}"
        rounds = f"--num_validations={_NUM_VALIDATIONS}"
        output = f"--output_dir={folder}"
        return [SCRIPTS / "train.py", _RECIPE, *TRAINING, patches, rounds, output]

    return Job(command, _trained, _updates)


def _trained(folder: Path) -> dict[str, Any]:
    model = folder / _RECIPE
    json.loads((model / f"{_RECIPE}.json").read_text())
    stage = model / "stage_1"
    # The others are of 16 bits.
    with h5py.File(stage / "last.weights.h5") as file:
        found = _arrays(file["layers"])
    starts = {one["from_update"] for one in json.loads(_text(stage / "runs.json"))}
    with (model / f"{_RECIPE}.log.csv").open(newline="") as log:
        rows = list(csv.DictReader(log))
    first = 0
    for row in rows:
        last = int(row["updates"])
        found[f"PSNR after {last}"] = float(row["val_psnr"])
        # The mean loss of a round is over its updates since the last start.
        if not any(first < start < last for start in starts):
            found[f"loss after {last}"] = float(row["loss"])
        first = last
    return found


def _updates(folder: Path) -> dict[str, Any]:
    """Returns the updates of the last checkpoint, and those that runs began from."""
    stage = folder / _RECIPE / "stage_1"
    done = 0
    if (stage / "last.weights.h5").exists():
        with h5py.File(stage / "last.weights.h5") as file:
            done = int(file["optimizer/vars/0"][()])
    runs = stage / "runs.json"
    began = [r["from_update"] for r in json.loads(_text(runs))] if runs.exists() else []
    return {"done": done, "began": began}


def _arrays(file: h5py.Group) -> dict[str, np.ndarray]:
    found = {}

    def take(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = np.float32(item[()])

    file.visititems(take)
    return found


def _table(images: Path) -> Job:
    """A table of a few small images."""

    def command(folder: Path) -> list[str | Path]:
        script = SCRIPTS / "table2_denoise.py"
        return [script, f"--images={images}", f"--output_dir={folder}", *QUICKLY]

    def result(folder: Path) -> dict[str, Any]:
        return values_per_image(folder / "result.json")

    def kept(folder: Path) -> dict[str, Any]:
        path = folder / "measured" / "values.json"
        records = json.loads(_text(path)) if path.exists() else {}
        return {key: record["values"] for key, record in records.items()}

    return Job(command, result, kept)


def values_per_image(result: Path) -> dict[str, float]:
    """Returns what a script has measured of each image, from its `result.json`."""
    return {
        f"{score['model']} {i} {name}": value
        for i, score in enumerate(json.loads(_text(result))["measured"])
        for name, value in score["per_image"].items()
    }


def _restoring(images: Path) -> Job:
    """`rim-restore` on a folder of small images."""

    def command(folder: Path) -> list[str | Path]:
        flags = ["--sigma=25", "--skip_existing", *QUICKLY]
        return ["rim-restore", "denoise", images, folder, *flags]

    def kept(folder: Path) -> dict[str, Any]:
        return {
            path.name: (path.stat().st_mtime_ns, path.read_bytes())
            for path in folder.glob("[!.]*")
        }

    def result(folder: Path) -> dict[str, Any]:
        missing = {p.name for p in images.iterdir()} - set(kept(folder))
        if missing:
            raise FileNotFoundError(missing)
        return {path.name: path.read_bytes() for path in folder.glob("[!.]*")}

    return Job(command, result, kept)


def _preparing(archive: Path) -> Job:
    """Data preparation from an archive that takes the place of Berkeley's."""

    def command(folder: Path) -> list[str | Path]:
        return [Path(__file__).with_name("prepare_few.py"), archive, folder]

    def result(folder: Path) -> dict[str, Any]:
        prepared = folder / "bsds300" / "1.0.0"
        if not prepared.exists():
            raise FileNotFoundError(prepared)
        return {path.name: path.read_bytes() for path in prepared.glob("*.tfrecord*")}

    def kept(folder: Path) -> dict[str, Any]:
        images = folder / "downloads" / "BSDS300" / "images"
        return {path.name: path.stat().st_mtime_ns for path in images.rglob("*.jpg")}

    return Job(command, result, kept)


def _make_images(folder: Path, number: int) -> Path:
    """Makes a folder of small images of noise; returns it."""
    folder.mkdir()
    for i in range(number):
        Image.effect_noise((40, 48), 30 + i).save(folder / f"{i:03d}.png")
    return folder


def _make_archive(path: Path, number: int) -> Path:
    """Makes an archive of photographs of noise, laid out as BSDS-300; returns it."""
    with tarfile.open(path, "w:gz") as tar, tempfile.TemporaryDirectory() as folder:
        for i in range(number):
            image = Path(folder, f"{i + 1}.jpg")
            Image.effect_noise((40, 48), 30 + i).convert("RGB").save(image)
            tar.add(image, f"{'train' if i % 3 else 'test'}/{image.name}")
    return path


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
