"""Results on standard output: tables."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from olacore.commands.say import printing, say
from olacore.foreign.names import shown

# Rows of tables of figures that their names do not explain.
LEGEND = {"block_mean": "each block of pixels in its own mean colour, as a picture that is made smaller shows it"}


def print_table(
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    title: object = "",
    left: Sequence[int] = (0,),
    whole: Sequence[int] = (),
    padding: int = 1,
) -> None:
    """Print a table.

    Parameters
    ----------
    head : a name a column; empty for columns without names
    rows : a value a column, each of them text; it may have several lines
    left : numbers of the columns that hold text, which stands on the left; numbers stand on the right
    whole : numbers of the columns that are never broken into lines
    padding : spaces on both sides of a cell
    """
    with printing():
        stdout().print(make_table(head, rows, title, left, whole, padding))


def make_table(
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    title: object = "",
    left: Sequence[int] = (0,),
    whole: Sequence[int] = (),
    padding: int = 1,
) -> Table:
    """Make the table that `print_table` prints."""
    named = text(title) if title else None
    made = Table(title=named, title_justify="left", show_header=bool(head), padding=(0, padding))
    filled = [[text(value) for value in row] for row in rows]
    columns = head or [""] * len(filled[0])
    for column, name in enumerate(columns):
        made.add_column(text(name), justify="left" if column in left else "right", no_wrap=column in whole)
    for row in filled:
        made.add_row(*row)
    return made


def print_figures(figures: dict[str, dict[str, Any]], title: str) -> None:
    """Print figures as a table, one row a module or baseline."""
    names = [name for name, value in next(iter(figures.values())).items() if isinstance(value, float)]
    # Whatever loss a search minimised, tables compare by the squared error.
    heads = ["", *("mse" if name == "loss" else name for name in names)]
    rows = [(row, *(number(values.get(name)) for name in names)) for row, values in figures.items()]
    print_table(heads, rows, title)
    for row in figures:
        if row in LEGEND:
            say(f"{row}: {LEGEND[row]}")


def number(value: float | None) -> str:
    """Four digits, or a dash for what is not defined."""
    return "-" if value is None else f"{value:.4g}"


def text(value: object) -> Text:
    """Return text without markup and control characters."""
    return Text(shown(value, lines=True))


def stdout() -> Console:
    """The console for results, wide enough for every table where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 140, markup=False, emoji=False)
