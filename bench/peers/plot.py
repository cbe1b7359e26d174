"""CPU-seconds against loss over the floor minus one, both on log axes, one panel a problem."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Any

from bench.common.plot import Curve, Level, Panel, draw_panels
from bench.peers.run import GOALS
from bench.peers.summary import problems_of
from bench.peers.tables import speed_key

# Inches of a panel with its legend beside it.
SIZE = (9, 6)
# Nearer to the floor than this is drawn at this.
LOWEST = 1e-3
COLOURS = 10
ALWAYS = ("adam-whitened", "adam-standardised", "least-squares", "classic")


def draw(report: dict[str, Any], path: Path) -> None:
    """Draw the contested problems, or all of them where there are no peers: median seeds as lines.

    Raises
    ------
    OutputError  if the file cannot be written
    """
    contested = dict.fromkeys(row["problem"] for row in report["methods"] if row["part"] == "peers")
    names = list(contested) or problems_of(report)
    draw_panels([panel_of(report, name) for name in names], path, len(names), SIZE)


def panel_of(report: dict[str, Any], problem: str) -> Panel:
    """One problem, the fastest method first, with lines at the shares of the floor that are aimed at."""
    rows = [row for row in report["methods"] if (row["problem"], row["loss"]) == (problem, "mse")]
    curves = [
        Curve(row["title"], median_curve(row), style_of(row, number, row["method"] == report["default"]))
        for number, row in enumerate(sorted((row for row in rows if is_drawn(row, report)), key=speed_key))
    ]
    levels = [Level(goal - 1, style={"color": "grey", "linewidth": 0.6}) for goal in GOALS]
    legend = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    return Panel(problem, "CPU-seconds", "held-out loss over floor - 1", curves, levels, log=True, legend=legend)


def style_of(row: dict[str, Any], number: int, own: bool) -> dict[str, Any]:
    """Colour and line of a method: ours thick and black, what is no evolution dashed, closed forms a point."""
    if own:
        return {"color": "black", "linewidth": 2.5, "zorder": 5}
    style = "--" if row["orientation"] else "-" if number < COLOURS else ":"
    closed = all(len(curve) == 1 for curve in row["curves"])
    return {"color": f"C{number % COLOURS}", "linewidth": 1.2, "linestyle": style, "marker": "o" if closed else None}


def is_drawn(row: dict[str, Any], report: dict[str, Any]) -> bool:
    """Whether a row is drawn: ours, peers and what is always drawn, but no ablation."""
    return row["peer"] or row["method"] in (report["default"], *ALWAYS)


def median_curve(row: dict[str, Any]) -> list[tuple[float, float]]:
    """The curve of the seed whose end is in the middle, as seconds and excess over the floor."""
    curves = sorted((curve for curve in row["curves"] if curve), key=lambda curve: curve[-1][1])
    curve = curves[len(curves) // 2] if curves else []
    return [(cpu, max(ratio - 1, LOWEST)) for cpu, ratio in curve if ratio < inf]
