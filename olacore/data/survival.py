"""Whether HDF5 survives a file: damage can make it crash or loop, and no program can catch that within itself.

A small program walks through the file first (`walk.py`). It is started anew instead of forked: a fork of a process with
threads may hang in either half of it, and so does a program that uses this library have them, be it NumPy's own.
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import h5py.defs

from olacore.data.walk import GREEDY
from olacore.errors import FileFormatError

logger = logging.getLogger(__name__)

WALK = Path(__file__).with_name("walk.py")
CRASHES = {"SIGSEGV", "SIGBUS", "SIGABRT", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS"}
LOOPS = {"SIGXCPU"}

# Files that HDF5 has survived, as they were then: device, number, bytes, time of the last change.
_survived: set[tuple[int, ...]] = set()


def require_survivable(paths: Sequence[Path]) -> None:
    """Let another process walk through files, unless that was done before; it takes it about 30 ms for all.

    Where no such process can be started, the files are taken as they are.

    Raises
    ------
    FileFormatError  if HDF5 crashes or loops on one of them, or takes too much memory
    """
    left = [path for path in paths if _state(path) not in _survived]
    if not left or os.name != "posix" or not Path(sys.executable or "").name.lower().startswith("python"):
        return
    states = {_state(path) for path in left}
    command = [sys.executable, "-I", "-S", str(WALK), h5py.defs.__file__, *map(str, left)]
    # A lock is for whoever opens the file to find; and Ctrl-C is for this process alone.
    alone = {**os.environ, "HDF5_USE_FILE_LOCKING": "FALSE"}
    try:
        run = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, env=alone, start_new_session=True, check=False
        )
    except OSError as error:
        logger.debug("no process to walk through %s: %s", left, error)
        return
    reason = signal.Signals(-run.returncode).name if run.returncode < 0 else ""
    if reason in CRASHES | LOOPS or run.returncode == GREEDY:
        path = left[int(run.stdout.split()[-1])]
        how = "it does not come to an end in it" if reason in LOOPS else f"it ends with {reason}"
        how = how if reason else "text in it claims more memory than any file needs"
        raise FileFormatError(f"{path} is damaged so that HDF5 cannot read it ({how}); copy it or make it again.")
    if run.returncode:
        logger.debug("no walk through %s: %s", left, run.stderr.decode(errors="replace"))
        return
    _survived.update(states)


def _state(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
