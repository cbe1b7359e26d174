"""`ola watch`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import sleep, time
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from olacore.commands.options import FILE
from olacore.commands.say import print_json, printing, say
from olacore.commands.show import make_table, number, print_figures, stdout, text
from olacore.foreign.names import counted

if TYPE_CHECKING:
    from olacore.search.run_log import Follower, Followers

RUNS = Path("runs")
# Seconds between two looks, and after which a log that does not grow is told of.
PAUSE, SILENT = 0.5, 30.0
# Columns of the table, and how wide a terminal has to be for each.
COLUMNS = {"run": 0, "generation": 0, "seconds": 60, "loss": 76, "best loss": 50, "best R2": 0, "samples/s": 88, "": 40}
COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")
CURVE = 14


@click.command()
@click.argument("runs", type=FILE, nargs=-1)
@click.option("--once", is_flag=True, help="Show what there is now, and leave.")
@click.option("--json", "as_json", is_flag=True, help="With --once: the last line of each log, as JSON.")
def watch(runs: Sequence[Path], once: bool, as_json: bool) -> None:
    """Follow runs in the terminal, figures and curve, to their end.

    A folder stands for the runs in it; without one, it is the newest run in the folder runs. A run that is not there
    yet is waited for. Where output is no terminal, there is a line for each report.
    """
    from olacore.errors import FileFormatError
    from olacore.search.run_log import Followers, newest_in

    if as_json and not once:
        raise click.UsageError("--json goes with --once.")
    paths = [*runs] or newest_in(RUNS)
    if not paths:
        raise FileFormatError(f"the folder {RUNS} holds no run; name one.")
    followed = Followers(paths)
    followed.poll()
    if once:
        if followed.missing:
            raise FileFormatError(f"{followed.missing[0]} holds no run.")
        if as_json:
            print_json([facts(name, run) for name, run in followed.named().items()])
        else:
            show(followed)
        return
    if stdout().is_terminal:
        follow_live(followed)
    else:
        follow_lines(followed)
    summarise(followed)


def follow_live(followed: Followers) -> None:
    """Redraw table and curve until all runs have ended."""
    with printing(), Live(console=stdout(), auto_refresh=False) as live:
        while True:
            live.update(picture(followed, live.console), refresh=True)
            if followed.over():
                break
            sleep(PAUSE)
            followed.poll()


def follow_lines(followed: Followers) -> None:
    """Print what is logged, a line a report, until all runs have ended."""
    told: dict[str, int] = {}
    for path in followed.missing:
        say(f"waiting for {path}", err=True)
    while True:
        for name, run in followed.named().items():
            begin = told.get(name, 0)
            for line in run.lines[begin if begin <= len(run.lines) else 0 :]:
                say(f"{name}: {sentence(line)}")
            told[name] = len(run.lines)
        sys.stdout.flush()
        if followed.over():
            return
        sleep(PAUSE)
        followed.poll()


def show(followed: Followers) -> None:
    """Print the table, and on a terminal the curve."""
    console = stdout()
    with printing():
        console.print(picture(followed, console) if console.is_terminal else table(followed, console.width))


def picture(followed: Followers, console: Console) -> RenderableType:
    """Table, curve, and what is waited for."""
    parts: list[RenderableType] = [table(followed, console.width), *curve(followed, console)]
    parts += [text(f"waiting for {path}") for path in followed.missing]
    return Group(*parts)


def table(followed: Followers, width: int) -> RenderableType:
    """A row a run, with as many columns as there is room for."""
    kept = [number for number, least in enumerate(COLUMNS.values()) if width >= least]
    rows = [row_of(name, run) for name, run in followed.named().items()]
    head = [*COLUMNS]
    return make_table([head[number] for number in kept], [[row[number] for number in kept] for row in rows])


def row_of(name: str, run: Follower) -> Sequence[str]:
    """What the table says of a run."""
    last = run.last
    seconds = last.get("seconds")
    rate = f"{last['samples'] / seconds:,.0f}" if seconds and "samples" in last else "-"
    losses = (number(last.get(name)) for name in ("validation_loss", "best_validation_loss", "best_validation_r2"))
    return (name, str(last.get("generation", "-")), number(seconds), *losses, rate, state(run))


def state(run: Follower) -> str:
    """Whether a run has ended, and what is odd about it."""
    age = run.age(time())
    words = (
        ["ended"] if run.ended() else ["its process is gone"] if run.gone() else ["compiling"] if age is None else []
    )
    if not words and age is not None and age > SILENT:
        words.append(f"silent for {age:.0f} s")
    if run.damaged:
        words.append(counted(run.damaged, "damaged line"))
    return ", ".join(words)


def curve(followed: Followers, console: Console) -> Iterator[Text]:
    """The validation losses of all runs over their seconds."""
    from olacore.media.text_curve import draw_text

    curves = [
        [
            (line["seconds"], line["validation_loss"])
            for line in run.lines
            if line.get("validation_loss") and "seconds" in line
        ]
        for run in followed.runs.values()
    ]
    dots = (console.encoding or "").lower().startswith("utf")
    room = min(CURVE, console.height - len(curves) - 6)
    drawn = draw_text(curves, min(console.width, 100), room, " s", dots)
    if drawn:
        yield Text("validation loss", style="bold")
    for parts in drawn:
        line = Text(no_wrap=True)
        for part, series in parts:
            line.append(part, COLOURS[series % len(COLOURS)] if series >= 0 else None)
        yield line


def sentence(line: Mapping[str, Any]) -> str:
    """What a line of the log says."""
    return (
        f"generation {line['generation']}, {number(line.get('seconds'))} s, validation loss "
        f"{number(line.get('validation_loss'))}, R2 {number(line.get('validation_r2'))}, "
        f"best R2 {number(line.get('best_validation_r2'))}"
    )


def facts(name: str, run: Follower) -> dict[str, Any]:
    """What a script reads of a run."""
    return {
        "run": name,
        "folder": str(run.folder),
        "ended": run.ended(),
        "gone": run.gone(),
        "damaged": run.damaged,
        "last": run.last,
    }


def summarise(followed: Followers) -> None:
    """Print how runs ended: the held-out figures of each module, or that there are none."""
    from olacore.modules.module import load
    from olacore.search.run_log import MODULE

    for name, run in followed.named().items():
        if run.gone():
            at = f" after generation {run.last['generation']}" if run.last else ""
            say(f"{name}: its process is gone{at}; go on with its command and --resume --out {run.folder}")
            continue
        module = load(run.folder / MODULE)
        figures = module.training.get("held_out", {})
        if figures:
            nested = all(isinstance(value, Mapping) for row in figures.values() for value in row.values())
            for part, rows in (figures if nested else {"held-out": figures}).items():
                print_figures(rows, f"{name} on {part} samples")
        say(f"{name}: {sentence(run.last) if run.lines else 'nothing logged'}; {module.nbytes()} bytes")
