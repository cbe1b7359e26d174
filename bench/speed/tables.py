"""A report as tables, by itself or beside an older one."""

from __future__ import annotations

from itertools import groupby

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from bench.speed.report import Report, Row, Target

VERDICTS = {True: "met", False: "not met", None: "not measured"}


def render(report: Report, against: Report | None = None) -> list[RenderableType]:
    """Make what a console prints: the machine, a table for each part, the targets, and notes.

    Parameters
    ----------
    against : an older report; each row it has too shows how many times faster it is now
    """
    shown: list[RenderableType] = [escape(heading(report))]
    if against:
        shown += [escape(f"warning: {sentence}") for sentence in differences(report, against)]
    before = {row.key: row for row in against.rows} if against else None
    rows = sorted(report.rows, key=lambda row: list(dict.fromkeys(r.part for r in report.rows)).index(row.part))
    shown += [rows_table(part, list(group), before) for part, group in groupby(rows, key=lambda row: row.part)]
    shown.append(targets_table(report.targets))
    shown += [escape(f"note: {note}") for note in report.notes]
    return shown


def heading(report: Report) -> str:
    """Return one line on machine, versions and threads."""
    machine = report.machine
    versions = ", ".join(f"{name} {number}" for name, number in report.versions.items())
    pool = f"{report.threads} threads ({machine['threading']}, {machine['wait_policy']})"
    form = "quick, " if report.quick else ""
    return (
        f"{machine['processor']} ({machine['instructions']}), {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"{', '.join(machine['blas'])}; {versions}; {pool}; {form}{report.seconds:.0f} s"
    )


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
    table = Table(title=part, title_justify="left")
    table.add_column("")
    table.add_column("shape")
    for name in ("threads", "median", "best", ""):
        table.add_column(name, justify="left" if not name else "right")
    table.add_column("")
    if before is not None:
        table.add_column("new / old", justify="right")
    for row in rows:
        shares = ", ".join(share_text(name, share) for name, share in row.shares.items())
        cells = [row.name, row.shape, str(row.threads), figure(row.value), figure(row.best), row.unit, shares]
        if before is not None:
            old = before.get(row.key)
            cells.append(f"{row.speedup(old):.2f}x" if old else "-")
        table.add_row(*cells)
    return table


def targets_table(targets: tuple[Target, ...]) -> Table:
    """Return measured figures beside what was aimed at."""
    table = Table(title="targets", title_justify="left")
    table.add_column("")
    for name in ("measured", "target"):
        table.add_column(name, justify="right")
    table.add_column("")
    for target in targets:
        measured = "-" if target.measured is None else f"{figure(target.measured)} {target.unit}".strip()
        bound = f"{'at least' if target.least else 'under'} {figure(target.wanted)} {target.unit}".strip()
        table.add_row(target.figure, measured, bound, VERDICTS[target.met])
    return table


def share_text(name: str, share: float) -> str:
    """Return a further figure: a share of a whole in per cent, anything else as a number."""
    if name.startswith("of ") or name == "waiting":
        return f"{share:.1%} {name}"
    return f"{figure(share)}x {name}" if name.startswith("over ") else f"{figure(share)} {name}"


def figure(value: float) -> str:
    """Return three significant digits without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
