"""What a page is made of. These are data; `templates/` makes HTML of them, where all text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from olacore.reports.charts import Chart, Scatter


@dataclass(frozen=True)
class Words:
    """A paragraph.

    Parameters
    ----------
    tone : "plain"; "note" for what a reader has to know; "warning" for what is wrong
    """

    part: ClassVar[str] = "words"

    text: str
    tone: str = "plain"


@dataclass(frozen=True)
class Facts:
    """Names with their values."""

    part: ClassVar[str] = "facts"

    items: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Code:
    """Lines to copy."""

    part: ClassVar[str] = "code"

    lines: str
    title: str = ""


@dataclass(frozen=True)
class Table:
    """A table: the first column names its rows.

    Parameters
    ----------
    head : a name a column
    rows : a text a column
    caption : what it is of
    legend : what names of rows and columns mean
    strong : numbers of the rows that the page is about
    left : numbers of the columns of text; numbers stand on the right
    """

    part: ClassVar[str] = "table"

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str
    legend: Sequence[tuple[str, str]] = ()
    strong: Sequence[int] = ()
    left: Sequence[int] = (0,)


@dataclass(frozen=True)
class Charts:
    """Charts side by side, as many as there is room for."""

    part: ClassVar[str] = "charts"

    charts: Sequence[Chart | Scatter]


@dataclass(frozen=True)
class Picture:
    """A picture in the page itself.

    Parameters
    ----------
    source : its `data:` address
    alt : what it shows, for those who do not see it
    note : below it, such as its PSNR
    width, height : pixels
    sharp : enlarged as squares
    """

    source: str
    alt: str
    note: str
    width: int
    height: int
    sharp: bool = False


@dataclass(frozen=True)
class Row:
    """Pictures side by side, with a title above them; None where a column has none."""

    title: str
    pictures: Sequence[Picture | None]


@dataclass(frozen=True)
class Gallery:
    """Rows of pictures under the same titles."""

    part: ClassVar[str] = "gallery"

    titles: Sequence[str]
    rows: Sequence[Row]
    caption: str


@dataclass(frozen=True)
class Fold:
    """Parts that open with a click, and are open on paper."""

    part: ClassVar[str] = "fold"

    title: str
    parts: Sequence[Part]
    open: bool = False


Part = Words | Facts | Code | Table | Charts | Gallery | Fold


@dataclass(frozen=True)
class Section:
    """A titled part of a page."""

    title: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Page:
    """A whole page.

    Parameters
    ----------
    lead : a sentence or two below the title
    tiles : the few figures that matter most, above everything else: name, value, and what it is beside
    """

    title: str
    lead: str
    sections: Sequence[Section]
    tiles: Sequence[tuple[str, str, str]] = field(default=())
