"""A disk that fills up at every place: `full_disk.c`, compiled and loaded into child processes before all else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.places import ROOT

# What a script begins with: a job fails in one sentence, also in a child whose end is looked at, crashes included.
BEGIN = """
import ctypes, os, sys
from pathlib import Path
from olacore.errors import OutputError
out = Path(sys.argv[1])
disk = ctypes.CDLL(None)
disk.bytes_written.restype = ctypes.c_long
def fill(name, room, sync=0, close=0):
    disk.fill_disk(name.encode(), ctypes.c_long(room), ctypes.c_long(sync), ctypes.c_long(close))
def fails_well(job, *arguments):
    try:
        job(*arguments)
    except OutputError as error:
        if "\\n" in str(error) or "No space left on device" not in str(error):
            raise
    else:
        sys.exit(f"{job.__name__}{arguments} did not fail")
    finally:
        fill("", -1)
def fails_well_in_a_child(job, *arguments):
    sys.stdout.flush()
    if child := os.fork():
        if status := os.waitpid(child, 0)[1]:
            sys.exit(f"{job.__name__}{arguments} ended as {status}, a signal or a wrong end")
    else:
        fails_well(job, *arguments)
        sys.exit()
"""


def run_full(script: str, folder: Path) -> str:
    """Run a script with the folder as its argument, on a disk that it can fill, and return what it prints."""
    if sys.platform != "linux" or not shutil.which("gcc"):
        pytest.skip("needs Linux and gcc")
    library = folder.parent / "full_disk.so"
    source = ROOT / "tests" / "support" / "full_disk.c"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, "LD_PRELOAD": str(library)}
    command = [sys.executable, "-W", "ignore", "-c", BEGIN + script, str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout
