"""`python -m bench.fitness`: score over CPU-seconds and points of every search on every task, to JSON and a table."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, median_high
from typing import Any

import click
import numpy as np

from bench.common.machine import describe_machine, describe_versions
from bench.fitness.methods import OURS, PEERS, Make
from bench.fitness.tasks import Task, environment_tasks, function_tasks
from olacore.files import replace_file

METHODS: dict[str, Make] = {**OURS, **PEERS}
# CPU-seconds between points of a curve, as a share of those that went before.
STEP = 0.15
# CPU-seconds until a policy is measured first, and by what share more each time; the clock stands still meanwhile.
FIRST, LATER = 0.02, 0.3


def follow(task: Task, make: Make, seed: int, limit: float) -> dict[str, Any]:
    """One search: CPU-seconds, points and score until it is solved or the limit is reached.

    CPU-seconds count search and losses, and nothing that measures them.
    """
    warm = make(task.layout, task.sigma, seed + 1000)  # compiles whatever is compiled
    for _ in range(2):
        warm.tell(np.arange(len(warm.ask()), dtype=float))
    search, spent, count, generation, best, marked = make(task.layout, task.sigma, seed), 0.0, 0, 0, np.inf, FIRST
    curve: list[tuple[float, int, float]] = []
    while spent < limit and best > task.target:
        began = time.process_time()
        points = search.ask()
        losses = task.losses(points, seed * 100_003 + generation)
        search.tell(losses)
        spent += time.process_time() - began
        count += len(points)
        generation += 1
        if task.score is None:
            best = min(best, float(losses.min()))
        elif spent > marked or spent > limit:
            marked, best = (1 + LATER) * spent, min(best, task.score(search.centre()))
        if not curve or spent > (1 + STEP) * curve[-1][0] or best <= task.target:
            curve.append((round(spent, 4), count, float(f"{best:.6g}")))
    curve.append((round(spent, 4), count, float(f"{best:.6g}")))
    return {"task": task.name, "seed": seed, "curve": curve, "score": best, "target": task.target}


def reached(curve: Sequence[Sequence[float]], score: float, column: int) -> float:
    """CPU-seconds (column 0) or points (1) until a score was reached; inf if it never was."""
    return next((point[column] for point in curve if point[2] <= score), np.inf)


def summary(runs: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Per task the best peer and ours: CPU-seconds and points, medians over seeds, to the best peer's last score."""
    rows: list[tuple[str, ...]] = []
    for task in dict.fromkeys(run["task"] for run in runs):
        of = {name: [run for run in runs if (run["task"], run["method"]) == (task, name)] for name in METHODS}
        last = {name: median_high(run["curve"][-1][2] for run in found) for name, found in of.items() if found}
        # A search ends at its task's target, so that no level is beyond it.
        level = max(
            min(score for name, score in last.items() if name in PEERS),
            next(run["target"] for run in runs if run["task"] == task),
        )

        def medians(name: str, of: dict[str, Any] = of, level: float = level) -> tuple[float, float]:
            return (
                median(reached(run["curve"], level, 0) for run in of[name]),
                median(reached(run["curve"], level, 1) for run in of[name]),
            )

        peer = min((name for name in last if name in PEERS), key=medians)
        ours = min((name for name in last if name in OURS), key=medians)
        (peer_seconds, peer_points), (our_seconds, our_points) = medians(peer), medians(ours)
        rows.append(
            (
                task,
                f"{level:.3g}",
                f"{ours}: {our_seconds:.3g} s, {our_points:,.0f}",
                f"{peer}: {peer_seconds:.3g} s, {peer_points:,.0f}",
                "ours" if our_seconds <= peer_seconds else "peer",
            )
        )
    return rows


@click.command()
@click.option("--json", "out", type=click.Path(path_type=Path), required=True, help="Where all curves go.")
@click.option("--functions/--no-functions", default=True, show_default=True)
@click.option("--environments/--no-environments", default=True, show_default=True)
@click.option("--seeds", default=5, show_default=True)
@click.option("--seconds", default=6.0, show_default=True, help="CPU-seconds of a search on a function.")
@click.option("--environment-seconds", default=20.0, show_default=True, help="And in an environment.")
@click.option("--method", "methods", multiple=True, type=click.Choice([*METHODS]), help="Only these; all by default.")
@click.option("--task", "names", multiple=True, help="Only tasks whose names begin so; all by default.")
def main(
    out: Path,
    functions: bool,
    environments: bool,
    seeds: int,
    seconds: float,
    environment_seconds: float,
    methods: Sequence[str],
    names: Sequence[str],
) -> None:
    """Compare searches for a fitness with those of other libraries."""
    runs: list[dict[str, Any]] = []
    wanted = tuple(names) or ("",)
    played = [task for task in (environment_tasks() if environments else []) if task.name.startswith(wanted)]
    for task in played:
        task.losses(np.zeros((64, task.layout.size)), 0)  # makes the environments, before seconds count
    for seed in range(seeds):
        formulas = function_tasks(seed) if functions else []
        jobs = [(task, seconds) for task in formulas if task.name.startswith(wanted)]
        jobs += [(task, environment_seconds) for task in played]
        for task, limit in jobs:
            for name in methods or METHODS:
                run = {"method": name, **follow(task, METHODS[name], seed, limit)}
                runs.append(run)
                last = run["curve"][-1]
                click.echo(f"{task.name}, {name}, seed {seed}: {run['score']:.3g} after {last[0]:.2f} s, {last[1]}")
        told = {"machine": describe_machine(), "versions": describe_versions(), "runs": runs}
        replace_file(out, (json.dumps(told) + "\n").encode())
    if not methods:
        click.echo("| task | score | ours | best peer | sooner |\n|---|---|---|---|---|")
        for row in summary(runs):
            click.echo(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
