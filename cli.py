"""The command line: where each command is, and how `ola` ends.

Only the standard library is imported before signals are watched. A command's own file is imported when the command is
called or its help is asked for.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from olacore.commands.group import Commands

# Name: place, and the first sentence of the command's help, so that `ola --help` imports no command.
COMMANDS = {
    "bench": (
        "bench.command:bench",
        "Measure this machine's ceilings, and how near the kernels, training and inference come to them.",
    ),
    "compare": (
        "olacore.commands.compare:compare",
        "Compare an encoder's latents with those of a data set, channel by channel, with plots.",
    ),
    "decode": (
        "olacore.commands.decode:decode",
        "Turn a latent into a picture: a .npy file, a .npz file of `ola encode`, or a .latent file of ComfyUI.",
    ),
    "demo": (
        "olacore.commands.demo:demo",
        "Evolve an encoder, a decoder and a stack from the shipped sample, and show what came out.",
    ),
    "encode": (
        "olacore.commands.encode:encode",
        "Turn a picture into a latent.",
    ),
    "eval": (
        "olacore.commands.evaluate:evaluate",
        "Measure modules on held-out rows, beside least squares of the same shape and the mean.",
    ),
    "export": (
        "olacore.commands.export:export",
        "Write a module in a form that other programs run.",
    ),
    "inspect": (
        "olacore.commands.inspect:inspect",
        "Tell what a data set, a folder of shards, a module (also by name), a checkpoint or a run folder holds.",
    ),
    "list": (
        "olacore.commands.list:list_modules",
        "List the modules that come with the package: whose latents they work with, PSNR, size, partner.",
    ),
    "precompute": (
        "teachers.commands.precompute:precompute",
        "Make a data set of pictures and videos with what a teacher says of them.",
    ),
    "train": (
        "olacore.commands.train:train",
        "Evolve a module from data sets.",
    ),
    "vae-test": (
        "teachers.commands.vae_test:vae_test",
        "Encode and decode pictures with our modules, a teacher and baselines, and compare what comes out.",
    ),
}
ENDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Ended(BaseException):
    """A signal on its way to `main`; no `Exception`, so that nothing on the way takes it for an error."""


def end(number: int, frame: FrameType | None) -> NoReturn:
    """Answer a signal."""
    raise Ended(number)


def group() -> Commands:
    """Make the group of all commands."""
    from olacore.commands.group import Commands

    return Commands(COMMANDS)


def main() -> None:
    """Run `ola`: exit code 0 done, 1 a known error, 2 wrong usage, 130 interrupted, 143 terminated."""
    for number in ENDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        group()()
    except Ended as ended:
        number = ended.args[0]
        print(ENDS[number], file=sys.stderr)
        sys.exit(128 + number)


if __name__ == "__main__":
    main()
