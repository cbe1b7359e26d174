"""The group of all commands: each is imported when it is needed, and known errors end in one line."""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from olacore import __version__
from olacore.commands.say import prepare_streams, say
from olacore.commands.welcome import WELCOME
from olacore.errors import OlacoreError
from olacore.jit.threads import check_environment, let_idle_threads_sleep

HELP = ["-h", "--help"]
ABOUT = "Clone neural networks into tiny tanh-affine modules, by evolution, on a plain CPU."
# Settings that libraries read from the current folder, which may be a stranger's, when they are imported.
SETTINGS_HERE = {".numba_config.yaml": "numba", "matplotlibrc": "matplotlib"}


class Commands(click.Group):
    """Commands whose known errors end in one line and exit code 1.

    Parameters
    ----------
    places : of each command its group, its place, written `module:attribute`, and its help in one sentence
    groups : in the order in which help shows them
    """

    def __init__(self, places: Mapping[str, tuple[str, str, str]], groups: Sequence[str] = ()) -> None:
        commands: dict[str, click.Command] = {name: Lazy(name, *place) for name, (_, *place) in places.items()}
        settings = {"help_option_names": HELP}
        super().__init__(
            "ola", commands, help=ABOUT, callback=start, invoke_without_command=True, context_settings=settings
        )
        self.groups = {group: [name for name in places if places[name][0] == group] for group in groups}
        click.version_option(__version__, prog_name="ola")(self)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line, and leave with its exit code.

        What the machine does to a program, such as too little memory or a disk that fails, is a known error wherever it
        comes from. Anything else that a command does not expect is a fault of ours and keeps its traceback.
        """
        prepare_streams()
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.ClickException as error:
            told = io.StringIO()
            error.show(told)
            say(told.getvalue().rstrip(), err=True, lines=True)
            code = error.exit_code
        except (OlacoreError, OSError, MemoryError, RecursionError, ImportError, SystemError) as error:
            say(f"error: {sentence(error)}", err=True)
            code = 1
        if not standalone_mode:
            return code
        sys.exit(code)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by group."""
        width = max(map(len, self.commands), default=0)
        room = formatter.width - 6 - width
        for group, names in self.groups.items():
            if names:
                with formatter.section(group):
                    formatter.write_dl(
                        [(f"{name:{width}}", self.commands[name].get_short_help_str(room)) for name in names]
                    )

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except EOFError as error:  # which click takes for the user's wish to stop
            raise OSError(f"a file of this program ends too early ({error}); install it again") from error


class Lazy(click.Command):
    """A command that is imported when it is called or its own help is asked for."""

    def __init__(self, name: str, place: str, about: str) -> None:
        super().__init__(name, help=about)
        self.place = place

    def load(self) -> click.Command:
        """Import the command."""
        module, _, attribute = self.place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        # Not from the group alone: click keeps the first help option that it makes, whoever asked for it.
        command.context_settings.setdefault("help_option_names", HELP)
        return command

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Make the context of the command itself, which click then runs in place of this one."""
        return self.load().make_context(*args, **extra)


class StandardError(logging.Handler):
    """Log lines on what standard error is when they come, so that progress bars make room for them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line."""
        say(self.format(record), err=True)


def start() -> None:
    """Prepare the process, before a command is imported and with it what compiles."""
    let_idle_threads_sleep()
    logging.basicConfig(format="%(message)s", level=logging.INFO, handlers=[StandardError()])
    warnings.showwarning = warn
    sys.excepthook = print_fault
    check_environment()
    import_away_from_here()
    if click.get_current_context().invoked_subcommand is None:
        say(WELCOME, lines=True)


def sentence(error: BaseException) -> str:
    """Say what happened: what our own errors say, and in a few words what the machine did."""
    if isinstance(error, OlacoreError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"there is too little memory{f': {error}' if str(error) else ''}."
    if isinstance(error, RecursionError):
        return "something is nested too deeply to be read."
    if isinstance(error, OSError) and error.strerror:
        files = " and ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
        return f"{files}: {error.strerror}." if files else f"{error.strerror}."
    what = str(error) or type(error).__name__
    return f"Python failed, perhaps for want of memory: {what}." if isinstance(error, SystemError) else f"{what}."


def warn(message: Warning | str, *where: Any, **extra: Any) -> None:
    """Print the first line of a library's warning."""
    say(f"warning: {str(message).partition(chr(10))[0]}", err=True)


def print_fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print a traceback, whose message may hold text from elsewhere."""
    say("".join(traceback.format_exception(kind, error, trace)).rstrip(), err=True, lines=True)


def import_away_from_here() -> None:
    """Keep libraries from reading settings in the current folder."""
    for name, module in SETTINGS_HERE.items():
        if os.path.lexists(name):
            here = Path.cwd()
            os.chdir(here.anchor)
            try:
                import_module(module)
            finally:
                os.chdir(here)
    if "numba" in sys.modules and os.path.lexists(".numba_config.yaml"):
        # It looks again whenever it compiles.
        setattr(import_module("numba.core.config"), "_config_fname", os.devnull)  # noqa: B010
