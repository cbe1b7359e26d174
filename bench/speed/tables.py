"""A report as tables, by itself or beside an older one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from bench.common.report import heading
from bench.common.tables import NOTHING, Part, Table, figure, to_rich
from bench.common.targets import targets_table
from bench.speed.report import Report, Row
from olacore.foreign.names import counted

if TYPE_CHECKING:
    from rich.console import RenderableType


def render(report: Report, against: Report | None = None) -> list[RenderableType]:
    """Make what a console prints: the machine, a table for each part, the targets, and notes.

    Parameters
    ----------
    against : an older report; each row it has too shows how many times faster it is now
    """
    return to_rich(contents(report, against))


def contents(report: Report, against: Report | None) -> Iterator[Part]:
    """The sentences and tables one after the other."""
    pool = f"{counted(report.threads, 'thread')} ({report.machine['threading']}, {report.machine['wait_policy']})"
    yield heading(report.to_dict(), pool, f"{'quick, ' if report.quick else ''}{report.seconds:.0f} s")
    if against:
        yield from (f"warning: {sentence}" for sentence in differences(report, against))
    before = {row.key: row for row in against.rows} if against else None
    order = list(dict.fromkeys(row.part for row in report.rows))
    for part, rows in groupby(sorted(report.rows, key=lambda row: order.index(row.part)), key=lambda row: row.part):
        yield rows_table(part, list(rows), before)
    yield targets_table(report.targets)
    yield from (f"note: {note}" for note in report.notes)


def differences(report: Report, against: Report) -> list[str]:
    """Return sentences on what makes two reports hard to compare."""
    sentences = []
    changed = [name for name, value in report.machine.items() if against.machine.get(name) != value]
    if changed:
        parts = ", ".join(f"{name} {against.machine.get(name)!r}, now {report.machine[name]!r}" for name in changed)
        sentences.append(f"the other report is of another machine ({parts}): ratios compare machines, not code.")
    names = dict.fromkeys([*report.versions, *against.versions])
    moved = [name for name in names if report.versions.get(name) != against.versions.get(name)]
    if moved:
        parts = ", ".join(f"{name} {against.versions.get(name)}, now {report.versions.get(name)}" for name in moved)
        sentences.append(f"versions differ: {parts}.")
    if report.threads != against.threads:
        sentences.append(f"the other report is of {against.threads} threads, this one of {report.threads}.")
    return sentences


def rows_table(part: str, rows: list[Row], before: dict[tuple[str, str, str, int], Row] | None) -> Table:
    """Return the table of one part; with the rows of an older report, a column of speed-ups."""
    head = ["", "shape", "threads", "median", "best", "", "", *([] if before is None else ["new / old"])]
    body = []
    for row in rows:
        shares = ", ".join(share_text(name, share) for name, share in row.shares.items())
        body.append([row.name, row.shape, str(row.threads), figure(row.value), figure(row.best), row.unit, shares])
        if before is not None:
            old = before.get(row.key)
            body[-1].append(f"{row.speedup(old):.2f}x" if old else NOTHING)
    return Table(head, body, part, left=(0, 1, 5, 6))


def share_text(name: str, share: float) -> str:
    """Return a further figure: a share of a whole in per cent, anything else as a number."""
    if name.startswith("of ") or name == "waiting":
        return f"{share:.1%} {name}"
    return f"{figure(share)}x {name}" if name.startswith("over ") else f"{figure(share)} {name}"
