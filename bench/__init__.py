"""Throughput of this machine and of the kernels on it; looked up lazily, so that the import costs nothing.

`run` measures, `render` makes tables of a report, `load` and `Report.save` read and write it as JSON.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.speed.report import Report, load
    from bench.speed.suite import run
    from bench.speed.tables import render

_HOMES = {
    "render": "bench.speed.tables",
    "Report": "bench.speed.report",
    "load": "bench.speed.report",
    "run": "bench.speed.suite",
}

__all__ = ["Report", "load", "render", "run"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'bench' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
