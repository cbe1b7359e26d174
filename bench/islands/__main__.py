"""`python -m bench.islands`: loss over simulated seconds of 1, 2, 4 and 8 islands, to JSON, a plot and a table.

Without `--captions` text to latent is left out: it needs captioned latents, as `ola precompute --captions` writes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import click

from bench.common.markdown import write_markdown
from bench.common.plot import Curve, Panel, draw_panels
from bench.common.report import describe_run, write_report
from bench.common.tables import Table
from bench.islands.search import Points, simulate
from bench.studies.plain_pairs import two_layers
from olacore.data import write_pairs
from olacore.data.sample import sample_path
from olacore.foreign.names import counted
from olacore.search.config import TrainConfig
from olacore.search.validation import BETTER

SCHEMA = "olacore/simulated-islands/1"
# Inches of a panel.
SIZE = (5.5, 4.5)


@dataclass(frozen=True)
class Case:
    """A search that islands are to make faster.

    Parameters
    ----------
    every : generations between exchanges of islands that send migrants
    report_every : generations between points of a curve
    """

    name: str
    config: TrainConfig
    every: int
    report_every: int


def cases(folder: Path, captions: Path | None, units: int) -> Iterator[Case]:
    """Give the encoder and the stack, and text to latent where there are captioned latents."""
    yield Case("encoder", TrainConfig("encoder", (sample_path(),), generations=20), 4, 1)
    pairs = folder / "two-layers.h5"
    write_pairs(pairs, *two_layers())
    yield Case("stack", TrainConfig(None, (pairs,), strategy="stack", stack=64, generations=80), 20, 5)
    if captions is not None:
        config = TrainConfig("denoiser", (captions,), view="text", strategy="wide", stack=units)
        yield Case(f"text to latent, {units} units", config, 1, 1)


def warm_up(case: Case) -> None:
    """Let kernels be compiled or read from disk, which no curve counts."""
    few = replace(case.config, generations=12 if case.config.stack else 2, stack=case.config.stack and 32)
    simulate(few, 2, 3, 1)


def seconds_to(curve: Points, loss: float) -> float | None:
    """Simulated seconds to a loss, or nearly."""
    return next((seconds for seconds, reached in curve if reached <= loss * (1 + BETTER)), None)


def follow(case: Case, counts: list[int], seeds: int, said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Measure a case with every number of islands, from every seed.

    Parameters
    ----------
    said : runs that an earlier report has, which are not made again
    """
    runs = []
    for seed in range(seeds):
        for count in counts:
            key = {"case": case.name, "islands": count, "seed": seed}
            kept = next((run for run in said if key.items() <= run.items()), None)
            if kept is None:
                curve, exchange = simulate(replace(case.config, seed=seed), count, case.every, case.report_every)
                kept = {**key, "exchange": round(exchange, 4), "curve": curve}
            runs.append(kept)
            click.echo(f"{case.name}, {counted(count, 'island')}, seed {seed}: {kept['curve'][-1]}")
    return runs


def summarise(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each case and number of islands: the time to the final loss of a single one, as a share of its own."""
    lines = []
    for name in dict.fromkeys(run["case"] for run in runs):
        mine = [run for run in runs if run["case"] == name]
        single = {run["seed"]: run["curve"] for run in mine if run["islands"] == 1}
        for count in sorted({run["islands"] for run in mine}):
            shares: list[float | None] = []
            these = [run for run in mine if run["islands"] == count and run["seed"] in single]
            for run in these:
                goal = single[run["seed"]][-1][1]
                alone, here = seconds_to(single[run["seed"]], goal), seconds_to(run["curve"], goal)
                shares.append(None if here is None or alone is None else round(here / alone, 3))
            reached = [share for share in shares if share is not None]
            ends = [run["curve"][-1][1] / single[run["seed"]][-1][1] for run in these]
            lines.append(
                {
                    "case": name,
                    "islands": count,
                    "seeds": len(these),
                    "seconds": round(median(run["curve"][-1][0] for run in these), 2),
                    "loss": round(median(ends), 4),
                    "reached": len(reached),
                    # A median of all seeds, of which some may never come there.
                    "time": median(reached) if 2 * len(reached) > len(shares) else None,
                    "times": shares,
                    "exchange": round(median(run["exchange"] for run in these), 4),
                }
            )
    return lines


def table(lines: list[dict[str, Any]]) -> str:
    """The summary for people."""
    rows = [
        (
            line["case"],
            str(line["islands"]),
            f"{line['seconds']:.3g}",
            f"{line['loss']:.4f}",
            "never" if line["time"] is None else f"{line['time']:.2f}",
            f"{line['reached']} of {line['seeds']}",
            f"{100 * line['exchange']:.1f} %",
        )
        for line in lines
    ]
    heads = ("search", "islands", "seconds", "loss over one's", "time to one's loss", "seeds", "exchange")
    return write_markdown([Table(heads, rows)])


def draw(runs: list[dict[str, Any]], path: Path) -> None:
    """Draw the first seed of every case."""
    panels = []
    for name in dict.fromkeys(run["case"] for run in runs):
        curves = [
            Curve(f"{run['islands']} island{'s' * (run['islands'] > 1)}", run["curve"], {"marker": "o", "ms": 3})
            for run in runs
            if run["case"] == name and run["seed"] == 0
        ]
        panels.append(Panel(name, "simulated seconds", "lowest validation loss", curves))
    draw_panels(panels, path, len(panels), SIZE)


@click.command("bench.islands")
@click.option("--json", "out", type=click.Path(path_type=Path, dir_okay=False), help="report; a plot beside it")
@click.option("--captions", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="captioned latents")
@click.option("--units", default=1024, help="of text to latent")
@click.option("--islands", "counts", default="1,2,4,8", help="numbers of islands")
@click.option("--seeds", default=3)
@click.option("--only", default="", help="part of the names of the cases to measure")
@click.option("--join", is_flag=True, help="keep the runs that the report already has")
def main(out: Path | None, captions: Path | None, units: int, counts: str, seeds: int, only: str, join: bool) -> None:
    """Measure, write and print."""
    report = describe_run(SCHEMA, 1)
    said: list[dict[str, Any]] = []
    if join and out is not None and out.is_file():
        said = json.loads(out.read_text(encoding="utf-8"))["runs"]
    runs: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        for case in cases(Path(folder), captions, units):
            if only not in case.name:
                continue
            warm_up(case)
            runs += follow(case, [int(count) for count in counts.split(",")], seeds, said)
    runs += [run for run in said if run not in runs]
    summary = summarise(runs)
    click.echo(table(summary))
    if out is not None:
        write_report({**report, "summary": summary, "runs": runs}, out)
        draw(runs, out.with_suffix(".png"))


if __name__ == "__main__":
    main()
