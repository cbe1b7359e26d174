"""The command reference, made from the commands themselves: their help is the only text on them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import cli
from olacore.commands.group import Lazy

CODE = re.compile(r"`([^`]+)`")
# Marks of click's: a paragraph that is not wrapped.
AS_IT_STANDS = "\b"


class CommandsDirective(SphinxDirective):
    """All commands by group, as sections."""

    def run(self) -> list[nodes.Node]:
        """Read the text of all commands as the page's own."""
        return self.parse_text_to_nodes("\n".join(text_of_all()), allow_section_headings=True)


def text_of_all() -> Iterator[str]:
    """Lines of reStructuredText."""
    top = cli.group()
    for group, names in top.groups.items():
        if names:
            yield from (group, "-" * len(group), "")
        for name in names:
            lazy = top.commands[name]
            assert isinstance(lazy, Lazy)
            yield from text_of(name, lazy.load(), click.Context(top, info_name="ola"))


def text_of(name: str, command: click.Command, parent: click.Context) -> Iterator[str]:
    """Lines on one command: usage, what it does, its options."""
    title = f"ola {name}"
    context = click.Context(command, info_name=name, parent=parent)
    yield from (f".. _ola-{name}:", "", title, "~" * len(title), "")
    yield from (".. code-block:: text", "", f"   {' '.join([title, *command.collect_usage_pieces(context)])}", "")
    for paragraph in (command.help or "").split("\n\n"):
        yield from (plain(paragraph.replace(AS_IT_STANDS, "")), "")
    yield from (f".. program:: {title}", "")
    for option in command.get_params(context):
        record = option.get_help_record(context)
        if record and not option.is_eager:
            written, about = record
            yield from (f".. option:: {written}", "", f"   {plain(about) or 'See above.'}", "")


def plain(text: str) -> str:
    """Text in which nothing but code is marked up."""
    pieces = enumerate(CODE.split(" ".join(text.split())))
    return "".join(f"``{piece}``" if at % 2 else re.sub(r"([*_|\\<>])", r"\\\1", piece) for at, piece in pieces)
