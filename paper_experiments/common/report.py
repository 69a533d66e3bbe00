"""One page about all claims, as Markdown and as HTML that needs no other file."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from paper_experiments.common import table
from paper_experiments.common.claims import Again, Claim

_STYLE = (
    "body{font:15px/1.4 sans-serif;max-width:85em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.2em .6em;"
    "text-align:left}.red{background:#fcc}.green{background:#e6f6e6}"
)
# Words that make a line or a row red, and green.
_DIFFERS = "DIFFERS"
_RED, _GREEN = (table.verdict(False), _DIFFERS), (table.verdict(True), "agrees")


class Report(NamedTuple):
    """What a page says.

    Attributes:
      claims: What was measured before.
      again: What was measured now, too.
      failures: What was to be measured now and could not be, in a line each.
      not_checked: What nobody checked, in a line each.
      commit: That of the program that writes the page.
    """

    claims: Sequence[Claim]
    again: Sequence[Again]
    failures: Sequence[str]
    not_checked: Sequence[str]
    commit: str | None

    @property
    def is_red(self) -> bool:
        """Whether something is not as it was measured before."""
        return bool(self.failures) or not all(each.agrees for each in self.again)


class _Block(NamedTuple):
    """A part of the page; the first of its rows, if there are any, is of headings."""

    heading: str
    lines: Sequence[str]
    rows: Sequence[Sequence[str | Path]] = ()


def to_markdown(report: Report) -> str:
    """Returns the page as Markdown."""
    parts = []
    for level, block in enumerate(_blocks(report)):
        parts.append(f"{'##' if level else '#'} {block.heading}")
        parts += block.lines
        if block.rows:
            cells = [[_markdown_cell(cell) for cell in row] for row in block.rows]
            lines = [f"| {' | '.join(row)} |" for row in cells]
            lines.insert(1, "|---" * len(block.rows[0]) + "|")
            parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def to_html(report: Report) -> str:
    """Returns the page as HTML."""
    parts = []
    for level, block in enumerate(_blocks(report)):
        tag = "h2" if level else "h1"
        parts.append(f"<{tag}>{html.escape(block.heading)}</{tag}>")
        parts += [f"<p{_color(line)}>{html.escape(line)}</p>" for line in block.lines]
        if block.rows:
            parts.append(_html_table(block.rows))
    title = html.escape(_blocks(report)[0].lines[0])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>"
        + "\n".join(parts)
        + "</body></html>\n"
    )


def _blocks(report: Report) -> list[_Block]:
    reached = sum(claim.holds for claim in report.claims)
    first = [f"Reproduced: {reached} of {len(report.claims)} claims."]
    differing = [each for each in report.again if not each.agrees]
    if report.is_red:
        first.append(
            f"{_DIFFERS}: {len(differing)} of {len(report.again)} values that were "
            f"measured now are not those of before, {len(report.failures)} could not "
            "be measured."
        )
    first.append(f"Written by commit {report.commit or 'unknown'}.")
    return [
        _Block("Recurrent Inference Machines, reproduced", first),
        _now(report),
        _read(report.claims),
        _Block("Not checked", report.not_checked),
    ]


def _now(report: Report) -> _Block:
    if not report.again and not report.failures:
        return _Block("Measured now", ["Nothing: --quick restores an image a table."])
    rows = [("image", "before, dB", "now, dB", "may differ by", "verdict")]
    rows += [
        (
            *(each.what, f"{each.before:.3f}", f"{each.now:.3f}"),
            *(f"{each.tolerance:g}", "agrees" if each.agrees else _DIFFERS),
        )
        for each in report.again
    ]
    return _Block("Measured now", report.failures, rows)


def _read(claims: Sequence[Claim]) -> _Block:
    rows = [
        ("claim", "reported", "measured", "weights", "verdict", "values", "of commit")
    ]
    rows += [
        (
            *(claim.what, claim.reported, claim.measured, claim.recipe),
            *(table.verdict(claim.holds), claim.path, claim.commit),
        )
        for claim in claims
    ]
    note = (
        "Not measured now. A table counts as reproduced if no mean is more than 0.15 "
        "dB below the reported one. Shipped weights were not trained by the paper's "
        "recipe."
    )
    return _Block("Read, of what was measured before", [note], rows)


def _markdown_cell(cell: str | Path) -> str:
    return f"[{cell.name}]({cell.as_uri()})" if isinstance(cell, Path) else cell


def _html_cell(cell: str | Path) -> str:
    if isinstance(cell, Path):
        return f'<a href="{cell.as_uri()}">{html.escape(cell.name)}</a>'
    return html.escape(cell)


def _html_table(rows: Sequence[Sequence[str | Path]]) -> str:
    lines = []
    for number, row in enumerate(rows):
        tag = "td" if number else "th"
        cells = "".join(f"<{tag}>{_html_cell(cell)}</{tag}>" for cell in row)
        lines.append(f"<tr{_color(*row)}>{cells}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _color(*texts: str | Path) -> str:
    for color, words in (("red", _RED), ("green", _GREEN)):
        if any(str(text).startswith(words) for text in texts):
            return f' class="{color}"'
    return ""
