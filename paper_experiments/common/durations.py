"""How long restoring takes here, tried before it is announced."""

import time

import keras
import numpy as np

from paper_experiments.common.image_sets import TestImages
from paper_experiments.common.kept_values import KeptValues
from paper_experiments.common.observations import to_unit_range
from paper_experiments.common.run import Run
from paper_experiments.common.wording import count, describe_seconds
from rim_tf.restoration import iterate
from rim_tf.rim import RIM


def announce_duration(
    model: RIM,
    test: TestImages,
    color: str,
    run: Run,
    times: int,
    kept: KeptValues,
) -> None:
    """Says how long the tests take.

    Args:
      model: One of the models.
      test: The test images.
      color: A key of `rim_tf.images.COLOR_CONVERSIONS`.
      run: The run.
      times: How many times all images are restored.
      kept: What an earlier run left, of these or other images.
    """
    pixels = sum(image.shape[0] * image.shape[1] for image in test.images.values())
    first = to_unit_range(next(iter(test.images.values())), color)
    seconds = seconds_per_pixel_step(model, first[np.newaxis])
    seconds *= pixels * run.num_steps * times
    print(
        f"Restoring {count(len(test.images), 'image')} {count(times, 'time')} with "
        f"{count(run.num_steps, 'step')} takes about "
        f"{describe_seconds(seconds)}. {run.how_to_go_on}"
    )
    if kept.found_before:
        print(
            f"{count(kept.found_before, 'value')} of an earlier run are here: less, if "
            "they are of the same settings."
        )
    if run.flags["num_images"] is None:
        print("For a quick look: --num_images=1 --num_steps=5.")
    print()


def seconds_per_pixel_step(model: RIM, batch: np.ndarray) -> float:
    """Measures the time of one step per pixel.

    Args:
      model: The model.
      batch: `(batch, height, width, channels)` float32 in [0, 1], to try it on.
    """
    times = []
    # The first two steps compile, the last one is like all that follow.
    for estimate in iterate(model, batch, num_steps=3, sigma=0.1):
        keras.ops.convert_to_numpy(estimate)
        times.append(time.perf_counter())
    return (times[-1] - times[-2]) / np.prod(batch.shape[:3])
