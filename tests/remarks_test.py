"""Restoring shows none of TensorFlow's remarks on a screen or in a notebook."""

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_SNIPPET = """
import sys
import numpy as np
import rim_tf

# What TensorFlow says when it is imported stands before.
print("imported", file=sys.stderr)
model = rim_tf.RIM(rim_tf.cells.RIMCell(features=2, state_features=2), num_steps=2)
noisy = np.full((1, 16, 16, 1), 0.5, np.float32)
# Many sizes: each is compiled by itself.
for height in range(10, 17):
    rim_tf.restore(model, noisy[:, :height], sigma=0.1)
model(noisy, sigma=0.1)
model.compile("adam", "mse")
model.fit((noisy, np.float32([0.1])), noisy, verbose=0)
"""


def test_restoring_calling_and_fitting_say_nothing():
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    # As if a user had not set it.
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    finished = subprocess.run(
        [sys.executable, "-c", _SNIPPET],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == ""
    assert finished.stderr.partition("imported\n")[2] == ""
