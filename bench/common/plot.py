"""Curves of searches over their seconds, several panels in a picture."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from olacore.files import replace_file

DPI, SMALL_PRINT = 110, 7
Point = Sequence[float]


@dataclass(frozen=True)
class Curve:
    """One line.

    Parameters
    ----------
    points : (x, y) each
    style : as matplotlib takes it
    """

    label: str
    points: Sequence[Point]
    style: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Level:
    """A level line across a panel, such as a floor.

    Parameters
    ----------
    label : empty for none
    """

    height: float
    label: str = ""
    style: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Panel:
    """One case.

    Parameters
    ----------
    title, x, y : what it is of, and what is on its axes
    log : whether both axes are logarithmic
    bounds : of y; None shows everything
    legend : its place, as matplotlib takes it
    """

    title: str
    x: str
    y: str
    curves: Sequence[Curve]
    levels: Sequence[Level] = ()
    log: bool = False
    bounds: tuple[float, float] | None = None
    legend: Mapping[str, Any] = field(default_factory=dict)


def draw_panels(panels: Sequence[Panel], path: Path, columns: int, size: tuple[float, float]) -> None:
    """Draw panels side by side, in lines of at most so many, as PNG.

    Parameters
    ----------
    size : inches of a panel, width and height

    Raises
    ------
    OutputError  if the file cannot be written
    """
    import matplotlib

    matplotlib.use("Agg", force=False)
    from matplotlib.figure import Figure

    columns = min(columns, len(panels))
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(size[0] * columns, size[1] * lines), layout="constrained")
    for place, panel in enumerate(panels, start=1):
        draw_panel(panel, figure.add_subplot(lines, columns, place))
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DPI)
    replace_file(path, content.getvalue())


def draw_panel(panel: Panel, axes: Any) -> None:
    """Draw one panel."""
    for curve in panel.curves:
        x, y = ([point[axis] for point in curve.points] for axis in (0, 1))
        axes.plot(x, y, label=curve.label, **curve.style)
    for level in panel.levels:
        axes.axhline(level.height, label=level.label or None, **level.style)
    scale = "log" if panel.log else "linear"
    axes.set(xscale=scale, yscale=scale, title=panel.title, xlabel=panel.x, ylabel=panel.y)
    if panel.bounds is not None:
        axes.set_ylim(*panel.bounds)
    axes.legend(fontsize=SMALL_PRINT, **panel.legend)
