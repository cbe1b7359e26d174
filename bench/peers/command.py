"""What `python -m bench.peers` does once threads are set: run, summarise, print, draw, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.common.datasets import MODELS, PHOTOS
from bench.common.report import dated, write_report
from bench.peers.data import DataFolders
from bench.peers.plan import Plan
from bench.peers.plot import draw
from bench.peers.run import Comparison
from bench.peers.summary import summarise
from bench.peers.tables import render
from bench.peers.targets import judge
from olacore.foreign.names import shown

# Of tables in a file.
WIDTH = 180


def compare(
    out: Path,
    results: Path,
    *,
    data: Path | None = None,
    photos: Path | None = None,
    models: Path | None = None,
    problems: Sequence[str] = (),
    contested: Sequence[str] = (),
    peers: Sequence[str] = (),
    parts: Sequence[str] = (),
    default: str | None = None,
    trust_off: str | None = None,
    seeds: int = 3,
    own_cap: float = 60.0,
    cap: float | None = None,
    floor_passes: int = 0,
    threads: int = 1,
    name: str | None = None,
    console: Console | None = None,
) -> dict[str, Any]:
    """Run what is missing in `out`, print the tables, and write JSON and plot into `results`.

    Parameters
    ----------
    out : keeps floors and cells
    results : gets `name.json` and `name.png`
    data, photos, models : see `DataFolders`
    problems, contested, peers, parts, default, seeds : of the plan; what is empty takes the plan's own
    trust_off : settings of the default strategy that switch trust off
    own_cap, cap, floor_passes, threads : see `Comparison`

    Raises
    ------
    OlacoreError  one of its kinds, for any known fault of settings, data or output
    """
    console = console or wide_console()
    plan = make_plan(problems, contested, peers, parts, default, trust_off, seeds)
    folders = DataFolders(data or out / "data", photos or PHOTOS, models or MODELS)

    def say(text: str) -> None:
        console.print(shown(text), markup=False)

    comparison = Comparison(out, folders, plan, own_cap, cap, threads, say, floor_passes)
    comparison.run()
    report = summarise(comparison)
    targets = judge(report, plan.ablations)
    report["targets"] = [target.to_dict() for target in targets]
    for part in render(report, targets):
        console.print(part)
    results.mkdir(parents=True, exist_ok=True)
    name = name or dated("peers")
    write_report(report, results / f"{name}.json")
    draw(report, results / f"{name}.png")
    say(f"written: {results / name}.json and .png")
    return report


def wide_console() -> Console:
    """The terminal, or where there is none, lines wide enough for the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


def make_plan(
    problems: Sequence[str],
    contested: Sequence[str],
    peers: Sequence[str],
    parts: Sequence[str],
    default: str | None,
    trust_off: str | None,
    seeds: int,
) -> Plan:
    """The plan with what was asked for in place of its own."""
    asked = {"problems": problems, "contested": contested, "peers": peers, "parts": parts}
    changes: dict[str, Any] = {key: tuple(value) for key, value in asked.items() if value}
    plan = Plan(seeds=seeds, **changes)
    if default:
        plan = replace(plan, default=default)
    if trust_off:
        off, *others = plan.ablations
        plan = replace(plan, ablations=(replace(off, settings=trust_off), *others))
    return plan
