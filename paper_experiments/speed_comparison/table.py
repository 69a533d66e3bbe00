"""The table of a comparison: medians, ratios, goals, spread, and the peer's."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from paper_experiments.speed_comparison.figures import FIGURES, Figure
from paper_experiments.speed_comparison.turns import Results

# A ratio of figures that spread farther says little.
LARGEST_SPREAD = 0.15
_LACKS = "not in this build"
_COLUMNS = ("what", "old", "new", "ratio", "goal", "spread", "peer")


def summarise(figure: Figure, results: Results) -> dict[str, Any]:
    """Returns what is known of a figure, as JSON values; None for what is not.

    Args:
      figure: The figure.
      results: What was measured.
    """
    old, lacking, instead = _of_build("old", figure, results)
    new, lacking_new, _ = _of_build("new", figure, results)
    reference = instead or old
    ratio = _median(new) / _median(reference) if new and reference else None
    peer = results.values.get(("peer", figure.peer), [])
    failures = results.failures
    spreads = [spread(values) for values in (reference, new) if len(values) > 1]
    return {
        "what": figure.what,
        "unit": figure.unit,
        **{"old": old, "old_instead": instead, "new": new, "peer": peer},
        **{"old_lacks": lacking, "new_lacks": lacking_new},
        "failed": [n for n in ("old", "new") if (n, figure.measurement) in failures],
        "median_old": _median(reference),
        "median_new": _median(new),
        "median_peer": _median(peer),
        "ratio": ratio,
        "goal": figure.goal,
        "is_reached": ratio and figure.goal and figure.is_reached(ratio),
        "spread": max(spreads, default=None),
        "times_as_fast_as_peer": _times_as_fast(figure, new, peer),
        "peer_goal": figure.peer_goal if peer else None,
    }


def spread(values: Sequence[float]) -> float:
    """Returns the range of values by their median."""
    return (max(values) - min(values)) / statistics.median(values)


def lines(summaries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Returns a Markdown table of `summarise` by keys."""
    by_key = {figure.key: figure for figure in FIGURES}
    rows = [_COLUMNS, ("---",) + ("---:",) * 3 + ("---", "---:", "---")]
    rows += [_row(by_key[key], summary) for key, summary in summaries.items()]
    return [f"| {' | '.join(row)} |" for row in rows]


def notes(summaries: Mapping[str, Mapping[str, Any]], results: Results) -> list[str]:
    """Returns lines below the table: what is lacking, failed, spread, or remarkable."""
    said = []
    for key, summary in summaries.items():
        for name in ("old", "new"):
            if summary[f"{name}_lacks"]:
                said.append(f"* {key}, {name}: {_LACKS}: {summary[f'{name}_lacks']}.")
        if (summary["spread"] or 0) > LARGEST_SPREAD:
            said.append(
                f"* **{key} spreads by {summary['spread']:.0%}**: the machine was not "
                "idle; measure again."
            )
    for (name, measurement), why in results.failures.items():
        said.append(f"* **{measurement}, {name}: failed**: {why}")
    for name, remarks in results.remarks.items():
        last = {remark.partition(":")[0]: remark for remark in remarks}
        said += [f"* {name}: {remark}." for remark in last.values()]
    return said


def _of_build(
    name: str, figure: Figure, results: Results
) -> tuple[list[float], str | None, list[float]]:
    """Returns values of a figure, what is lacking, and values to take instead."""
    values = results.values.get((name, figure.key), [])
    lacking = results.lacks.get((name, figure.key))
    lacking = lacking or results.lacks.get((name, figure.measurement))
    takes_other = lacking and not values and figure.instead
    instead = results.values.get((name, figure.instead), []) if takes_other else []
    return values, None if values else lacking, instead


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _times_as_fast(
    figure: Figure, new: Sequence[float], peer: Sequence[float]
) -> float | None:
    if not new or not peer:
        return None
    ratio = _median(new) / _median(peer)
    return ratio if figure.is_rate else 1 / ratio


def _row(figure: Figure, summary: Mapping[str, Any]) -> tuple[str, ...]:
    ratio, goal = summary["ratio"], summary["goal"]
    return (
        f"{figure.what}, {figure.unit}",
        _field("old", summary),
        _field("new", summary),
        "" if ratio is None else f"{ratio:.2f}",
        "" if goal is None else _goal(figure, summary),
        "" if summary["spread"] is None else f"{summary['spread']:.0%}",
        "" if summary["median_peer"] is None else _peer(summary),
    )


def _field(name: str, summary: Mapping[str, Any]) -> str:
    value = summary[f"median_{name}"]
    if summary[f"{name}_lacks"]:
        without = f"; {number(value)} without" if value is not None else ""
        return f"{_LACKS}{without}"
    if value is None:
        # As after an interruption.
        return "failed" if name in summary["failed"] else "not measured"
    return number(value)


def number(value: float) -> str:
    """Returns a number with three digits or more."""
    digits = next((d for d in range(3) if abs(value) >= 10 ** (2 - d)), 3)
    return f"{value:.{digits}f}"


def _goal(figure: Figure, summary: Mapping[str, Any]) -> str:
    goal = f"{'at least' if figure.is_rate else 'at most'} {figure.goal:g}"
    if summary["ratio"] is None:
        return goal
    return f"{goal}: {'reached' if summary['is_reached'] else 'NOT REACHED'}"


def _peer(summary: Mapping[str, Any]) -> str:
    times = summary["times_as_fast_as_peer"]
    if times is None:
        return number(summary["median_peer"])
    goal, reached = summary["peer_goal"], "reached"
    if times < goal:
        reached = "NOT REACHED"
    return (
        f"{number(summary['median_peer'])}; new is {times:.2f} times as fast, goal "
        f"{goal:g}: {reached}"
    )
