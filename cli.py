"""The command line: where each command is, and how `ola` ends.

Next to nothing is imported before signals are watched. A command's own file is imported when the command is called or
its help is asked for.
"""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock

# That of `typing`, whose import takes longer than all else that is done before signals are watched.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

    from olacore.commands.group import Commands

# Groups of commands, in the order in which `ola --help` shows them; one without commands is left out.
GROUPS = ("Draw", "Train", "Use", "Look", "Serve")
# Name: group, place, and the first sentence of the command's help, so that `ola --help` imports no command.
COMMANDS = {
    "bench": (
        "Look",
        "bench.command:bench",
        "Measure the kernels beside what this machine could do.",
    ),
    "bundle": (
        "Train",
        "olacore.commands.bundle:bundle",
        "Put modules that draw together into a set.",
    ),
    "compare": (
        "Look",
        "olacore.commands.compare:compare",
        "Compare an encoder's latents with those of a data set.",
    ),
    "decode": (
        "Use",
        "olacore.commands.decode:decode",
        "Turn a latent, or a folder of them, into pictures.",
    ),
    "demo": (
        "Draw",
        "olacore.commands.demo:demo",
        "Draw prompts, evolve small modules, and show what they make.",
    ),
    "encode": (
        "Use",
        "olacore.commands.encode:encode",
        "Turn a picture into a latent.",
    ),
    "eval": (
        "Look",
        "olacore.commands.evaluate:evaluate",
        "Measure modules on held-out rows, beside simple baselines.",
    ),
    "export": (
        "Use",
        "olacore.commands.export:export",
        "Write modules in a form that other programs run.",
    ),
    "generate": (
        "Draw",
        "olacore.commands.generate:generate",
        "Draw a picture of what a text says.",
    ),
    "inspect": (
        "Look",
        "olacore.commands.inspect:inspect",
        "Tell what a file, a folder, a module or a set holds.",
    ),
    "list": (
        "Look",
        "olacore.commands.list:list_modules",
        "List the modules and sets that come with the package.",
    ),
    "log": (
        "Look",
        "olacore.commands.log:log",
        "Send runs that are over to a logger such as TensorBoard.",
    ),
    "make-set": (
        "Train",
        "olacore.commands.make_set:make_set",
        "Make a set of modules from captioned pictures.",
    ),
    "merge": (
        "Train",
        "teachers.commands.merge:merge",
        "Join the shares of `ola precompute --share` into one data set.",
    ),
    "play": (
        "Train",
        "olacore.commands.play:play",
        "Evolve a player of a game from nothing, and watch it.",
    ),
    "precompute": (
        "Train",
        "teachers.commands.precompute:precompute",
        "Make a data set: pictures or film, and a teacher's answers.",
    ),
    "report": (
        "Look",
        "olacore.commands.report:report",
        "Show runs in one file of HTML.",
    ),
    "serve": (
        "Serve",
        "olacore.commands.serve:serve",
        "Serve a page that draws while you type, and an image API.",
    ),
    "t2i-test": (
        "Look",
        "olacore.commands.t2i_test:t2i_test",
        "Draw captions whose pictures are known, and compare.",
    ),
    "train": (
        "Train",
        "olacore.commands.train:train",
        "Evolve a module from data sets.",
    ),
    "vae-test": (
        "Look",
        "teachers.commands.vae_test:vae_test",
        "Compare how modules and a teacher encode and decode pictures.",
    ),
    "watch": (
        "Look",
        "olacore.commands.watch:watch",
        "Follow runs in the terminal, figures and curve, to their end.",
    ),
}
# By the numbers of SIGINT and SIGTERM, which are the same everywhere.
ENDS = {2: "interrupted", 15: "terminated"}
SHOW_CURSOR = b"\x1b[?25h"


class Ended(BaseException):
    """A signal on its way to `main`; no `Exception`, so that nothing on the way takes it for an error."""


class Signals:
    """What Ctrl-C and SIGTERM do: the first unwinds what is being done, a second one ends the process at once.

    Python answers a signal in its main thread, between two of its own steps, and that may be long in coming where a
    library computes. So a thread hears of signals too, and it is the one that ends the process.

    Attributes
    ----------
    number : of the first signal; 0 while there was none
    unwound : nothing is left to unwind, so that the first one ends the process at once too
    """

    def __init__(self) -> None:
        self.number, self.unwound = 0, False
        self._raised, self._told, self._telling = False, False, allocate_lock()

    def watch(self) -> None:
        """Answer signals from now on, except those that whoever started us has made us ignore."""
        import signal

        heeded = [number for number in ENDS if signal.getsignal(number) is not signal.SIG_IGN]
        for number in heeded:
            signal.signal(number, self.unwind)
        import atexit

        # The last thing of all, when Python can no longer answer.
        atexit.register(lambda: [signal.signal(number, signal.SIG_IGN) for number in heeded])
        sys.unraisablehook = self._unraisable
        if os.name == "posix":
            from threading import Thread

            heard, wake = os.pipe()
            os.set_blocking(wake, False)
            signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
            Thread(target=self._listen, args=(heard,), name="ola-signals", daemon=True).start()

    def unwind(self, number: int, frame: FrameType | None) -> None:
        """Answer the first signal, in the main thread."""
        self.number = self.number or number
        if not self._raised and not self.unwound:
            self._raised = True
            raise Ended

    def tell(self) -> None:
        """Write the line about the signal, once."""
        with self._telling:
            if self._told:
                return
            self._told = True
            cursor = SHOW_CURSOR if os.isatty(2) else b""
            try:  # noqa: SIM105 - there is nowhere to tell it, and nothing is imported while a signal is answered
                os.write(2, cursor + f"{ENDS[self.number]}\n".encode())
            except OSError:
                pass

    def leave_at_once(self) -> None:
        """End the process where it stands: threads, locks and open files end with it."""
        self.tell()
        os._exit(128 + self.number)

    def _listen(self, heard: int) -> None:
        first = True
        while True:
            number = os.read(heard, 1)[0]
            if number in ENDS:
                self.number = self.number or number
                if not first or (self.unwound and not self._raised):
                    self.leave_at_once()
                first = False

    def _unraisable(self, what: sys.UnraisableHookArgs) -> None:
        if isinstance(what.exc_value, Ended):  # it came where Python drops exceptions, and would be lost
            self.leave_at_once()
        sys.__unraisablehook__(what)


def group() -> Commands:
    """Make the group of all commands."""
    from olacore.commands.group import Commands

    return Commands(COMMANDS, GROUPS)


def open_missing_streams() -> None:
    """Put the null device where standard streams are closed: files that are opened would take their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115


def threads_work() -> bool:
    """Are there threads that Python would wait for at its end?"""
    threading = sys.modules.get("threading")
    return threading is not None and any(
        not thread.daemon and thread is not threading.main_thread() for thread in threading.enumerate()
    )


def main() -> None:
    """Run `ola`: exit code 0 done, 1 a known error, 2 wrong usage, 130 interrupted, 143 terminated."""
    signals = Signals()
    code: str | int | None = 0
    try:
        try:
            signals.watch()
            open_missing_streams()
            group()()
        except SystemExit as left:
            code = left.code
        except Exception as error:
            if not signals.number:
                if not isinstance(error, OSError | ImportError | MemoryError):
                    raise
                # Those of commands end in their group: this one could not even be imported.
                print(f"error: ola cannot start: {error}", file=sys.stderr)
                code = 1
        finally:
            signals.unwound = True
    except Ended:
        pass
    except KeyboardInterrupt:  # before they were watched
        signals.number = 2
    if signals.number:
        if code != 128 + signals.number:  # else the command has told it
            signals.tell()
        code = 128 + signals.number
        if threads_work():  # for nobody: what they were for is unwound, and they may never end
            try:  # noqa: SIM105 - nothing is imported while a signal is answered
                sys.stdout.flush()
            except (OSError, ValueError):  # whoever read it is gone, and the process has to end all the same
                pass
            os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
