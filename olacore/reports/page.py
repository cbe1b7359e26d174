"""Pages: parts made into one self-contained file of HTML, which asks for nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from olacore.files import replace_file
from olacore.foreign.names import shown
from olacore.reports.parts import Page
from olacore.version import __version__


def write_page(page: Page, path: Path) -> int:
    """Write a page, in one step.

    Returns
    -------
    bytes that were written

    Raises
    ------
    OutputError  if the file cannot be written
    """
    return replace_file(path, render(page).encode("utf-8", "backslashreplace"))


def render(page: Page) -> str:
    """Make HTML of a page."""
    made: str = (
        _environment()
        .get_template("page.html")
        .render(
            page=replace(page, title=shown(page.title)),
            style=_style(),
            version=__version__,
            today=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        )
    )
    return made


@cache
def _style() -> str:
    """Colours that all pages of ours share, and how reports look."""
    palette = resources.files("olacore.exports") / "page" / "palette.css"
    style = resources.files(__package__) / "templates" / "report.css"
    return palette.read_text(encoding="utf-8") + style.read_text(encoding="utf-8")


@cache
def _environment() -> Any:
    """Templates in which all text is escaped: names, captions and paths come from strangers' files."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("olacore.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["shown"] = lambda text: shown(text, lines=True)
    return made
