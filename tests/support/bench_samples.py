"""A clock that only moves when told, a small report, and sizes that take no time."""

from dataclasses import replace

import numpy as np

from bench.common.targets import Target
from bench.common.timing import Stopwatch, Timing
from bench.speed.cases import Size
from bench.speed.report import Report, Row, latency_row, rate_row

ONCE = Stopwatch(repeats=1, shortest=0.0, sleep=lambda seconds: None)
TINY_SIZE = Size(2, 3, 5, 7)


class FakeClock:
    """Time that passes where an action or a pause says so, and nowhere else."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []

    def watch(self, repeats: int = 5, shortest: float = 0.0) -> Stopwatch:
        """A stopwatch that reads this clock."""
        return Stopwatch(repeats, shortest, lambda: self.now, self.pass_by)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds

    def action(self, name: str, *seconds: float):
        """An action that takes each of `seconds` in turn, then the last one again and again."""
        left = list(seconds)

        def run() -> None:
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return run


MACHINE = {
    "processor": "Some Processor [8]",
    "instructions": "znver5",
    "avx512": True,
    "cores": 2,
    "memory_gb": 8.0,
    "system": "Linux x86_64",
    "blas": ["openblas 0.3 SkylakeX"],
    "threading": "omp",
    "wait_policy": "passive",
}


def small_report(scale: float = 1.0) -> Report:
    """A report with a rate, a latency and both kinds of targets; `scale` makes everything slower."""
    timing = Timing(tuple(scale * seconds for seconds in (0.2, 0.1, 0.3)))
    rows = (
        rate_row("kernels", "score_population", "4x3x2, 10", 2, timing, 4e9, "GFLOP/s", {"of sgemm": 0.9}),
        latency_row("inference", "encode", "512x512", 2, timing),
    )
    targets = (
        Target("share of sgemm", 0.8, True, "", 0.9),
        Target("encode", 3.0, False, "ms", rows[1].value),
        Target("decode", 3.0, False, "ms", None),
    )
    versions = {"python": "3.11.7", "olacore": "0.1.0"}
    return Report(False, 12.0, 2, dict(MACHINE), versions, rows, targets, ("torch is not installed",))


def on_other_machine(report: Report) -> Report:
    """The same figures from another processor, with other versions, on another number of threads."""
    machine = {**report.machine, "processor": "Another Processor"}
    return replace(report, machine=machine, versions={**report.versions, "olacore": "0.0.1"}, threads=8)


def check_rows(rows: list[Row]) -> None:
    """Every row is a measurement of its own, with figures that can be shown."""
    assert len({row.key for row in rows}) == len(rows)
    for row in rows:
        assert row.best >= row.value > 0 or row.unit == "ms"
        assert np.isfinite(list(row.shares.values())).all()
