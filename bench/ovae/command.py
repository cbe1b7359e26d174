"""What `python -m bench.ovae` does: parts in their order, and the report of all that is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bench.common.cells import Cells
from bench.common.threads import limit_threads
from bench.ovae import PARTS
from bench.ovae.backprop import RATES, compare_all
from bench.ovae.cards import publish
from bench.ovae.quality import measure_all
from bench.ovae.recipes import chosen
from bench.ovae.report import make_report, write_all
from bench.ovae.speed import time_all
from bench.ovae.training import train_all
from bench.ovae.workspace import Workspace
from olacore.foreign.names import shown
from olacore.pretrained import FOLDER as PACKAGE


def run(
    workspace: Workspace,
    out: Path,
    parts: tuple[str, ...] = (),
    names: tuple[str, ...] = (),
    spaces: tuple[str, ...] = (),
    pretrained: Path | None = None,
    rates: tuple[float, ...] = (),
    seeds: int = 1,
    threads: int = 2,
    generations: int | None = None,
) -> dict[str, Any]:
    """Do the parts, and return the report of all that is kept, whether it is asked for or not.

    Parameters
    ----------
    out : where the report goes
    parts : of `PARTS`; all if none is named
    names, spaces, generations : see `chosen`
    pretrained : gets modules and cards; otherwise the package, or the work folder for a trial of so many generations
    rates, seeds : of the comparison with backprop
    threads : of everything else
    """
    cells = Cells(workspace.work / "cells")
    recipes = chosen(names, spaces, generations)
    spaces = tuple(dict.fromkeys(recipe.space for recipe in recipes))
    wanted = parts or PARTS
    folder = pretrained or (PACKAGE if generations is None else workspace.work / "pretrained")

    def cells_of(part: str) -> Cells:
        return replace(cells, frozen=part not in wanted)

    def say(text: str) -> None:
        click.echo(shown(text), err=True)

    with limit_threads(threads):
        train = train_all(recipes, workspace, cells_of("train"), say)
        backprop = compare_all(recipes, workspace, cells_of("backprop"), say, rates or RATES, seeds)
        quality = measure_all(spaces, workspace, cells_of("quality"), say)
        speed = time_all(spaces, workspace, cells_of("speed"), say)
    if {"train", "report"} & set(wanted):
        publish(recipes, workspace, train, quality, folder, say)
    report = make_report(train, backprop, quality, speed, threads)
    if "report" in wanted:
        for path in write_all(report, out):
            say(f"{path} is written")
    return report
