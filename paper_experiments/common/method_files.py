"""Methods of restoring as files: those of `baselines/`, or a user's own.

What a file is to hold stands in `baselines/__init__.py`. A file that is wrong gets one
line that says what is wrong where. Nothing else is lost with it.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from paper_experiments.common import user_files
from paper_experiments.common.errors import UserError
from paper_experiments.common.table import Score, standard_error

_FOLDER = Path(__file__).parents[1] / "baselines"
# No estimate goes so far on the scale from 0 to 1.
_LEAST_PIXEL, _LARGEST_PIXEL = -1.0, 2.0


class MethodError(Exception):
    """What is wrong with a file, where it was found, in one line."""


class NotForThisError(MethodError):
    """A method is not for the forward model, and says so."""


class MethodFile(NamedTuple):
    """A file with a method.

    Attributes:
      row: What it is called in tables.
      path: The file.
      restore: Its function, see `baselines/__init__.py`.
      is_yours: Whether it is a user's own.
    """

    row: str
    path: Path
    restore: Callable[[np.ndarray, float, Any], Any]
    is_yours: bool

    def estimate(
        self,
        observation: np.ndarray,
        sigma: float,
        forward_model: Any,
        shape: tuple[int, ...],
    ) -> np.ndarray:
        """Returns what the method makes of an observation, float32.

        Args:
          observation: `(height, width, channels)` float32.
          sigma: Standard deviation of the noise, in the same unit.
          forward_model: What made the observation.
          shape: That of the image which is looked for.

        Raises:
          MethodError: If it fails, or returns no such image.
        """
        try:
            made = self.restore(observation.copy(), sigma, forward_model)
            # Whatever a user's library returns.
            made = np.asarray(made)
        except NotImplementedError as error:
            raise NotForThisError(user_files.describe(error, self.path)) from error
        except (Exception, SystemExit) as error:
            raise MethodError(user_files.describe(error, self.path)) from error
        _check(made, shape)
        return made.astype(np.float32)


def names() -> list[str]:
    """Returns the names of the files of `baselines/`."""
    return sorted(p.stem for p in _FOLDER.glob("*.py") if p.stem != "__init__")


def find(asked: str) -> Path:
    """Returns the file that --method asks for.

    Raises:
      UserError: If there is no such file.
    """
    path = Path(asked).expanduser()
    if path.suffix == ".py":
        if path.is_file():
            return path
        raise UserError(f"--method: there is no file {asked}.")
    if asked in names():
        return _FOLDER / f"{asked}.py"
    raise UserError(
        f"--method: there is no method {asked}; there are {', '.join(names())}, or "
        "give a file of your own, NAME.py."
    )


def load(path: Path) -> MethodFile:
    """Returns what a file holds.

    Raises:
      MethodError: If it cannot be imported, or has no `restore`.
    """
    is_yours = path.resolve().parent != _FOLDER
    try:
        module = user_files.run(path, may_import_beside=is_yours)
    except user_files.ImportFailedError as error:
        cure = "" if is_yours else "; its first lines say what it needs"
        raise MethodError(f"{error}{cure}") from error
    restore = getattr(module, "restore", None)
    if not callable(restore):
        raise MethodError(
            "it has no function restore(observation, sigma, forward_model)"
        )
    # A row of Markdown.
    name = " ".join(str(getattr(module, "NAME", path.stem)).replace("|", "/").split())
    return MethodFile(f"{name} (yours)" if is_yours else name, path, restore, is_yours)


def _check(made: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raises a `MethodError` if an estimate is no image as it is asked for."""
    if made.dtype.kind not in "fiub":
        raise MethodError(f"it returns {made.dtype}, not an array of real numbers")
    if made.shape != tuple(shape):
        raise MethodError(f"it returns the shape {made.shape}, not {tuple(shape)}")
    if not np.isfinite(made).all():
        raise MethodError("it returns values that are not finite (NaN or infinite)")
    least, largest = float(made.min()), float(made.max())
    if least < _LEAST_PIXEL or largest > _LARGEST_PIXEL:
        raise MethodError(
            f"it returns values from {least:.3g} to {largest:.3g}; the scale of images "
            "is 0 to 1"
        )


def _difference(score: Score, reference: Score) -> str:
    """Returns mean and standard error of the difference, of images that both have."""
    first, second = score.per_image, reference.per_image
    values = np.array([first[i] - second[i] for i in first if i in second])
    values = values[np.isfinite(values)]
    if not values.size:
        return "not defined"
    digits = 2 if score.metric == "psnr" else 4
    error = standard_error(values)
    spread = "" if error is None else f" ± {error:.{digits}f}"
    return f"{values.mean():+.{digits}f}{spread}"


class Methods:
    """The files that --method asks for, without those that were found to be wrong.

    What is wrong is printed when it is found, each file once.

    Attributes:
      files: By row.
      failures: The lines that were printed.

    Args:
      asked: Values of --method.
      may_decline: Whether a method may be for some forward models only.
    """

    def __init__(self, asked: Sequence[str], may_decline: bool = False):
        self.files: dict[str, MethodFile] = {}
        self.failures: list[str] = []
        self._may_decline = may_decline
        self._seconds: dict[str, list[float]] = {}
        for path in dict.fromkeys(map(find, asked)):
            self._load(path)

    def restore(
        self, row: str, where: str, observation: np.ndarray, *args: Any
    ) -> np.ndarray | None:
        """Returns a method's estimate; None if it fails: then its file is left out.

        Args:
          row: The method.
          where: Image and condition, for the line that says what is wrong.
          observation: See `MethodFile.estimate`, as the others.
          *args: Noise level, forward model and shape.
        """
        file = self.files.get(row)
        if file is None:
            return None
        start = time.perf_counter()
        try:
            estimate = file.estimate(observation, *args)
        except MethodError as error:
            if not (self._may_decline and isinstance(error, NotForThisError)):
                del self.files[row]
                self._fail(f"{file.path.name}, {where}: {error}. It is not measured.")
            return None
        self._seconds.setdefault(row, []).append(time.perf_counter() - start)
        return estimate

    def seconds(self, row: str) -> float | None:
        """Returns the seconds an image, the median; None if it restored none."""
        times = self._seconds.get(row)
        return float(np.median(times)) if times else None

    def notes(
        self,
        measured: Sequence[Score],
        references: Sequence[str],
        label: Callable[[Score], str],
    ) -> list[str]:
        """Says how far each method is from a RIM, how long it takes, and what failed.

        Args:
          measured: Of the methods and the RIM.
          references: Rows of RIMs; the first that was measured is compared with.
          label: What the table calls the condition.
        """
        rows = {score.model for score in measured}
        reference = next((row for row in references if row in rows), None)
        return [
            *(f"* **{line}**" for line in self.failures),
            *(
                self._note(row, measured, reference, label)
                for row in self.files
                if row in rows
            ),
        ]

    def _note(self, row, measured, reference, label) -> str:
        of = {(s.model, label(s)): s for s in measured if s.model in (row, reference)}
        compared = [
            f"{name} {_difference(score, of[reference, name])}"
            for (model, name), score in of.items()
            if model == row and (reference, name) in of
        ]
        seconds = self.seconds(row)
        what = f" less {reference}, mean ± standard error over images: "
        parts = [what + ", ".join(compared)] if compared else []
        parts += [f" {seconds:.2g} s an image"] if seconds is not None else []
        return f"* {row}, {self.files[row].path.name}:{';'.join(parts)}."

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Returns what `result.json` tells of the methods that were asked for."""
        return {
            row: {"file": str(file.path), "seconds_per_image": self.seconds(row)}
            for row, file in self.files.items()
        }

    def _load(self, path: Path) -> None:
        try:
            file = load(path)
        except MethodError as error:
            self._fail(f"{path.name}: {error}. It is not measured.")
            return
        if file.row in self.files:
            other = self.files[file.row].path
            self._fail(f"{path.name}: its NAME is that of {other}. It is not measured.")
            return
        self.files[file.row] = file

    def _fail(self, line: str) -> None:
        self.failures.append(line)
        # Not into a progress bar.
        tqdm.write(f"error: --method: {line}", file=sys.stderr)
