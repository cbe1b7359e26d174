"""A report of a comparison as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from bench.common.report import heading
from bench.common.tables import NOTHING, Part, Table, figure, to_rich
from bench.common.targets import Target, targets_table
from bench.peers.run import GOALS, TIMES
from bench.peers.summary import CORES, MOMENTS, problems_of
from olacore.foreign.names import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

FIRST, SECOND = GOALS
SPANS = (*(f"{moment:g} s" for moment in MOMENTS), *(f"{CORES * moment:g} CPU-s" for moment in MOMENTS))


def render(report: dict[str, Any], targets: tuple[Target, ...]) -> list[RenderableType]:
    """Make what a console prints: what it ran on, a table for each problem, growth, targets and what was left out."""
    return to_rich(contents(report, targets))


def contents(report: dict[str, Any], targets: tuple[Target, ...]) -> Iterator[Part]:
    """The sentences and tables one after the other."""
    yield heading(
        report, f"{counted(report['threads'], 'thread')}, {counted(report['seeds'], 'seed')}, medians (range)"
    )
    yield from (problem_table(report, problem) for problem in problems_of(report))
    yield losses_table(report)
    yield growth_table(report)
    yield targets_table(targets)
    yield from (f"left out: {sentence}" for sentence in report["left_out"])
    for row in report["methods"]:
        yield from (f"{row['problem']}, {row['title']}: {reason}" for reason in row["failed"])


def problem_table(report: dict[str, Any], problem: str) -> Table:
    """All methods on a problem, the fastest first."""
    floor = next(f for f in report["floors"] if f["problem"] == problem and f["loss"] == "mse")
    title = (
        f"{problem}: floor {floor['held_out']:.5f} ({floor['source']}), the mean is at "
        f"{floor['mean'] / floor['held_out']:.3f}"
    )
    rows = [row for row in report["methods"] if row["problem"] == problem and row["loss"] == "mse"]
    body = [
        [
            row["title"],
            seconds_text(row, FIRST),
            times_text(row, FIRST),
            seconds_text(row, SECOND),
            times_text(row, SECOND),
            spread_text(row["lowest"], 4),
            *(spread_text(row[f"ratio at {span}"], 4, False) for span in SPANS),
            settings_text(row),
        ]
        for row in sorted(rows, key=speed_key)
    ]
    goals = [f"CPU-s to {FIRST}", "times ours", f"CPU-s to {SECOND}", "times ours", "best ratio"]
    head = ["loss over the floor", *goals, *(f"at {span}" for span in SPANS), "settings"]
    return Table(head, body, title, left=(0, len(head) - 1))


def settings_text(row: dict[str, Any]) -> str:
    """What a peer runs on: the inputs that serve it better, rows of a block, candidates of a generation."""
    settings = {**row["settings"], **row["notes"]}
    names = {"block": "block", "batch": "batch", "population": "pop"}
    parts = [str(settings["inputs"])] if "inputs" in settings else []
    parts += [f"{short} {settings[name]}" for name, short in names.items() if name in settings]
    return ", ".join(parts + ([str(settings["picked"])] if "picked" in settings else []))


def speed_key(row: dict[str, Any]) -> tuple[float, float, float]:
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
        return figure(value) if decimals is None or value is None else f"{value:.{decimals}f}"

    if values["least"] == values["largest"] or not whole:
        return text(values["median"])
    return f"{text(values['median'])} ({text(values['least'])} to {text(values['largest'])})"


def losses_table(report: dict[str, Any]) -> Table:
    """Other losses than the squared error, ours beside Adam's."""
    body = [
        [
            row["problem"],
            row["loss"],
            row["title"],
            seconds_text(row, FIRST),
            seconds_text(row, SECOND),
            spread_text(row["lowest"], 4),
        ]
        for row in report["methods"]
        if row["loss"] != "mse"
    ]
    head = ["problem", "loss", "method", f"CPU-s to {FIRST}", f"CPU-s to {SECOND}", "best ratio"]
    return Table(head, body, "other losses, over the best known of each", left=(0, 1, 2))


def growth_table(report: dict[str, Any]) -> Table:
    """Our seconds as a problem's sizes double."""
    growth: Sequence[dict[str, Any]] = report["growth"]
    body = []
    for row in growth:
        seconds = ", ".join(f"{share}: {figure(value)}" for share, value in row["seconds"].items())
        body.append([row["problem"], row["side"], seconds, figure(row["exponent"])])
    head = ["problem", "what doubles", "CPU-s", "grows with the power"]
    return Table(head, body, f"CPU-s to {FIRST} as sizes double", left=(0, 1, 2))
