"""Tables in Markdown."""

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns the lines of a table of numbers, whose columns are aligned.

    Args:
      rows: Cells; the first row is the heading, the first column names the others.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        " | ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    rule = ["-" * (width + 1) + (":" if i else "-") for i, width in enumerate(widths)]
    lines = [f"| {line} |" for line in lines]
    return [lines[0], f"|{'|'.join(rule)}|", *lines[1:]]


def narrow(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns the lines of a table of words, too wide to be aligned.

    Args:
      rows: Cells; the first row is the heading.
    """
    lines = [f"| {' | '.join(row)} |".replace("|  |", "| |") for row in rows]
    return [lines[0], "|---" * len(rows[0]) + "|", *lines[1:]]
