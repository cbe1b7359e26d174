"""`ola bench`."""

from __future__ import annotations

from pathlib import Path

import click

from olacore.commands.options import FILE, force_page, page
from olacore.commands.progress import Bar
from olacore.commands.show import stdout


@click.command()
@click.option("--quick", is_flag=True, help="A short form, about half a minute.")
@click.option("--teacher", help="Folder or hub id of a teacher to compare encoding and decoding with.")
@click.option("--json", "output", type=FILE, help="Write the report as JSON to this file.")
@page
@force_page
@click.option("--against", type=FILE, help="An earlier report to compare with.")
def bench(
    quick: bool, teacher: str | None, output: Path | None, page: Path | None, force: bool, against: Path | None
) -> None:
    """Measure the kernels beside what this machine could do.

    First the machine's ceilings, then how near the kernels, training and inference come to them.
    """
    from bench.speed.report import load
    from bench.speed.suite import run
    from bench.speed.tables import render
    from olacore.files import check_output

    for path in filter(None, (output, page)):
        check_output(path, force)
    before = load(against) if against else None
    with Bar("bench") as bar:
        report = run(quick, lambda what, done, total: bar(done, total, what), teacher)
    for part in render(report, before):
        stdout().print(part)
    if output:
        report.save(output)
    if page:
        from bench.speed.page import bench_page
        from olacore.reports.page import write_page

        write_page(bench_page(report, before), page)
