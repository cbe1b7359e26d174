"""Blocks of code of the documentation, and how they are run: one way for all tests that run them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.command import ola
from tests.support.places import ROOT

FENCE = re.compile(r"\s*(`{3,})\s*(.*)")
# What makes a page, and is no code.
DIRECTIVES = ("{toctree}", "{include}", "{raw}", "{image}")


@dataclass(frozen=True)
class Block:
    """A block of code.

    Parameters
    ----------
    page : its file, from the root of the repository
    heading : the nearest one above it
    kind : what stands behind the fence, such as "python"; empty for commands
    """

    page: str
    heading: str
    kind: str
    text: str

    @property
    def commands(self) -> list[list[str]]:
        """Words of each command, of a block of commands: without comments, with lines that go on put together."""
        lines = re.sub(r"\s*\\\n\s*", " ", self.text).splitlines()
        return [words for line in lines if (words := shlex.split(line, comments=True))]


def pages() -> list[str]:
    """All Markdown that people read, from the root of the repository."""
    top = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "datasets/README.md")
    found = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
    return [*top, *(page for page in found if page != "docs/reference/python.md")]


def blocks(page: str, heading: str | None = None) -> list[Block]:
    """Blocks of a page, or of one section of it, in their order."""
    found = list(_read(page))
    if heading is None:
        return found
    chosen = [block for block in found if block.heading == heading]
    assert chosen, f"{page} has no block below {heading!r}"
    return chosen


def run(block: Block, names: dict[str, object] | None = None) -> dict[str, object]:
    """Run a block in this process and the current folder: a program, or commands of `ola`; others are left out."""
    names = {} if names is None else names
    if block.kind == "python":
        exec(compile(block.text, f"{block.page}, {block.heading}", "exec"), names)
        return names
    for program, *arguments in block.commands:
        if program == "ola":
            ola(*arguments)
    return names


def _read(page: str) -> Iterator[Block]:
    heading, fence, kind, text = "", "", "", ""
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        mark = FENCE.fullmatch(line)
        if fence:
            if mark and mark[1] == fence and not mark[2]:
                if not kind.startswith(DIRECTIVES):
                    yield Block(page, heading, kind, text)
                fence = ""
            else:
                text += f"{line}\n"
        elif mark:
            fence, kind, text = mark[1], mark[2], ""
        elif line.startswith("#"):
            heading = line.lstrip("# ")
