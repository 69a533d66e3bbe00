"""Measures two builds in turn, and a peer: old, new, peer, old, new, peer ..."""

import collections
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from paper_experiments.common.errors import UserError
from paper_experiments.common.wording import count, describe_seconds
from paper_experiments.speed_comparison import processes
from paper_experiments.speed_comparison.builds import Build
from paper_experiments.speed_comparison.figures import PEER, Measurement

# A first, uncounted run reads libraries into memory; what takes longer need not wait
# for it.
_LONG_SECONDS = 150
_FIRST = "first, not counted"


class Step(NamedTuple):
    """A run of a measurement.

    Attributes:
      measurement: What is measured.
      build: Of which build; None for the peer.
      round: Its number, 0 for the uncounted one.
    """

    measurement: Measurement
    build: Build | None
    round: int

    def __str__(self) -> str:
        name = self.build.name if self.build else "peer"
        what = f"round {self.round}" if self.round else _FIRST
        return f"{self.measurement.name}, {name}, {what}"


class Results:
    """What was measured so far.

    Attributes:
      values: A list by the name of a build, or "peer", and the key of a figure.
      lacks: What a build lacks, by the same.
      failures: Why a measurement failed, by the name of a build and its own.
      remarks: What else was said, by the name of a build, each once.
    """

    def __init__(self):
        self.values = collections.defaultdict(list)
        self.lacks: dict[tuple[str, str], str] = {}
        self.failures: dict[tuple[str, str], str] = {}
        self.remarks = collections.defaultdict(list)

    def add(self, name: str, values: Mapping[str, float]) -> None:
        """Adds the values of a step."""
        for key, value in values.items():
            self.values[name, key].append(value)


def plan(
    measurements: Sequence[Measurement],
    builds: Sequence[Build],
    has_peer: bool,
    rounds: int | None,
    is_quick: bool,
) -> list[Step]:
    """Returns all steps in their order.

    Args:
      measurements: What is measured.
      builds: The builds, that which is begun with first.
      has_peer: Whether there is a peer; it has its turn in the first block.
      rounds: How often each is measured; as it says itself if None.
      is_quick: Whether nothing is run uncounted.
    """
    first = [m for m in measurements if m.name in ("restore", "train")]
    others = [[m] for m in measurements if m not in first]
    blocks = [first + [PEER] * has_peer, *others]
    steps = []
    for block in blocks:
        number = {m.name: rounds or m.rounds for m in block}
        for turn in range(1 + max(number.values(), default=0)):
            for measurement in block:
                is_warm = is_quick or measurement.seconds > _LONG_SECONDS
                if turn > number[measurement.name] or (turn == 0 and is_warm):
                    continue
                of = [None] if measurement is PEER else builds
                steps += [Step(measurement, build, turn) for build in of]
    if has_peer:
        # What is wrong with it is said before the long work.
        first = next(step for step in steps if step.measurement is PEER)
        steps.remove(first)
        steps.insert(0, first)
    return steps


def estimate(steps: Sequence[Step]) -> str:
    """Says how long all will take, and what most of it."""
    seconds: dict[str, float] = collections.defaultdict(float)
    for step in steps:
        seconds[step.measurement.name] += step.measurement.seconds
    parts = ", ".join(f"{name} {describe_seconds(s)}" for name, s in seconds.items())
    whole = describe_seconds(sum(seconds.values()))
    return (
        f"{count(len(steps), 'run')} take about {whole} on two cores of 2022: {parts}."
    )


def run(
    steps: Sequence[Step],
    settings: processes.Settings,
    peer: list[str] | None,
    results: Results,
    say: Callable[[str], None],
) -> None:
    """Makes all steps; adds to the results as they are there.

    Args:
      steps: Of `plan`.
      settings: How to measure.
      peer: Its command; None if there is none.
      results: Where to add.
      say: Takes a line for each step.

    Raises:
      UserError: If the peer fails at once.
    """
    begun = time.monotonic()
    planned = [step.measurement.seconds for step in steps]
    for number, step in enumerate(steps):
        name = step.build.name if step.build else PEER.name
        if (name, step.measurement.name) in results.failures:
            continue
        said = _make(step, name, settings, peer, results)
        elapsed = time.monotonic() - begun
        pace = elapsed / sum(planned[: number + 1])
        left = f"about {describe_seconds(pace * sum(planned[number + 1 :]))} left"
        say(f"[{number + 1}/{len(steps)}] {step}: {said} ({left})")


def _make(
    step: Step,
    name: str,
    settings: processes.Settings,
    peer: list[str] | None,
    results: Results,
) -> str:
    """Makes a step; returns what to say of it."""
    try:
        if step.build is None:
            found = {"values": processes.measure_peer(peer), "lacks": {}, "remarks": []}
        else:
            found = processes.measure_build(step.build, step.measurement.name, settings)
    except processes.FailedError as error:
        if step.build is None and not any(key[0] == name for key in results.values):
            raise UserError(
                f"--peer: it fails: {error}. Run it alone: {' '.join(peer)}"
            ) from error
        results.failures[name, step.measurement.name] = str(error)
        return f"FAILED: {error}"
    for key, lacking in found["lacks"].items():
        results.lacks[name, key or step.measurement.name] = lacking
    for remark in found["remarks"]:
        if step.round:
            results.remarks[name].append(remark)
    if step.round:
        results.add(name, found["values"])
    return "; ".join(_described(found)) or "nothing"


def _described(found: Mapping) -> Iterator[str]:
    for key, value in found["values"].items():
        yield f"{key} {value:.4g}"
    for lacking in found["lacks"].values():
        yield f"not in this build: {lacking}"
