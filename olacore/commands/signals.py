"""Ctrl-C and SIGTERM as a wish that long work meets when it suits: it saves what is done, and says how to go on."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from olacore.commands.say import say

# In what contexts share: the command that runs the present one as one of its steps.
WHOLE = "olacore.whole"
HEARD = b"stopping after what is being done; a second signal ends it at once\n"


def going_on(folder: Path | None = None, with_force: bool = False) -> str:
    """Say how to go on with what the present command has saved, in a folder that it may not have been told.

    Parameters
    ----------
    with_force : whether the command takes --force together with --resume
    """
    context = click.get_current_context(silent=True)
    if context is not None and WHOLE in context.meta:
        return f"go on with the same command, `ola {context.meta[WHOLE]}`"
    given = {} if context is None else context.params
    where = "" if given.get("out") or folder is None else f" --out {folder}"
    less = ", without --force" if given.get("force") and not with_force else ""
    return f"go on with the same command and --resume{where}{less}"


class Stop:
    """Whether a signal asks to stop.

    Parameters
    ----------
    number : the signal; 0 while there was none
    """

    number = 0

    def __call__(self) -> bool:
        """Return whether there was a signal."""
        return self.number != 0

    def leave(self, message: str) -> NoReturn:
        """Say how to go on, and leave with the exit code of the signal, 130 or 143."""
        terminated = self.number == signal.SIGTERM
        say(f"{'terminated' if terminated else 'interrupted'}: {message}", err=True)
        sys.exit(128 + (signal.SIGTERM if terminated else signal.SIGINT))


@contextmanager
def stop_on_signal() -> Iterator[Stop]:
    """Turn the first Ctrl-C or SIGTERM into something that long work asks for; the second is answered as before.

    The first one is told of at once, since the work may take seconds to meet it.
    """
    stop = Stop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def remember(number: int, frame: FrameType | None) -> None:
        stop.number = number
        give_back()
        with suppress(OSError):
            # Not by `say`: the signal may have come while that was writing. A bar leaves the cursor behind it.
            os.write(2, (b"\n" if os.isatty(2) else b"") + HEARD)

    def give_back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, remember)
    try:
        yield stop
    finally:
        give_back()
