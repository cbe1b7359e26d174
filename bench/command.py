"""`ola bench`."""

from __future__ import annotations

from pathlib import Path

import click

from olacore.commands.options import FILE, page
from olacore.commands.progress import Bar
from olacore.commands.show import stdout


@click.command()
@click.option("--quick", is_flag=True, help="A short form, about half a minute.")
@click.option("--teacher", help="Folder or hub id of a teacher to compare encoding and decoding with.")
@click.option("--json", "output", type=FILE, help="Write the report as JSON to this file.")
@page
@click.option("--against", type=FILE, help="An earlier report to compare with.")
def bench(quick: bool, teacher: str | None, output: Path | None, page: Path | None, against: Path | None) -> None:
    """Measure this machine's ceilings, and how near the kernels, training and inference come to them."""
    from bench.speed.report import load
    from bench.speed.suite import run
    from bench.speed.tables import render
    from olacore.files import check_output

    if page:
        check_output(page, force=True)
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
