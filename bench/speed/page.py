"""A report of the benchmark as a page."""

from __future__ import annotations

from bench.common.tables import Table
from bench.speed.report import Report
from bench.speed.tables import contents
from olacore.reports import parts as page

# What columns without a name hold.
CASE, UNIT, MORE = "case", "unit", "beside"
FACTS = {
    "processor": "processor",
    "instructions": "instructions",
    "cores": "cores",
    "memory_gb": "memory, GB",
    "blas": "products of matrices",
    "threading": "threads are",
    "wait_policy": "idle threads",
}


def bench_page(report: Report, against: Report | None = None) -> page.Page:
    """The page of `ola bench`: what a console shows.

    Parameters
    ----------
    against : an older report; each row it has too shows how many times faster it is now
    """
    sections: list[page.Section] = []
    words: list[page.Part] = []
    _, *rest = contents(report, against)  # the machine in one line, which is told in full here
    for part in rest:
        if isinstance(part, Table):
            title = part.title or "Targets"
            table = page.Table(named(part), part.rows, f"{len(part.rows)} figures", left=part.left)
            sections.append(page.Section(f"{title[:1].upper()}{title[1:]}", [table]))
        else:
            kind, _, text = part.partition(": ")
            words.append(page.Words(text, "warning" if kind == "warning" else "note"))
    facts = [(title, _told(report.machine.get(name))) for name, title in FACTS.items()]
    machine = page.Section("Machine", [page.Facts([*facts, *report.versions.items()]), *words])
    met = [target.met for target in report.targets]
    tiles = [
        ("Targets met", f"{met.count(True)} of {len(met)}", f"{met.count(None)} were not measured"),
        ("Threads", str(report.threads), str(report.machine.get("processor", ""))),
        ("Took", f"{report.seconds:.0f} s", "the quick form" if report.quick else "the whole benchmark"),
    ]
    lead = "How near kernels, training and inference come to what this machine can do."
    return page.Page("Speed on this machine", lead, [machine, *sections], tiles)


def named(table: Table) -> list[str]:
    """The head of a table, in which every column has a name."""
    spare = iter((UNIT, MORE))
    return [name or (next(spare, MORE) if column else CASE) for column, name in enumerate(table.head)]


def _told(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
