"""Curves of training: the loss on validation samples against seconds, between the mean and least squares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from olacore.media.plots import add_legend, drawing, make_logarithmic, style


class Floors(NamedTuple):
    """Losses on a run's validation samples, in the unit of its log."""

    least_squares: float
    mean: float


def draw_curves(runs: Mapping[str, Sequence[Mapping[str, Any]]], floors: Mapping[str, Floors], path: Path) -> None:
    """Draw the loss of each run as a share of the mean's, which is 1 - R2, so that runs of different targets compare.

    Parameters
    ----------
    runs : the lines of each run's log, with `seconds` and `validation_loss`; lines where that is None or 0 are left out
    floors : of each run
    path : the PNG to write

    Raises
    ------
    OutputError  if the file cannot be written
    """
    with drawing(path, 9, 4.5) as figure:
        axes = figure.add_subplot()
        style(axes)
        make_logarithmic(axes)
        axes.axhline(1, color="black", linestyle=":", label="mean of the targets")
        for number, (name, lines) in enumerate(runs.items()):
            floor = floors[name]
            points = [(line["seconds"], line["validation_loss"]) for line in lines if line["validation_loss"]]
            seconds, shares = [second for second, _ in points], [loss / floor.mean for _, loss in points]
            colour = f"C{number}"
            axes.plot(seconds, shares, color=colour, linewidth=2, marker="o", markersize=3, label=name)
            share = floor.least_squares / floor.mean
            axes.axhline(share, color=colour, linestyle="--", linewidth=1, label=f"least squares, {name}")
        axes.set(xlabel="seconds of search", ylabel="validation loss as a share of the mean's: 1 - R2")
        add_legend(axes)
