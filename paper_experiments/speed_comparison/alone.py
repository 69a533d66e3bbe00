"""What one build takes on this machine, for `benchmark_speed.py` without --against.

Each function is called in a process of its own, so that its memory is its own.
"""

# ruff: noqa: E402
import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from paper_experiments.common import quiet
from paper_experiments.speed_comparison import measure

# Before what follows, all of which imports Keras: in a new process, too.
quiet.import_backend()

from keras import ops

import rim_tf
from rim_tf import problems
from rim_tf.rim import PAPER_NUM_STEPS
from rim_tf.speed import backend
from rim_tf.training import loop, patches, schedules
from rim_tf.training.settings import TrainingSettings

_HEIGHT, _WIDTH = 320, 480
_LARGE_HEIGHT, _LARGE_WIDTH = 1080, 1920
_PATCH_SIZE = 32


def train(dtype: str, batch_size: int, repeats: int, start: float) -> dict[str, float]:
    """Measures training, from the start of the process to its memory."""
    settings = TrainingSettings(batch_size=batch_size)
    phases = schedules.plan_phases(settings.steps_schedule, num_updates=1000)
    model = loop.compiled_model(
        rim_tf.RIM(dtype=dtype), problems.DenoisingProblem(), settings, phases
    )
    clean = np.random.default_rng(0).random(
        (batch_size, _PATCH_SIZE, _PATCH_SIZE, 1), np.float32
    )
    update = functools.partial(model.train_on_batch, clean)
    update()
    startup = time.time() - start
    return {
        "startup_s": round(startup, 1),
        "train_patches_per_s": round(
            batch_size / measure.median_seconds(update, repeats), 2
        ),
        "train_peak_mb": round(measure.peak_megabytes()),
    }


def restore(
    dtype: str, batch_size: int, repeats: int, start: float
) -> dict[str, float]:
    """Measures the restoration of one image, and of its convolutions alone."""
    del batch_size, start
    model = rim_tf.RIM(dtype=dtype)
    model.build()
    seconds = measure.median_seconds(
        lambda: rim_tf.restore(model, _observation(_HEIGHT, _WIDTH), sigma=0.1), repeats
    )
    peak = round(measure.peak_megabytes())
    first, later = (
        _convolutions(model, _HEIGHT, _WIDTH, has_state) for has_state in (False, True)
    )

    def floor() -> None:
        ops.convert_to_numpy(first())
        for _ in range(PAPER_NUM_STEPS - 1):
            ops.convert_to_numpy(later())

    return {
        "restore_320x480_s": round(seconds, 3),
        "floor_320x480_s": round(measure.median_seconds(floor, repeats), 3),
        "restore_peak_mb": peak,
    }


def restore_large(
    dtype: str, batch_size: int, repeats: int, start: float
) -> dict[str, float]:
    """Measures the restoration of one large image, compilation included."""
    del batch_size, repeats, start
    observation = _observation(_LARGE_HEIGHT, _LARGE_WIDTH)
    begun = time.perf_counter()
    rim_tf.restore(rim_tf.RIM(dtype=dtype), observation, sigma=0.1)
    return {
        "restore_1920x1080_s": round(time.perf_counter() - begun, 1),
        "restore_1920x1080_peak_mb": round(measure.peak_megabytes()),
    }


def read_patches(
    dtype: str, batch_size: int, repeats: int, start: float
) -> dict[str, float]:
    """Measures the reading of training patches."""
    del dtype, start
    generator = np.random.default_rng(0)
    images = [
        generator.integers(0, 256, (481, 321, 1), dtype=np.uint8) for _ in range(20)
    ]
    patch_set = patches.PatchSet(images, _PATCH_SIZE)
    order = patch_set.order(1, 0)

    def read() -> None:
        for _ in patch_set.feed(order, batch_size):
            pass

    seconds = measure.median_seconds(read, repeats)
    return {"pipeline_patches_per_s": round(len(order) / seconds)}


def _convolutions(
    model: rim_tf.RIM, height: int, width: int, has_state: bool
) -> Callable:
    """Returns a function that makes the convolutions of one step, compiled.

    The first step has no state, and no convolutions of one.
    """
    cell = model.cell
    dtype = cell.compute_dtype
    small = (1, height // 2, width // 2)
    channels = cell.features + cell.state_features * has_state

    def of_gru(layer: Any, parts: int) -> Callable:
        features = parts * cell.state_features
        kernel = ops.cast(layer.kernel[:, :, :channels, :features], dtype)
        bias = ops.cast(layer.bias[:features], dtype)
        return lambda x: layer.in_parts(x, kernel, bias, parts)[0]

    # The reset gate has no part in the first step.
    gates = of_gru(cell.recurrent.gates, 2 if has_state else 1)
    candidate = of_gru(cell.recurrent.candidate, 1)
    inputs = {
        cell.encode: (1, height, width, cell.input_size),
        gates: (*small, channels),
        candidate: (*small, channels),
        cell.decode: (*small, cell.state_features),
        cell.update: (1, height, width, cell.features),
    }
    tensors = [ops.ones(shape, dtype) for shape in inputs.values()]

    def convolve(tensors: list) -> Any:
        # One value of each output, so that nothing else is copied.
        outputs = [layer(x) for layer, x in zip(inputs, tensors, strict=True)]
        return ops.stack([output[0, 0, 0, 0] for output in outputs])

    return functools.partial(backend.compile_function(convolve), tensors)


def _observation(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).random((1, height, width, 1), np.float32)
