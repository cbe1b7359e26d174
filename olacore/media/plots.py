"""The one style of our plots. Matplotlib is imported when one is drawn, without pyplot and its global state."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from olacore.files import replace_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 110
# Figures that ticks of logarithmic axes begin with.
TICKS = (1, 2, 3, 5)


@contextmanager
def drawing(path: Path, width: float, height: float) -> Iterator[Figure]:
    """Give an empty figure to draw on, and write it as a PNG.

    Parameters
    ----------
    width, height : in inches of 110 pixels

    Raises
    ------
    OutputError  if the file cannot be written
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    yield figure
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DPI)
    replace_file(path, content.getvalue())


def style(axes: Axes) -> None:
    """Draw faint lines at the ticks, and a frame at the left and below only."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)


def make_logarithmic(axes: Axes) -> None:
    """Make both axes logarithmic, with ticks as plain numbers: 0.5, 1, 2, and not powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=TICKS))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_locator(NullLocator())


def add_legend(axes: Axes) -> None:
    """Put a legend to the right of the axes, where no curve is."""
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False)
