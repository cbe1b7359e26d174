"""Curves of evolved stacks and of backprop: held-out figure against CPU-seconds, one panel a case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from olacore.files import replacing

COLUMNS = 3


def draw(cases: list[dict[str, Any]], path: Path) -> None:
    """Draw what `compare_all` gave; of several seeds the first.

    Raises
    ------
    OutputError  if the file cannot be written
    """
    import matplotlib

    matplotlib.use("Agg", force=False)
    from matplotlib.figure import Figure

    shown = list({case["case"]: case for case in reversed(cases)}.values())[::-1]
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(5.5 * columns, 4 * rows), layout="constrained")
    for place, case in enumerate(shown, start=1):
        axes = figure.add_subplot(rows, columns, place)
        for number, (rate, curve) in enumerate(case["backprop"].items()):
            label = f"backprop, rate {rate}{' (best)' if rate == case['best_rate'] else ''}"
            axes.plot(*zip(*curve, strict=True), label=label, color=f"C{number}", linewidth=1.2)
        axes.plot(*zip(*case["evolved"], strict=True), label="evolved", color="black", linewidth=2.5)
        axes.axhline(case["affine"], color="grey", linestyle="--", linewidth=1, label="affine least squares")
        unit = "PSNR, dB" if case["unit"] == "dB" else case["unit"]
        axes.set(title=case["case"], xlabel="CPU-seconds of one thread", ylabel=f"held-out {unit}")
        axes.set_ylim(*limits(case))
        axes.legend(fontsize=7, loc="lower right")
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def limits(case: dict[str, Any]) -> tuple[float, float]:
    """From a little under least squares to a little over the best: the start of a search lies far below."""
    ends = [case["evolved"][-1][1], *(curve[-1][1] for curve in case["backprop"].values()), case["affine"]]
    room = 0.15 * (max(ends) - min(ends)) or 1e-3
    return min(case["affine"] - 2 * room, min(ends) - room), max(ends) + room
