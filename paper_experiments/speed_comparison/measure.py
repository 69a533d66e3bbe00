"""Measures one thing of one build, and prints it as a line of JSON.

`benchmark_speed.py --against` runs this one file for both builds, each time in a
process of its own, with the root of the build's tree in PYTHONPATH:

    python -P measure.py restore '{"tree": "...", "precision": "auto", ...}'

So it imports nothing of `paper_experiments`, and uses names without underscore of
`rim_tf` and command lines of scripts only. Where these have moved, it knows the places
of version 0.1, too. What a build lacks it says:

    {"values": {"restore_s": 5.9}, "lacks": {"restore_auto_s": "..."}, "remarks": []}

Values are seconds, megabytes (2^20 bytes), or patches per second.
"""

import contextlib
import dataclasses
import importlib
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_HEIGHT, _WIDTH = 320, 480
_LARGE_HEIGHT, _LARGE_WIDTH = 1080, 1920
_PATCH_SIZE = 32
_SIGMA = 25 / 255
_NUM_STEPS = 20
_WEIGHTS = "rim_denoise"
# Calls in a process, after a first one, of which a value is the median.
_CALLS = 3
# Images of each test set of Table 2 that are timed, and how many there are in all.
_FEW_IMAGES, _MORE_IMAGES, _ALL_IMAGES = 1, 4, 100

# T of `restore_size`.
GROWTH_STEPS = (10, 20, 40)

# Public names that moved, the newest place first.
_COMPILED_MODEL = ("rim_tf.training.loop", "rim_tf.training"), "compiled_model"
_SETTINGS = ("rim_tf.training.settings", "rim_tf.training"), "TrainingSettings"
_PLAN_PHASES = ("rim_tf.training.schedules", "rim_tf.schedules"), "plan_phases"
_PROBLEM = ("rim_tf.problems",), "DenoisingProblem"
# The setting of a training that takes less memory. No build has one yet; whoever makes
# it writes its name here.
_SAVES_MEMORY = "saves_memory"
_SCRIPTS = ("table1_rgb_denoise", "table2_denoise", "table2_quantized_denoise")
_SCRIPTS += ("table3_super_resolution", "figure3_three_task", "benchmark_speed")


class LackingError(Exception):
    """The build has nothing of that name; the message names it."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is measured, and how.

    Attributes:
      tree: Root of the build.
      started: When this process was started, by `time.monotonic`.
      precision: As `rim_tf.precision.resolve` takes it.
      batch_size: Patches in a training batch.
      data_dir: Where BSDS-300 is; None for where scripts look.
      quick: Whether to shrink everything: numbers that mean nothing, in seconds.
      height: Rows of the image, where its size is part of what is measured.
      width: Its columns.
    """

    tree: str
    started: float
    precision: str = "auto"
    batch_size: int = 16
    data_dir: str | None = None
    quick: bool = False
    height: int = _HEIGHT
    width: int = _WIDTH

    @property
    def num_steps(self) -> int:
        """Steps T."""
        return 2 if self.quick else _NUM_STEPS

    @property
    def calls(self) -> int:
        """Calls of which a value is the median."""
        return 1 if self.quick else _CALLS


@dataclasses.dataclass
class Found:
    """What was measured.

    Attributes:
      values: By the keys of figures.
      lacks: What the build lacks, by keys that are not among the values.
      remarks: What else is worth knowing.
    """

    values: dict[str, float]
    lacks: dict[str, str] = dataclasses.field(default_factory=dict)
    remarks: list[str] = dataclasses.field(default_factory=list)


def first_result(settings: Settings) -> Found:
    """Measures how long a user waits for the first restored image, and for what."""
    rim_tf = _library(settings)
    imported = time.monotonic()
    model = rim_tf.load_pretrained(_WEIGHTS, dtype=_dtype(rim_tf, settings))
    loaded = time.monotonic()
    clean = _photograph(128, 128)
    rim_tf.restore(
        model, _noisy(clean), sigma=_SIGMA, num_steps=_steps_or_none(settings)
    )
    times = {"import_s": imported, "load_s": loaded, "first_result_s": time.monotonic()}
    return Found({key: at - settings.started for key, at in times.items()})


def restore(settings: Settings) -> Found:
    """Measures the restoration of a photograph, at T = 20 and by "auto"."""
    rim_tf = _library(settings)
    model = rim_tf.load_pretrained(_WEIGHTS, dtype=_dtype(rim_tf, settings))
    clean = _photograph(*((32, 48) if settings.quick else (_HEIGHT, _WIDTH)))
    noisy = _noisy(clean)

    def restored(num_steps: Any, **more: Any) -> Any:
        return rim_tf.restore(model, noisy, sigma=_SIGMA, num_steps=num_steps, **more)

    seconds = median_seconds(lambda: restored(settings.num_steps), settings.calls)
    found = Found({"restore_s": seconds})
    try:
        by_auto, details = restored("auto", details=True)
    except (TypeError, ValueError):
        found.lacks["restore_auto_s"] = 'num_steps="auto"'
        return found
    seconds = median_seconds(lambda: restored("auto"), settings.calls)
    found.values["restore_auto_s"] = seconds
    difference = _psnr(by_auto, clean) - _psnr(restored(settings.num_steps), clean)
    found.remarks.append(
        f'restore_auto_s: "auto" made {details.num_steps} steps, and '
        f"{difference:+.3f} dB beside T = {settings.num_steps} (goal: -0.02 or better)"
    )
    return found


def restore_large(settings: Settings) -> Found:
    """Measures the restoration of a large image, compilation included."""
    import numpy as np

    rim_tf = _library(settings)
    model = rim_tf.load_pretrained(_WEIGHTS, dtype=_dtype(rim_tf, settings))
    height, width = (48, 64) if settings.quick else (_LARGE_HEIGHT, _LARGE_WIDTH)
    tiles = np.tile(_photograph(_HEIGHT, _WIDTH), (1, 4, 4, 1))
    noisy = _noisy(tiles[:, :height, :width])
    begun = time.monotonic()
    rim_tf.restore(model, noisy, sigma=_SIGMA, num_steps=settings.num_steps)
    seconds = time.monotonic() - begun
    return Found({"large_s": seconds, "large_peak_mb": peak_megabytes()})


def train(settings: Settings) -> Found:
    """Measures training: the start, the speed, and the memory."""
    started, rate, peak = _train(settings, {})
    return Found(
        {"startup_s": started, "train_patches_per_s": rate, "train_peak_mb": peak}
    )


def train_lean(settings: Settings) -> Found:
    """Measures training with the option that saves memory."""
    _library(settings)
    fields = {field.name for field in dataclasses.fields(_public(*_SETTINGS))}
    if _SAVES_MEMORY not in fields:
        raise LackingError("an option that saves memory in training")
    _, rate, peak = _train(settings, {_SAVES_MEMORY: True})
    return Found({"lean_patches_per_s": rate, "lean_peak_mb": peak})


def help(settings: Settings) -> Found:
    """Measures how long --help takes: the mean over the scripts."""
    tree = Path(settings.tree)
    scripts = tree / "paper_experiments"
    commands = [[_script(settings, name)] for name in _SCRIPTS]
    # It became an installed command.
    if (scripts / "rim_restore").is_dir():
        commands.append(["-m", "paper_experiments.rim_restore"])
    else:
        commands.append([_script(settings, "restore_image")])
    times = []
    for command in commands[:2] if settings.quick else commands:
        begun = time.monotonic()
        # absl ends with 1 after --help.
        _run(settings, [*command, "--help"], ends=(0, 1), says="--")
        times.append(time.monotonic() - begun)
    remark = f"help_s: {min(times):.2f} to {max(times):.2f} s over {len(times)} scripts"
    return Found({"help_s": statistics.mean(times)}, remarks=[remark])


def table2_embedded(settings: Settings) -> Found:
    """Measures a table of embedded photographs, without compilations of before."""
    arguments = ["--dataset=embedded"]
    if settings.quick:
        arguments += ["--num_images=1", "--num_steps=1"]
    with tempfile.TemporaryDirectory() as cache:
        environment = {
            "XDG_CACHE_HOME": cache,
            "JAX_COMPILATION_CACHE_DIR": f"{cache}/jax",
            # Its list of fonts is no compilation.
            "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR")
            or str(Path.home() / ".cache" / "matplotlib"),
        }
        seconds, _ = _table2(settings, arguments, environment)
    return Found({"table2_embedded_s": seconds})


def table2(settings: Settings) -> Found:
    """Measures Table 2 on a few images of BSDS-300, and scales it to all.

    The start is what the first images take less what they add.
    """
    numbers = (1, 2) if settings.quick else (_FEW_IMAGES, _MORE_IMAGES)
    more = [] if settings.data_dir is None else [f"--data_dir={settings.data_dir}"]
    more += ["--num_steps=1"] * settings.quick
    (few_s, few), (more_s, many) = (
        _table2(settings, ["--dataset=bsds300", f"--num_images={number}", *more])
        for number in numbers
    )
    of_image = (more_s - few_s) / (many - few)
    start = few_s - few * of_image
    remark = (
        f"table2_s: start {start:.1f} s, {of_image:.2f} s for each image, timed on "
        f"{few} and {many} images"
    )
    return Found({"table2_s": start + _ALL_IMAGES * of_image}, remarks=[remark])


def tests(settings: Settings) -> Found:
    """Measures the tests, as the README runs them in an environment that is there."""
    command = ["-m", "pytest", "-n", "auto", "--maxprocesses=4"]
    if settings.quick:
        command = ["-m", "pytest", "tests/metrics_test.py"]
    begun = time.monotonic()
    # 1: some failed.
    said = _run(settings, command, ends=(0, 1), says="passed", in_tree=True)
    seconds = time.monotonic() - begun
    return Found({"tests_s": seconds}, remarks=[f"tests_s: {said.splitlines()[-1]}"])


def restore_size(settings: Settings) -> Found:
    """Measures time and memory of restoring an image of some size, up to each T."""
    import numpy as np

    rim_tf = _library(settings)
    iterate = _public(("rim_tf", "rim_tf.restoration"), "iterate")
    model = rim_tf.load_pretrained(_WEIGHTS, dtype=_dtype(rim_tf, settings))
    photograph = _photograph(_HEIGHT, _WIDTH)
    tiles = (1, -(-settings.height // _HEIGHT), -(-settings.width // _WIDTH), 1)
    noisy = _noisy(np.tile(photograph, tiles)[:, : settings.height, : settings.width])
    counts = (1, 2, 4) if settings.quick else GROWTH_STEPS
    # Compiles the first step, and those that follow.
    for estimate in iterate(model, noisy, sigma=_SIGMA, num_steps=2):
        np.asarray(estimate)
    values = {}
    begun = time.monotonic()
    estimates = iterate(model, noisy, sigma=_SIGMA, num_steps=counts[-1])
    for number, estimate in enumerate(estimates, 1):
        np.asarray(estimate)
        if number in counts:
            steps = GROWTH_STEPS[counts.index(number)]
            values[f"s_{steps}"] = time.monotonic() - begun
            values[f"mb_{steps}"] = peak_megabytes()
    return Found(values)


def train_size(settings: Settings) -> Found:
    """Measures time and memory of a training step for some size of batch."""
    _, rate, peak = _train(settings, {})
    return Found({"s": settings.batch_size / rate, "mb": peak})


MEASUREMENTS: dict[str, Callable[[Settings], Found]] = {
    function.__name__: function
    for function in (
        *(first_result, restore, restore_large, train, train_lean),
        *(help, table2_embedded, table2, tests, restore_size, train_size),
    )
}


def _library(settings: Settings) -> Any:
    """Imports `rim_tf`, and makes sure that it is the build's."""
    import rim_tf

    folder = Path(rim_tf.__file__).resolve().parents[1]
    if folder != Path(settings.tree).resolve():
        raise RuntimeError(f"rim_tf was imported from {folder}, not {settings.tree}.")
    return rim_tf


def _public(modules: tuple[str, ...], name: str) -> Any:
    """Returns what is called so in the first of these modules that has it."""
    for module in modules:
        with contextlib.suppress(ImportError, AttributeError):
            return getattr(importlib.import_module(module), name)
    raise LackingError(f"{' or '.join(modules)}: {name}")


def _dtype(rim_tf: Any, settings: Settings) -> str:
    return rim_tf.precision.resolve(settings.precision)[0]


def _steps_or_none(settings: Settings) -> int | None:
    """Returns what a user gives who gives nothing, but for a quick look."""
    return settings.num_steps if settings.quick else None


def _train(settings: Settings, options: dict[str, Any]) -> tuple[float, float, float]:
    """Trains; returns seconds to the first step, patches per second, and memory."""
    import numpy as np

    rim_tf = _library(settings)
    batch_size = min(settings.batch_size, 2 if settings.quick else math.inf)
    of_training = _public(*_SETTINGS)(batch_size=batch_size, **options)
    schedule = ((settings.num_steps, 1.0),)
    model = _public(*_COMPILED_MODEL)(
        rim_tf.RIM(dtype=_dtype(rim_tf, settings), num_steps=settings.num_steps),
        _public(*_PROBLEM)(),
        of_training,
        _public(*_PLAN_PHASES)(schedule, num_updates=1000),
    )
    size = (batch_size, _PATCH_SIZE, _PATCH_SIZE, 1)
    clean = np.random.default_rng(0).random(size, np.float32)
    model.train_on_batch(clean)
    started = time.monotonic() - settings.started
    seconds = median_seconds(lambda: model.train_on_batch(clean), settings.calls)
    return started, batch_size / seconds, peak_megabytes()


def _photograph(height: int, width: int) -> Any:
    """Returns a photograph that scikit-image installs, `(1, height, width, 1)`."""
    import numpy as np
    import skimage.data

    gray = skimage.data.astronaut()[:height, :width] @ np.array([0.299, 0.587, 0.114])
    return np.float32(gray / 255)[None, ..., None]


def _noisy(clean: Any) -> Any:
    import numpy as np

    noise = np.random.default_rng(0).standard_normal(clean.shape)
    return np.float32(clean + _SIGMA * noise)


def _psnr(estimate: Any, clean: Any) -> float:
    import numpy as np

    return -10 * np.log10(np.mean(np.square(np.asarray(estimate) - clean)))


def median_seconds(call: Callable[[], Any], number: int) -> float:
    """Returns what a call takes: the median of some after a first, uncounted one."""
    call()
    times = []
    for _ in range(number):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def peak_megabytes() -> float:
    """Returns the largest resident memory of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():
        words = status.read_text().split()
        return int(words[words.index("VmHWM:") + 1]) / 1024
    # Elsewhere it may be that of the process that started this one.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)


def _script(settings: Settings, name: str) -> str:
    path = Path(settings.tree, "paper_experiments", f"{name}.py")
    if not path.exists():
        raise LackingError(f"{name}.py")
    return str(path)


def _table2(
    settings: Settings, arguments: list[str], environment: dict[str, str] | None = None
) -> tuple[float, int]:
    """Makes the table; returns the seconds that it took, and the number of images."""
    script = _script(settings, "table2_denoise")
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "table2")
        command = [script, *arguments, f"--output_dir={output}"]
        command.append(f"--precision={settings.precision}")
        begun = time.monotonic()
        _run(settings, command, environment=environment)
        seconds = time.monotonic() - begun
        measured = json.loads((output / "result.json").read_text())["measured"]
    return seconds, len({image for score in measured for image in score["per_image"]})


def _run(
    settings: Settings,
    command: list[str],
    *,
    ends: tuple[int, ...] = (0,),
    says: str = "",
    in_tree: bool = False,
    environment: dict[str, str] | None = None,
) -> str:
    """Runs Python on a command of the build; returns what it says.

    Raises:
      RuntimeError: If it does not end with one of these codes, or does not say that.
    """
    with tempfile.TemporaryDirectory() as folder:
        finished = subprocess.run(
            [sys.executable, *command],
            cwd=settings.tree if in_tree else folder,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
    if finished.returncode not in ends or says not in finished.stdout:
        lines = [*finished.stdout.splitlines(), *finished.stderr.splitlines()]
        name = next(Path(word).name for word in command if word != "-m")
        raise RuntimeError(f"{name}: {lines[-1] if lines else 'it said nothing'}")
    return finished.stdout.strip()


def main(name: str, text: str) -> None:
    """Measures, and prints what was found."""
    try:
        found = MEASUREMENTS[name](Settings(**json.loads(text)))
    except LackingError as error:
        found = Found({}, {"": str(error)})
    print(json.dumps(dataclasses.asdict(found)))


if __name__ == "__main__":
    main(*sys.argv[1:])
