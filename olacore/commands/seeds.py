"""`ola train --seeds`: a study, and its table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from olacore.commands.progress import Bar
from olacore.commands.say import print_json, say
from olacore.commands.show import number, print_table
from olacore.commands.signals import going_on, stop_on_signal
from olacore.foreign.names import counted

# Held-out figures in the table of a study, and in one of several parts; JSON has all.
SHOWN, SHOWN_OF_PARTS = ("loss", "r2", "psnr"), ("loss", "r2")
# Seeds of one study.
MOST = 10_000


class Seeds(click.ParamType):
    """Seeds such as 0-7 or 0,3,5."""

    name = "seeds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return them in their order."""
        if not isinstance(value, str):
            return tuple(value)
        seeds: list[int] = []
        for part in value.split(","):
            first, dash, last = part.strip().partition("-")
            if not (first.isdecimal() and (last.isdecimal() if dash else True)):
                self.fail(f"{value!r} is no list of seeds; write 0-7 or 0,3,5.", param, ctx)
            count = int(last or first) - int(first) + 1
            if not 0 < count <= MOST - len(seeds):
                self.fail(f"{value!r} must be 1 to {MOST} seeds, from the lower to the higher.", param, ctx)
            seeds += range(int(first), int(first) + count)
        if len({*seeds}) < len(seeds):
            self.fail(f"{value!r} names a seed twice.", param, ctx)
        return tuple(seeds)


def train_all(config: Any, seeds: Sequence[int], backend: str, options: dict[str, Any], as_json: bool) -> None:
    """Run a study, and print its table or its JSON.

    Parameters
    ----------
    config : a `TrainConfig`
    options : of the backend
    """
    from olacore.search.seeds import SeedRun, train_seeds

    with stop_on_signal() as should_stop, Bar("seeds") as bar:
        over = 0
        bar(0, len(seeds))

        def told(run: SeedRun) -> None:
            nonlocal over
            over += 1
            bar(over, len(seeds))
            if run.error:
                say(f"seed {run.seed} failed: {run.error}", err=True)
            elif run.done:
                say(f"seed {run.seed}: stopped by {run.stopped}, {_loss(run)}", err=True)

        study = train_seeds(config, seeds, backend, told, should_stop, **options)
    if len(study.done) < len(seeds) and should_stop():
        should_stop.leave(f"the study is saved in {study.folder}; {going_on(study.folder)}")
    if as_json:
        print_json(study.to_dict())
    else:
        print_study(study)
    if failed := [run for run in study.runs if run.error]:
        say(f"error: {len(failed)} of {len(seeds)} seeds failed; {going_on(study.folder)}", err=True)
        sys.exit(1)


def print_study(study: Any) -> None:
    """Print the figures of a `Study`, one row a seed, and their medians."""
    medians = study.medians
    parts = medians["held_out"]
    names = SHOWN if len(parts) == 1 else SHOWN_OF_PARTS
    held_out = [(part, name) for part, figures in parts.items() for name in names if name in figures]
    heads = [f"{part}\n{'mse' if name == 'loss' else name}" for part, name in held_out]
    rows = [(run.seed, run.stopped, *_figures(run.to_dict(), held_out)) for run in study.runs]
    if len(study.done) > 1:
        rows.append(("median", "", *_figures(medians, held_out)))
    head = ("seed", "stopped by", "validation\nloss", "R2", *heads, "seconds")
    print_table(head, rows, f"{counted(len(study.done), 'seed')} in {study.folder}", left=(1,))
    if study.best is not None:
        say(f"seed {study.best.seed} is the best on validation samples, with {_loss(study.best)}: {study.best.folder}")
    noted: dict[str, list[str]] = {}
    for run in study.runs:
        for note in run.notes:
            noted.setdefault(note, []).append(str(run.seed))
    for note, seeds in noted.items():
        say(f"seed{'s' if seeds[1:] else ''} {', '.join(seeds)}: {note}")


def _figures(told: dict[str, Any], held_out: list[tuple[str, str]]) -> list[str]:
    values = [told.get("held_out", {}).get(part, {}).get(name) for part, name in held_out]
    return [
        number(value)
        for value in (told.get("validation_loss"), told.get("validation_r2"), *values, told.get("seconds"))
    ]


def _loss(run: Any) -> str:
    return f"validation loss {number(run.validation_loss)}, R2 {number(run.validation_r2)}"
