"""One comparison of two builds: from the flags to the table."""

import contextlib
import dataclasses
import datetime
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from paper_experiments.common import quiet
from paper_experiments.common.errors import UserError
from paper_experiments.common.wording import describe_seconds
from paper_experiments.speed_comparison import (
    builds,
    figures,
    folders,
    processes,
    table,
    turns,
)

RESULT_FILE, TABLE_FILE = "result.json", "table.md"
# The load per core of a machine that does something else.
_LARGEST_LOAD = 0.25


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
      root: Root of the checkout, the new build.
      against: The commit of the old build.
      figures: Keys of figures, or "all".
      output_dir: Where results go.
      overwrite: Whether there may be some already.
      peer: What --peer says; None without it.
      rounds: How often each is measured; None for what each says.
      settings: How to measure.
    """

    root: Path
    against: str
    figures: Sequence[str]
    output_dir: Path
    overwrite: bool = False
    peer: str | None = None
    rounds: int | None = None
    settings: processes.Settings = dataclasses.field(default_factory=processes.Settings)


def compare(request: Request, say: Callable[[str], None] = print) -> bool:
    """Measures both builds in turn, prints the table, and writes it.

    Args:
      request: What is asked for.
      say: Takes lines.

    Returns:
      Whether all could be measured.

    Raises:
      UserError: If something that the user named is not there, or the peer fails.
    """
    chosen, peer, commit = _check(request)
    existed = request.output_dir.exists()
    folders.make(request.output_dir)
    results, facts = turns.Results(), _facts(request, peer)
    begun = time.monotonic()
    try:
        with builds.side_by_side(request.root, commit) as pair:
            facts["builds"] = {build.name: build.commit for build in pair}
            _measure(request, chosen, peer, pair, results, facts["warnings"], say)
    finally:
        # Of an interrupted comparison, too.
        facts["seconds"] = round(time.monotonic() - begun, 1)
        if results.values:
            _report(request, chosen, results, facts, say)
        elif not existed:
            with contextlib.suppress(OSError):
                request.output_dir.rmdir()
    return not results.failures


def _measure(
    request: Request,
    chosen: Sequence[figures.Figure],
    peer: list[str] | None,
    pair: Sequence[builds.Build],
    results: turns.Results,
    warnings: Sequence[str],
    say: Callable[[str], None],
) -> None:
    """Says what will be measured and how long it takes, and measures."""
    measurements = figures.measurements_of(chosen)
    is_quick = request.settings.quick
    steps = turns.plan(measurements, pair, peer is not None, request.rounds, is_quick)
    old, new = pair
    say(f"old: {old.commit}, new: {new.commit}.")
    say("\n".join([*warnings, turns.estimate(steps), ""]))
    turns.run(steps, request.settings, peer, results, say)


def _check(request: Request) -> tuple[list[figures.Figure], list[str] | None, str]:
    """Returns figures, the peer's command, and the commit; refuses what is wrong."""
    everything = [figure.key for figure in figures.FIGURES]
    keys = everything if list(request.figures) == ["all"] else request.figures
    chosen = figures.choose(keys)
    peer = processes.peer_command(request.peer) if request.peer else None
    commit = builds.resolve(request.root, request.against)
    if any(figure.key == "table2_s" for figure in chosen):
        _check_data(request.settings.data_dir)
    folders.check(request.output_dir, RESULT_FILE, request.overwrite)
    return chosen, peer, commit


def _check_data(data_dir: str | None) -> None:
    """Raises a `UserError` if BSDS-300 is not where scripts will look for it."""
    default = os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")
    folder = Path(data_dir or default).expanduser()
    if not any((folder / name).is_dir() for name in ("BSDS300", "bsds300")):
        raise UserError(
            f"--data_dir: {folder} has no BSDS-300, which the figure table2_s needs; "
            "give a folder that holds BSDS300/images/{train,test}, or --figures "
            "without table2_s."
        )


def _facts(request: Request, peer: list[str] | None) -> dict[str, Any]:
    """Returns what is known before the work, as JSON values."""
    load, cores = round(os.getloadavg()[0], 2), os.cpu_count()
    return {
        "started": f"{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M %z}",
        "machine": {"cores": cores, "load": load},
        "warnings": warnings_of_load(load, cores),
        "settings": dataclasses.asdict(request.settings),
        "peer": peer,
    }


def warnings_of_load(load: float, cores: int) -> list[str]:
    """Returns a line if a machine has something else to do."""
    if load <= _LARGEST_LOAD * cores:
        return []
    return [
        f"*** The machine is not idle: its load is {load} at the start. End what else "
        "runs, or believe no ratio."
    ]


def _report(
    request: Request,
    chosen: Sequence[figures.Figure],
    results: turns.Results,
    facts: Mapping[str, Any],
    say: Callable[[str], None],
) -> None:
    """Prints the table, and writes it, and the JSON beside it."""
    # Keras is imported here, where its threads and memory are in nobody's way.
    quiet.import_backend()
    from paper_experiments.common import provenance
    from rim_tf import files

    summaries = {figure.key: table.summarise(figure, results) for figure in chosen}
    versions = {k: v for k, v in provenance.versions().items() if k != "commit"}
    lines = [
        *_heading(request, facts, versions),
        "",
        *table.lines(summaries),
        "",
        *table.notes(summaries, results),
    ]
    whole = {
        **facts,
        "versions": versions,
        "figures": summaries,
        "failures": {", ".join(key): why for key, why in results.failures.items()},
        "remarks": dict(results.remarks),
    }
    files.write_json(request.output_dir / RESULT_FILE, whole, indent=1)
    files.write_text(request.output_dir / TABLE_FILE, "\n".join(lines) + "\n")
    say("\n".join(["", *lines, ""]))
    say(
        f"Wrote {RESULT_FILE} and {TABLE_FILE} to {request.output_dir} after "
        f"{describe_seconds(facts['seconds'])}."
    )


def _heading(
    request: Request,
    facts: Mapping[str, Any],
    versions: Mapping[str, Any],
) -> list[str]:
    """Says what the table is of."""
    both = " beside ".join(f"{name} {c}" for name, c in facts["builds"].items())
    packages = ("keras", "tensorflow", "jax")
    with_versions = ", ".join(f"{p} {versions[p]}" for p in packages if versions[p])
    settings = request.settings
    shrunken = ["*** --quick: everything is shrunken, and the numbers mean nothing."]
    return [
        f"{both}, in turn, medians; {versions['processor']}, "
        f"{facts['machine']['cores']} cores, load {facts['machine']['load']} at the "
        f"start; {facts['started']}; backend {versions['backend']}, {with_versions}; "
        f"precision {settings.precision}, batch {settings.batch_size}.",
        *facts["warnings"],
        *(shrunken if settings.quick else []),
    ]
