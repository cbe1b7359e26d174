"""Tables as rows of text, for a console; `bench.common.markdown` writes them for documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from olacore.foreign.names import shown

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

NOTHING = "-"


@dataclass(frozen=True)
class Table:
    """Cells under a head.

    Parameters
    ----------
    head : a name a column
    rows : a text a column
    title : empty for none
    left : numbers of the columns that hold text, which stands on the left; numbers stand on the right
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    left: tuple[int, ...] = (0,)

    def rich(self) -> RenderableType:
        """The table for a console."""
        from rich import table

        made = table.Table(title=_text(self.title) if self.title else None, title_justify="left")
        for column, name in enumerate(self.head):
            made.add_column(_text(name), justify="left" if column in self.left else "right")
        for row in self.rows:
            made.add_row(*map(_text, row))
        return made


Part = str | Table


def to_rich(parts: Iterable[Part]) -> list[RenderableType]:
    """What a console prints of sentences and tables."""
    return [part.rich() if isinstance(part, Table) else _text(part) for part in parts]


def _text(value: str) -> Text:
    """Text without markup and control characters: an earlier report may come from elsewhere."""
    from rich.text import Text

    return Text(shown(value, lines=True))


def number(value: float | None, digits: int = 4) -> str:
    """So many significant digits, large numbers whole and without an exponent; a dash for what is not there."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= 10 ** (digits - 1) else f"{value:.{digits}g}"


def figure(value: float | None) -> str:
    """Three significant digits."""
    return number(value, 3)
