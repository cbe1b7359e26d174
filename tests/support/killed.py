"""Scripts that kill themselves in a sync to disk: what comes next is not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.places import ROOT

BEGIN = """
import os, signal, sys
from pathlib import Path
path, left = Path(sys.argv[1]), int(sys.argv[2])
def fsync(descriptor):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
os.fsync = fsync
"""


def run_killed(script: str, path: Path, sync: int) -> None:
    """Run a script that writes `path` until its sync of that number, counted from 1, kills it."""
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", BEGIN + script, str(path), str(sync)]
    assert subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}).returncode == -signal.SIGKILL
