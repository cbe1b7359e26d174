"""What a search runs on: processor, memory, and the versions that its numbers depend on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from olacore.version import __version__

PACKAGES = ("numpy", "numba", "llvmlite", "h5py")


def describe_place() -> dict[str, Any]:
    """Return processor, cores, memory and system."""
    return {
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "memory_gb": memory_gb(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def describe_versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Return the versions of Python, of olacore and of packages that are installed, without importing any of them."""
    found = {"python": platform.python_version(), "olacore": __version__}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def describe_process() -> dict[str, Any]:
    """Return what this process is known by later, to `is_gone`; nothing where the system is not Linux."""
    try:
        return {"pid": os.getpid(), "place": _place(), "since": _since(os.getpid())}
    except OSError:
        return {}


def is_gone(process: Any) -> bool:
    """Whether it is certain that a process of this machine has ended.

    Parameters
    ----------
    process : what `describe_process` said in it; anything else is of an unknown process
    """
    try:
        pid, place, since = (process[name] for name in ("pid", "place", "since"))
        if not (isinstance(pid, int) and pid > 0 and place == _place()):
            return False
        os.kill(pid, 0)
        return _since(pid) != since
    except ProcessLookupError:
        return True
    except (LookupError, TypeError, OverflowError, OSError):  # it may be another user's, or of another system
        return False


def _place() -> str:
    """The start of this machine and the room of numbers in which a number of a process means one."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    return sha256(boot + str(Path("/proc/self/ns/pid").readlink()).encode()).hexdigest()[:16]


def _since(pid: int) -> str:
    """When a process began; its number may be given again. It stands behind the name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]


def processor_name() -> str:
    """Return the processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def memory_gb() -> float | None:
    """Return the machine's memory in gigabytes, where the system tells."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, ValueError, OSError):
        return None
