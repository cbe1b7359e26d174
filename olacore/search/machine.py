"""What a search runs on: processor, memory, and the versions that its numbers depend on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
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
