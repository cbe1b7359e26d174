"""Sentences and tables as Markdown, in lines of at most 100 characters where they can be broken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bench.common.tables import Part, Table

WIDTH = 100
# What would begin a list, a heading, a quotation, a table or a block of code if it came first in a line.
MARK = re.compile(r"([-+*]|[-=]+|#{1,6}|\d{1,9}[.)]|>.*|\|.*|```.*|~~~.*)$")
WHOLE = ("#", "```", "|")


def write_markdown(parts: Iterable[Part]) -> str:
    """Blocks with an empty line between them: headings and blocks of code as they are, other text in short lines,
    and tables below their titles.
    """
    blocks: list[str] = []
    for part in parts:
        if isinstance(part, Table):
            blocks += [f"## {part.title}"] if part.title else []
            blocks.append("\n".join(table_lines(part)))
        else:
            blocks.append(part if part.startswith(WHOLE) else wrap(part))
    return "\n\n".join(blocks) + "\n"


def table_lines(table: Table) -> list[str]:
    """Lines of a Markdown table."""
    marks = ["---" if column in table.left else "---:" for column in range(len(table.head))]
    rows: list[Sequence[str]] = [table.head, marks, *table.rows]
    return [f"| {' | '.join(row)} |" for row in rows]


def wrap(text: str, width: int = WIDTH) -> str:
    """Break a paragraph between words; a line never begins with what Markdown would take for something else."""
    lines: list[str] = []
    for piece in pieces(text):
        if lines and len(lines[-1]) + 1 + len(piece) <= width:
            lines[-1] += f" {piece}"
        else:
            lines.append(piece)
    return "\n".join(lines)


def pieces(text: str) -> list[str]:
    """Words, each with the marks behind it that may not begin a line."""
    found: list[str] = []
    for word in text.split():
        if found and MARK.match(word):
            found[-1] += f" {word}"
        else:
            found.append(word)
    return found
