"""A report of the benchmark as a page."""

from __future__ import annotations

from bench.common.tables import Table
from bench.speed.report import Report
from bench.speed.tables import contents
from olacore.reports import parts as page


def bench_page(report: Report, against: Report | None = None) -> page.Page:
    """The page of `ola bench`; what a console shows, with the machine above it."""
    sections: list[page.Section] = []
    words: list[page.Part] = []
    for part in contents(report, against):
        if isinstance(part, Table):
            table = page.Table(part.head, part.rows, part.title or "Targets", left=part.left)
            sections.append(page.Section(part.title or "Targets", [table]))
        else:
            warns = part.startswith("warning: ")
            words.append(page.Words(part.removeprefix("warning: "), "warning" if warns else "plain"))
    names = {"processor": "processor", "instructions": "instructions", "cores": "cores", "memory_gb": "memory, GB"}
    facts = [(title, str(report.machine.get(name, "?"))) for name, title in names.items()]
    facts += [(name, version) for name, version in report.versions.items()]
    machine = page.Section("Machine", [page.Facts(facts), *words])
    met = [target.met for target in report.targets]
    tiles = [("Targets met", f"{met.count(True)} of {len(met)}", f"{met.count(None)} were not measured")]
    lead = f"{'A quick' if report.quick else 'A'} benchmark of {report.threads} threads, {report.seconds:.0f} s."
    return page.Page("Speed on this machine", lead, [machine, *sections], tiles)
