"""Python in a process of its own, in which some packages cannot be imported."""

import os
import subprocess
import sys
from pathlib import Path


def run_without(hidden: tuple[str, ...], code: str, folder: Path) -> str:
    """What code prints in an empty folder, with errors for warnings; it does not find the packages `hidden`."""
    blocks = f"import sys\nsys.modules.update(dict.fromkeys({hidden!r}))\n"
    command = [sys.executable, "-W", "error", "-c", blocks + code]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # Where diffusers copies the code of folders that it is told to trust.
    environment["HF_HOME"] = str(folder / "hub")
    run = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    assert run.returncode == 0, run.stderr
    return run.stdout
