"""A report of a comparison as tables."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from bench.peers.run import GOALS, TIMES
from bench.peers.summary import CORES, MOMENTS, problems_of
from bench.speed.report import Target
from bench.speed.tables import figure, targets_table

NOTHING = "-"
FIRST, SECOND = GOALS


def render(report: dict[str, Any], targets: tuple[Target, ...]) -> list[RenderableType]:
    """Make what a console prints: what it ran on, a table for each problem, growth, targets and what was left out."""
    shown: list[RenderableType] = [escape(heading(report))]
    shown += [problem_table(report, problem) for problem in problems_of(report)]
    shown += [losses_table(report), growth_table(report), targets_table(targets)]
    shown += [escape(f"left out: {sentence}") for sentence in report["left_out"]]
    for row in report["methods"]:
        shown += [escape(f"{row['problem']}, {row['title']}: {reason}") for reason in row["failed"]]
    return shown


def heading(report: dict[str, Any]) -> str:
    """One line on machine, versions and threads."""
    machine = report["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores, {', '.join(machine['blas'])}; {versions}; "
        f"{report['threads']} threads, {report['seeds']} seeds, medians (range)"
    )


def problem_table(report: dict[str, Any], problem: str) -> Table:
    """All methods on a problem, the fastest first."""
    floor = next(f for f in report["floors"] if f["problem"] == problem and f["loss"] == "mse")
    title = (
        f"{problem}: floor {floor['held_out']:.5f} ({floor['source']}), the mean is at "
        f"{floor['mean'] / floor['held_out']:.3f}"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("loss over the floor")
    names = [f"CPU-s to {FIRST}", "times ours", f"CPU-s to {SECOND}", "times ours", "best ratio"]
    for name in [*names, *(f"at {moment:g} s" for moment in MOMENTS), *(f"at {CORES * m:g} CPU-s" for m in MOMENTS)]:
        table.add_column(name, justify="right")
    table.add_column("settings")
    rows = [row for row in report["methods"] if row["problem"] == problem and row["loss"] == "mse"]
    for row in sorted(rows, key=speed):
        table.add_row(
            row["title"],
            seconds_text(row, FIRST),
            times_text(row, FIRST),
            seconds_text(row, SECOND),
            times_text(row, SECOND),
            spread_text(row["lowest"], 4),
            *(spread_text(row[f"ratio at {moment:g} s"], 4, False) for moment in MOMENTS),
            *(spread_text(row[f"ratio at {CORES * moment:g} CPU-s"], 4, False) for moment in MOMENTS),
            settings_text(row),
        )
    return table


def settings_text(row: dict[str, Any]) -> str:
    """What a peer runs on: the inputs that serve it better, rows of a block, candidates of a generation."""
    settings = {**row["settings"], **row["notes"]}
    names = {"block": "block", "batch": "batch", "population": "pop"}
    parts = [str(settings["inputs"])] if "inputs" in settings else []
    parts += [f"{short} {settings[name]}" for name, short in names.items() if name in settings]
    return ", ".join(parts + ([str(settings["picked"])] if "picked" in settings else []))


def speed(row: dict[str, Any]) -> tuple[float, float, float]:
    """What rows are sorted by: the seconds to both goals, then the best ratio."""
    keys = [row[f"seconds to {goal}"]["median"] for goal in GOALS] + [row["lowest"]["median"]]
    first, second, lowest = (inf if key is None else key for key in keys)
    return first, second, lowest


def seconds_text(row: dict[str, Any], goal: float) -> str:
    """Median and range of the seconds to a goal."""
    found = row[f"seconds to {goal}"]
    if found["median"] is not None:
        return spread_text(found)
    return "never" if row["ended"] else f"over {figure(row['cap'])}"


def times_text(row: dict[str, Any], goal: float) -> str:
    """How many times our seconds a method took."""
    ratio = row[f"times ours to {goal}"]
    if ratio is None:
        return NOTHING
    if not ratio["at_least"]:
        return figure(ratio["ratio"])
    return f"{TIMES} or more" if ratio["ratio"] >= TIMES else f"over {figure(ratio['ratio'])}"


def spread_text(values: dict[str, float | None], decimals: int | None = None, whole: bool = True) -> str:
    """A median with its range."""

    def text(value: float | None) -> str:
        if value is None:
            return NOTHING
        return figure(value) if decimals is None else f"{value:.{decimals}f}"

    if values["least"] == values["largest"] or not whole:
        return text(values["median"])
    return f"{text(values['median'])} ({text(values['least'])} to {text(values['largest'])})"


def losses_table(report: dict[str, Any]) -> Table:
    """Other losses than the squared error, ours beside Adam's."""
    table = Table(title="other losses, over the best known of each", title_justify="left")
    for name in ("problem", "loss", "method"):
        table.add_column(name)
    for name in (f"CPU-s to {FIRST}", f"CPU-s to {SECOND}", "best ratio"):
        table.add_column(name, justify="right")
    for row in report["methods"]:
        if row["loss"] != "mse":
            figures = seconds_text(row, FIRST), seconds_text(row, SECOND), spread_text(row["lowest"], 4)
            table.add_row(row["problem"], row["loss"], row["title"], *figures)
    return table


def growth_table(report: dict[str, Any]) -> Table:
    """Our seconds as a problem's sizes double."""
    table = Table(title=f"CPU-s to {FIRST} as sizes double", title_justify="left")
    for name in ("problem", "what doubles", "CPU-s"):
        table.add_column(name)
    table.add_column("grows with the power", justify="right")
    growth: Sequence[dict[str, Any]] = report["growth"]
    for row in growth:
        seconds = ", ".join(f"{share}: {NOTHING if s is None else figure(s)}" for share, s in row["seconds"].items())
        table.add_row(row["problem"], row["side"], seconds, figure(row["exponent"]))
    return table
