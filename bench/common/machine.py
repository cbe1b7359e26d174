"""What a benchmark runs on: processor, memory, threads, libraries and their versions."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numba
from llvmlite import binding
from threadpoolctl import threadpool_info

from olacore.search import machine

# Cores taken by other work from which a machine is not quiet.
FOREIGN = 0.1
NARROW_BLAS = ("Haswell", "Zen", "Sandybridge", "Nehalem", "Prescott")


def describe_machine() -> dict[str, Any]:
    """Return processor, memory, system and libraries that decide about speed; NumPy must have been imported."""
    blas = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return {
        **machine.describe_place(),
        "instructions": binding.get_host_cpu_name(),
        "avx512": binding.get_host_cpu_features().get("avx512f", False),
        "blas": sorted({f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')}" for pool in blas}),
        "threading": threading_layer(),
        # Threads that spin while they wait lose their turn wherever anything else runs.
        "wait_policy": os.environ.get("OMP_WAIT_POLICY", "spin"),
    }


def describe_versions(further: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of Python and of the packages that are installed, without importing any of them.

    Parameters
    ----------
    further : packages to look for beside `PACKAGES`
    """
    return machine.describe_versions((*machine.PACKAGES, "torch", *further))


def blas_note(described: dict[str, Any]) -> str | None:
    """Warn where NumPy's products do not use the processor's widest registers, and so are too low a ceiling."""
    narrow = [blas for blas in described["blas"] if blas.endswith(NARROW_BLAS)]
    if not (described["avx512"] and narrow):
        return None
    return (
        f"NumPy's {narrow[0]} does not use this processor's AVX-512, so sgemm is a low ceiling; "
        "set OPENBLAS_CORETYPE=SkylakeX to measure against a higher one."
    )


def foreign_seconds() -> float | None:
    """Return the seconds of all cores that went to anything but this process and its children that have ended, up to a
    constant, where Linux tells.
    """
    stat = Path("/proc/stat")
    if not stat.is_file():
        return None
    user, nice, system, _, _, *interrupts_and_stolen = map(int, stat.read_text().split()[1:9])
    busy = user + nice + system + sum(interrupts_and_stolen)
    children = os.times().children_user + os.times().children_system
    return busy / os.sysconf("SC_CLK_TCK") - time.process_time() - children


def foreign_note(before: float | None, after: float | None, seconds: float) -> str | None:
    """Warn where other work took cores away from what was measured, between two calls of `foreign_seconds`."""
    if before is None or after is None or (cores := (after - before) / seconds) < FOREIGN:
        return None
    return f"other work took {cores:.1f} of {os.cpu_count()} cores: figures on several threads are too low."


def threading_layer() -> str | None:
    """Return the name of Numba's threading layer; None before the first parallel kernel has run."""
    try:
        return numba.threading_layer()
    except ValueError:
        return None
