"""Measures all choices on all images; every value is kept when it is made."""

import dataclasses
import functools
import hashlib
import math
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from paper_experiments.choices import groups, restoring
from paper_experiments.choices.methods import Baseline, Network
from paper_experiments.choices.steps import (
    Choice,
    NotMeasurableError,
    Photograph,
    Steps,
)
from paper_experiments.common import provenance
from rim_tf import files

# Who made a choice that could not be made.
NOT_INSTALLED, NOT_IMPORTABLE = "not installed", "not importable"


class Row(NamedTuple):
    """What the values of a row are of: keys of a table of choices.

    Attributes:
      choice: Name of the choice.
      condition: "sigma 25", "x2" and so on.
      method: "baseline" or "network".
    """

    choice: str
    condition: str
    method: str


# Values by image id.
Values = dict[str, float]
Results = dict[Row, Values]


class Task(NamedTuple):
    """One value that is to be measured."""

    row: Row
    photograph: Photograph
    steps: Steps
    choice: Choice
    method: Baseline | Network

    @property
    def key(self) -> str:
        """What the value is called in the file of the photograph."""
        return "|".join(self.row)


@dataclasses.dataclass(frozen=True, eq=False)
class Measurement:
    """All choices on all images.

    Each value is kept on disk when it is made, so that an interrupted measurement goes
    on where it was. What was measured of other images, models, weights, packages or
    settings is measured again, but not what an earlier version of this program did.
    Values of a library that is not installed now are taken as they are: so one folder
    may be filled by several environments.

    Attributes:
      photographs: The test images.
      all_choices: By id, those of which all choices are measured; of others the
        reference is, with the baseline.
      methods: By the ids of the images that each restores.
      seed: Seed of the noise.
      folder: Where values are kept.
      asked: Names of the groups.
    """

    photographs: Sequence[Photograph]
    all_choices: Collection[str]
    methods: Mapping[Baseline | Network, Sequence[str]]
    seed: int
    folder: Path
    asked: Sequence[str]

    def run(self, minutes: float | None = None) -> Results:
        """Measures what was not measured before.

        Args:
          minutes: When to stop; never if None.

        Returns:
          All values that are known, also those of groups that were not asked for.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        start, limit = time.monotonic(), math.inf if minutes is None else 60 * minutes
        for task in tqdm(self.missing(), "Measuring", unit="value", mininterval=1):
            if time.monotonic() - start >= limit:
                break
            self._measure(task)
        return self.known()

    def missing(self) -> list[Task]:
        """Returns what was not measured before, and can be."""
        found = []
        for photograph in self.photographs:
            kept = self._read(photograph)
            found += [
                task
                for task in self._tasks(photograph, self.asked)
                if task.choice.made_by is not None and not self._is_known(task, kept)
            ]
        # What takes long last.
        return sorted(found, key=lambda task: isinstance(task.method, Network))

    def known(self) -> Results:
        """Returns what was measured, in the order of the choices."""
        results: Results = defaultdict(dict)
        for photograph in self.photographs:
            kept = self._read(photograph)
            for task in self._tasks(photograph, groups.ALL, every_backend=True):
                if self._is_known(task, kept):
                    value = kept[task.key]["value"]
                    if value is not None:
                        results[task.row][photograph.image_id] = value
        return dict(results)

    def made_by(self) -> dict[str, str]:
        """Returns who made each choice, by its name, or why it could not be made."""
        every = [choice for group in groups.ALL.values() for choice in group]
        found = {
            choice.name: NOT_INSTALLED if choice.made_by is None else choice.made_by
            for choice in every
        }
        every_kept = [
            (key.partition("|")[0], kept)
            for photograph in self.photographs
            for key, kept in self._read(photograph).items()
        ]
        # Last what has a value: it tells more than that there is none of an image.
        for name, kept in sorted(every_kept, key=lambda k: k[1]["value"] is not None):
            found[name] = kept["made_by"]
        return found

    def _tasks(
        self,
        photograph: Photograph,
        asked: Collection[str],
        every_backend: bool = False,
    ) -> Iterator[Task]:
        is_jax = provenance.versions()["backend"] == "jax"
        for method, ids in self.methods.items():
            is_network = isinstance(method, Network)
            if photograph.image_id not in ids:
                continue
            for choice in self._choices(photograph, asked, is_network):
                of_jax = choice == restoring.JAX
                if is_network and not every_backend and of_jax != is_jax:
                    continue
                for condition, steps in choice.steps().items():
                    row = Row(choice.name, condition, method.name)
                    yield Task(row, photograph, steps, choice, method)

    def _choices(
        self, photograph: Photograph, asked: Collection[str], is_network: bool
    ) -> list[Choice]:
        if photograph.image_id not in self.all_choices:
            return [groups.OURS]
        found = [groups.OURS]
        for group in asked:
            # Restoring takes longest: half of the network's images must do.
            is_half = group == groups.RESTORING and not self._in_first_half(photograph)
            found += [
                choice
                for choice in groups.ALL[group]
                if not is_half and (is_network or not choice.for_network)
            ]
        return found

    def _in_first_half(self, photograph: Photograph) -> bool:
        ids = list(*(i for m, i in self.methods.items() if isinstance(m, Network)))
        return photograph.image_id in ids[: (len(ids) + 1) // 2]

    def _measure(self, task: Task) -> None:
        value, made_by = None, task.choice.made_by
        kept = self._read(task.photograph)
        try:
            estimate = task.steps.estimate(task.photograph, task.method, self.seed)
            value = task.steps.value(task.photograph, estimate)
        except NotMeasurableError:
            pass
        except Exception as error:
            if not isinstance(error, ImportError) and task.choice.is_importable:
                raise
            # It is installed, and does not fit this machine; it is tried again.
            if kept.get(task.key, {}).get("value") is not None:
                return
            made_by = f"{made_by}, {NOT_IMPORTABLE}".removeprefix(", ")
        kept[task.key] = {
            "value": value,
            "made_by": made_by,
            "of": self._fingerprint(task),
        }
        files.write_json(self._path(task.photograph), kept, indent=0)

    def _is_known(self, task: Task, kept: Mapping[str, Any]) -> bool:
        found = kept.get(task.key)
        return (
            found is not None
            and found["of"] == self._fingerprint(task)
            and task.choice.made_by in (None, found["made_by"])
        )

    def _read(self, photograph: Photograph) -> dict[str, Any]:
        path = self._path(photograph)
        return files.read_json(path, "delete it") if path.exists() else {}

    def _path(self, photograph: Photograph) -> Path:
        return self.folder / f"{photograph.number:03d}.json"

    def _fingerprint(self, task: Task) -> str:
        """Returns what a value depends on, beside the choice."""
        return f"{_hash(task.photograph)}, {self._of_method[task.method]}, {self.seed}"

    @functools.cached_property
    def _of_method(self) -> dict[Baseline | Network, str]:
        return {method: method.fingerprint() for method in self.methods}


def _hash(photograph: Photograph) -> str:
    return _hash_of(photograph.rgb.tobytes())


@functools.lru_cache(maxsize=128)
def _hash_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
