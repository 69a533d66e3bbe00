"""Reading BSDS300, from a folder of images or as a TensorFlow dataset.

TensorFlow is imported only where a TensorFlow dataset is read or made.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_prep.bsds300 import source
from rim_tf import files

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

DEFAULT_DATA_DIR = "~/tensorflow_datasets"


def load(data_dir: str | Path, split: str) -> dict[str, np.ndarray]:
    """Reads a split; downloads and prepares the data set where it is not yet.

    Args:
      data_dir: A folder laid out as `BSDS300/images/{train,test}`, or a TFDS
        directory.
      split: "train" or "test".

    Returns:
      The images by id, in the order of the ids: `(height, width, 3)` uint8, RGB.

    Raises:
      source.SourceError: If the images are neither there nor to be had.
    """
    folder = source.find_images(data_dir)
    if folder is not None:
        return source.read_split(source.require_images(folder), split)
    builder = prepare(data_dir)
    import tensorflow as tf

    try:
        examples = builder.as_dataset(split=split).as_numpy_iterator()
        by_id = {int(example["id"]): example["image"] for example in examples}
    except tf.errors.OpError as error:
        raise source.SourceError(
            f"{builder.data_path} is damaged ({error.message}); delete it, it is made "
            "anew."
        ) from error
    return {str(image_id): by_id[image_id] for image_id in sorted(by_id)}


def prepare(
    data_dir: str | Path, source_dir: str | Path | None = None
) -> "tfds.core.DatasetBuilder":
    """Makes the TensorFlow dataset in a TFDS directory, unless it is there.

    Args:
      data_dir: The TFDS directory.
      source_dir: A folder laid out as `BSDS300/images/{train,test}`; the images
        are downloaded if None.

    Returns:
      The builder of the prepared data set.

    Raises:
      source.SourceError: If the images are not in `source_dir`, or cannot be
        downloaded, or `data_dir` cannot be written.
    """
    if source_dir is not None:
        source.require_images(source_dir)
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise source.SourceError(
            "tensorflow-datasets is not installed, which makes and reads TFDS "
            "directories."
        ) from error
    import tensorflow as tf

    from data_prep.bsds300 import bsds300_dataset_builder

    data_dir = Path(data_dir).expanduser()
    try:
        with (
            files.making(data_dir),
            _alone(data_dir) as is_alone,
            _removing_empty_folders(data_dir),
        ):
            if is_alone:
                _remove_stale(data_dir)
            builder = bsds300_dataset_builder.Builder(data_dir=data_dir)
            builder.download_and_prepare(
                download_config=tfds.download.DownloadConfig(manual_dir=source_dir)
            )
    except files.NotWrittenError as error:
        raise source.SourceError(str(error)) from error
    except (OSError, RuntimeError, tf.errors.OpError) as error:
        # TFDS makes one of its own of some errors of the system.
        if isinstance(error, RuntimeError):
            if not isinstance(error.__cause__, OSError | tf.errors.OpError):
                raise
            error = error.__cause__
        # TFDS says at length that it does not know how much it needs.
        no_room = "Not enough disk space" in str(error)
        reason = "no room is left; make some on that disk" if no_room else error
        raise source.SourceError(f"{data_dir} cannot be written: {reason}.") from error
    return builder


@contextlib.contextmanager
def _alone(data_dir: Path) -> Iterator[bool]:
    """Waits while another process prepares the data set; yields whether that is sure.

    The lock is the folder's, so that no file of it can be left by a killed process.
    """
    try:
        descriptor = _lock(data_dir)
    # Not every system has such locks, nor has every file system.
    except (ImportError, OSError):
        descriptor = None
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _lock(folder: Path) -> int:
    """Returns a file descriptor of the folder that has the lock until it is closed."""
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another process prepares {folder}; this one waits.", flush=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _remove_stale(data_dir: Path) -> None:
    """Removes folders that TFDS was writing to when a process was killed."""
    for path in (data_dir / "bsds300").glob("incomplete.*"):
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _removing_empty_folders(data_dir: Path) -> Iterator[None]:
    """Removes what TFDS made for a data set that could not be had."""
    try:
        yield
    finally:
        made = [data_dir / name for name in ("bsds300", "downloads")]
        below = [path for folder in made for path in folder.rglob("*") if path.is_dir()]
        for folder in (*sorted(below, reverse=True), *made):
            with contextlib.suppress(OSError):
                folder.rmdir()
