"""CPU-seconds against loss over the floor minus one, both on log axes, one panel a problem."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Any

from bench.peers.run import GOALS
from bench.peers.summary import problems_of
from bench.peers.tables import speed
from olacore.files import replacing

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
    import matplotlib

    matplotlib.use("Agg", force=False)
    from matplotlib.figure import Figure

    contested = dict.fromkeys(row["problem"] for row in report["methods"] if row["part"] == "peers")
    names = list(contested) or problems_of(report)
    figure = Figure(figsize=(7.5 * len(names), 6.5), layout="constrained")
    for place, name in enumerate(names, start=1):
        axes = figure.add_subplot(1, len(names), place)
        rows = [row for row in report["methods"] if (row["problem"], row["loss"]) == (name, "mse")]
        for number, row in enumerate(sorted((row for row in rows if wanted(row, report)), key=speed)):
            axes.plot(*median_curve(row), label=row["title"], **look(row, number, row["method"] == report["default"]))
        for goal in GOALS:
            axes.axhline(goal - 1, color="grey", linewidth=0.6)
        axes.set(xscale="log", yscale="log", title=name, xlabel="CPU-seconds", ylabel="held-out loss over floor - 1")
        axes.legend(fontsize=7, loc="lower left")
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def look(row: dict[str, Any], number: int, own: bool) -> dict[str, Any]:
    """Colour and line of a method: ours thick and black, what is no evolution dashed, closed forms a point."""
    if own:
        return {"color": "black", "linewidth": 2.5, "zorder": 5}
    style = "--" if row["orientation"] else "-" if number < COLOURS else ":"
    closed = all(len(curve) == 1 for curve in row["curves"])
    return {"color": f"C{number % COLOURS}", "linewidth": 1.2, "linestyle": style, "marker": "o" if closed else None}


def wanted(row: dict[str, Any], report: dict[str, Any]) -> bool:
    """Whether a row is drawn: ours, peers and what is always drawn, but no ablation."""
    return row["peer"] or row["method"] in (report["default"], *ALWAYS)


def median_curve(row: dict[str, Any]) -> tuple[list[float], list[float]]:
    """The curve of the seed whose end is in the middle, as seconds and excess over the floor."""
    curves = sorted((curve for curve in row["curves"] if curve), key=lambda curve: curve[-1][1])
    if not curves:
        return [], []
    curve = curves[len(curves) // 2]
    points = [(cpu, max(ratio - 1, LOWEST)) for cpu, ratio in curve if ratio < inf]
    return [cpu for cpu, _ in points], [excess for _, excess in points]
