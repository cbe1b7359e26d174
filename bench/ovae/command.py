"""What `python -m bench.ovae` does: parts in their order, and the report of all that is kept."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from threadpoolctl import threadpool_limits

from bench.ovae import PARTS
from bench.ovae.backprop import RATES, compare_all
from bench.ovae.cards import publish
from bench.ovae.cells import Cells
from bench.ovae.quality import measure_all
from bench.ovae.recipes import chosen
from bench.ovae.report import make_report, write_report
from bench.ovae.room import Room
from bench.ovae.speed import time_all
from bench.ovae.training import train_all
from olacore.embed.checked import threads as kernel_threads
from olacore.pretrained import FOLDER as PACKAGE


def run(
    room: Room,
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
    cells = Cells(room.work / "cells")
    recipes = chosen(names, spaces, generations)
    spaces = tuple(dict.fromkeys(recipe.space for recipe in recipes))
    wanted = parts or PARTS
    folder = pretrained or (PACKAGE if generations is None else room.work / "pretrained")

    def cells_of(part: str) -> Cells:
        return replace(cells, frozen=part not in wanted)

    def say(text: str) -> None:
        click.echo(text, err=True)

    with kernel_threads(threads), threadpool_limits(threads, user_api="blas"), held(threads):
        train = train_all(recipes, room, cells_of("train"), say)
        backprop = compare_all(recipes, room, cells_of("backprop"), say, rates or RATES, seeds)
        quality = measure_all(spaces, room, cells_of("quality"), say)
        speed = time_all(spaces, room, cells_of("speed"), say)
    if {"train", "report"} & set(wanted):
        publish(recipes, room, train, quality, folder, say)
    report = make_report(train, backprop, quality, speed)
    if "report" in wanted:
        for path in write_report(report, out):
            say(f"{path} is written")
    return report


def held(threads: int) -> AbstractContextManager[None]:
    """Hold torch to so many threads, where it is installed."""
    try:
        from teachers.comparison.torch_kernels import torch_threads
    except ImportError:
        return nullcontext()
    return torch_threads(threads)
