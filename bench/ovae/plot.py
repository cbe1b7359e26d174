"""Curves of evolved stacks and of backprop: held-out figure against CPU-seconds, one panel a case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.common.plot import Curve, Level, Panel, draw_panels

COLUMNS = 3
# Inches of a panel.
SIZE = (5.5, 4)


def draw(cases: list[dict[str, Any]], path: Path) -> None:
    """Draw what `compare_all` gave; of several seeds the first.

    Raises
    ------
    OutputError  if the file cannot be written
    """
    shown = list({case["case"]: case for case in reversed(cases)}.values())[::-1]
    draw_panels([panel_of(case) for case in shown], path, COLUMNS, SIZE)


def panel_of(case: dict[str, Any]) -> Panel:
    """One case: every rate of backprop, evolution, and affine least squares as a line across."""
    curves = [
        Curve(
            f"backprop, rate {rate}{' (best)' if rate == case['best_rate'] else ''}",
            curve,
            {"color": f"C{number}", "linewidth": 1.2},
        )
        for number, (rate, curve) in enumerate(case["backprop"].items())
    ]
    curves.append(Curve("evolved", case["evolved"], {"color": "black", "linewidth": 2.5}))
    affine = Level(case["affine"], "affine least squares", {"color": "grey", "linestyle": "--", "linewidth": 1})
    unit = "PSNR, dB" if case["unit"] == "dB" else case["unit"]
    x, y, legend = "CPU-seconds of one thread", f"held-out {unit}", {"loc": "lower right"}
    return Panel(case["case"], x, y, curves, [affine], bounds=limits(case), legend=legend)


def limits(case: dict[str, Any]) -> tuple[float, float]:
    """From a little under least squares to a little over the best: the start of a search lies far below."""
    ends = [case["evolved"][-1][1], *(curve[-1][1] for curve in case["backprop"].values()), case["affine"]]
    margin = 0.15 * (max(ends) - min(ends)) or 1e-3
    return min(case["affine"] - 2 * margin, min(ends) - margin), max(ends) + margin
