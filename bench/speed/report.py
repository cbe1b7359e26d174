"""What a benchmark found, and how it is kept: rows of figures, targets and the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from bench.common.report import read_report, write_report
from bench.common.targets import Target
from bench.common.timing import Timing
from olacore.foreign.schema import (
    anything,
    both,
    fields_of,
    flag,
    listed,
    mapping,
    maybe,
    number,
    one_of,
    record,
    require,
    text,
)

SCHEMA, COMMAND = "olacore/bench/1", "ola bench --json"
# What one of each unit of rate stands for.
RATES = {"GFLOP/s": 1e9, "GB/s": 1e9, "M elements/s": 1e6, "M row-samples/s": 1e6, "M steps/s": 1e6, "rows/s": 1.0}
LATENCY = "ms"


@dataclass(frozen=True)
class Row:
    """One figure.

    Parameters
    ----------
    part, name, shape, threads : what was measured
    value, best : of the median and of the fastest sample, in `unit`
    unit : one of `RATES`, where more is better, or `LATENCY`, where less is
    median_seconds, minimum_seconds, repeats : of one call
    shares : further figures that belong to it, such as its share of a ceiling; each a plain ratio or rate
    """

    part: str
    name: str
    shape: str
    threads: int
    value: float
    best: float
    unit: str
    median_seconds: float
    minimum_seconds: float
    repeats: int
    shares: dict[str, float] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What has to agree for two rows to be the same measurement."""
        return self.part, self.name, self.shape, self.threads

    def speedup(self, before: Row) -> float:
        """How many times faster this is than `before`."""
        return before.value / self.value if self.unit == LATENCY else self.value / before.value


def rate_row(
    part: str,
    name: str,
    shape: str,
    threads: int,
    timing: Timing,
    work: float,
    unit: str,
    shares: Mapping[str, float] | None = None,
) -> Row:
    """A row whose value is `work` (operations, bytes, elements) per second, in `unit`."""
    value, best = (work / seconds / RATES[unit] for seconds in (timing.median, timing.minimum))
    return _row(part, name, shape, threads, timing, value, best, unit, shares)


def latency_row(
    part: str, name: str, shape: str, threads: int, timing: Timing, shares: Mapping[str, float] | None = None
) -> Row:
    """A row whose value is the milliseconds of a call."""
    return _row(part, name, shape, threads, timing, timing.median * 1e3, timing.minimum * 1e3, LATENCY, shares)


def _row(
    part: str,
    name: str,
    shape: str,
    threads: int,
    timing: Timing,
    value: float,
    best: float,
    unit: str,
    shares: Mapping[str, float] | None,
) -> Row:
    samples = timing.median, timing.minimum, len(timing.seconds)
    return Row(part, name, shape, threads, value, best, unit, *samples, dict(shares or {}))


@dataclass(frozen=True)
class Report:
    """One run of the benchmark.

    Parameters
    ----------
    quick : whether it was the short form
    seconds : that the run took
    threads : that kernels, NumPy's products and torch ran on where a row says nothing else
    machine, versions : what it ran on
    rows, targets : the figures
    notes : sentences that a reader has to know, such as what was left out
    """

    quick: bool
    seconds: float
    threads: int
    machine: dict[str, Any]
    versions: dict[str, str]
    rows: tuple[Row, ...]
    targets: tuple[Target, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The report in JSON types; every target carries whether it is met."""
        return {"schema": SCHEMA, **asdict(self), "targets": [target.to_dict() for target in self.targets]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Report:
        """The inverse of `to_dict`."""
        plain = {key: value for key, value in values.items() if key != "schema"}
        rows = tuple(Row(**row) for row in plain["rows"])
        targets = tuple(Target.from_dict(target) for target in plain["targets"])
        return cls(**{**plain, "rows": rows, "targets": targets, "notes": tuple(plain["notes"])})

    def save(self, path: Path | str) -> None:
        """Write the report as JSON.

        Raises
        ------
        OutputError  if the file cannot be written
        """
        write_report(self.to_dict(), Path(path))


# Of a file; figures are divided by each other.
_ROW = record({"value": number(1e-300), "best": number(1e-300)}, {"unit": one_of([*RATES, LATENCY])})
_MACHINE = record({"processor": text(), "instructions": text(), "blas": listed(text())})
REPORT = record(
    {
        **{one.name: anything for one in fields(Report)},
        "rows": listed(both(fields_of(Row), _ROW)),
        "targets": listed(
            record(
                {"figure": text(), "wanted": number(), "least": flag, "unit": text(), "measured": maybe(number())},
                {"met": anything},
                closed=True,
            )
        ),
        "machine": _MACHINE,
        "versions": mapping(text()),
        "notes": listed(text()),
    },
    {"schema": text()},
    closed=True,
)


def load(path: Path | str) -> Report:
    """Read a report that `save` wrote.

    Raises
    ------
    FileFormatError  if it is missing, no JSON, or no report of this schema
    """
    values = read_report(Path(path), SCHEMA, COMMAND)
    return Report.from_dict(require(REPORT, values, str(path)))
