"""The group of all commands: each is imported when it is needed, and known errors end in one line."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from olacore import __version__
from olacore.errors import OlacoreError
from olacore.jit.threads import let_idle_threads_sleep

ABOUT = "Clone neural networks into tiny tanh-affine modules, by evolution, on a plain CPU."


class Commands(click.Group):
    """Commands whose known errors end in one line and exit code 1.

    Parameters
    ----------
    places : of each command its place, written `module:attribute`, and its help in one sentence
    """

    def __init__(self, places: Mapping[str, tuple[str, str]]) -> None:
        commands: dict[str, click.Command] = {name: Lazy(name, *place) for name, place in places.items()}
        super().__init__("ola", commands, help=ABOUT, callback=start)
        click.version_option(__version__, prog_name="ola")(self)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except OlacoreError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(1)


class Lazy(click.Command):
    """A command that is imported when it is called or its own help is asked for."""

    def __init__(self, name: str, place: str, about: str) -> None:
        super().__init__(name, help=about)
        self.place = place

    def load(self) -> click.Command:
        """Import the command."""
        module, _, attribute = self.place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Make the context of the command itself, which click then runs in place of this one."""
        return self.load().make_context(*args, **extra)


class StandardError(logging.Handler):
    """Log lines on what standard error is when they come, so that progress bars make room for them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line."""
        click.echo(self.format(record), file=sys.stderr)


def start() -> None:
    """Prepare the process, before a command is imported and with it what compiles."""
    let_idle_threads_sleep()
    logging.basicConfig(format="%(message)s", level=logging.INFO, handlers=[StandardError()])
