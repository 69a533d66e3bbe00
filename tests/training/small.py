"""A training that is over in a few seconds, and what it leaves behind."""

import csv
import json

import keras
import numpy as np

import rim_tf
from rim_tf.cells import RIMCell
from rim_tf.problems import DenoisingProblem
from rim_tf.training import loop, record
from rim_tf.training.patches import PatchSet
from rim_tf.training.settings import TrainingSettings

# On 96 patches 12 updates, after the 4th, 8th, 10th and 12th a validation follows.
SETTINGS = TrainingSettings(
    epochs=1,
    batch_size=8,
    steps_schedule=((1, 0.5), (2, 0.5)),
    warmup_updates=2,
    num_validations=3,
)
NUM_UPDATES = 12


def smooth_images():
    """Returns three images, `(48, 48, 1)` uint8."""
    rows, columns = np.mgrid[0:48, 0:48]
    images = (
        127 + 100 * np.sin(rows / (4 + i)) * np.cos(columns / (3 + i)) for i in range(3)
    )
    return [image.astype("uint8")[..., None] for image in images]


def patches(number):
    """Returns that many patches of 16 x 16 pixels."""
    return PatchSet(smooth_images(), size=16, stride=2, num_patches=number)


def small_rim(cell_class=RIMCell):
    """Returns a RIM of a few features, the same every time."""
    keras.utils.set_random_seed(0)
    cell = cell_class(features=4, state_features=6)
    return rim_tf.RIM(cell, num_steps=2)


def train(output_dir, settings=SETTINGS, num_patches=96, rim=None, **arguments):
    """Trains on denoising; see `loop.train`."""
    return loop.train(
        rim or small_rim(),
        DenoisingProblem(),
        patches(num_patches),
        patches(20).to_numpy(),
        settings,
        output_dir,
        **arguments,
    )


def read_log(folder):
    """Returns the rows of a training's log, values as text."""
    with (folder / record.LOG_FILE).open(newline="") as file:
        return list(csv.DictReader(file))


def read_runs(folder):
    """Returns the runs that a training took."""
    return json.loads((folder / record.RUNS_FILE).read_text())


def assert_same_weights(actual, expected):
    """Compares two models, up to rounding."""
    for one, other in zip(actual.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
