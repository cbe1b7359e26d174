"""Charts as geometry: where lines, ticks and labels stand. `templates/` draws them as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, isfinite, log10
from typing import Any, ClassVar

from olacore.foreign.names import counted
from olacore.reports.words import figure, tick

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 520, 320
LEFT, RIGHT, TOP, BOTTOM = 72, 14, 12, 52
# Figures that the ticks of a logarithmic axis begin with, the coarsest that gives enough ticks.
STEPS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
FEWEST, MOST = 3, 7
# Numbers beyond it are not shown; and the share of its size by which numbers differ for an axis to tell them apart.
LARGEST, ALIKE = 1e60, 1e-6
# Times that a level may be above or below all curves of a chart that looks at them closely.
FAR = 1.5
# Colours that the style has for curves, and points of a curve at most.
COLOURS, MOST_POINTS = 8, 400


@dataclass(frozen=True)
class Axis:
    """A scale with its ticks.

    Parameters
    ----------
    low, high : its ends
    logarithmic : whether equal lengths are equal ratios
    """

    low: float
    high: float
    logarithmic: bool = False

    @classmethod
    def around(cls, values: Iterable[float], logarithmic: bool, zero: bool = False) -> Axis:
        """An axis on which all values have room; those that a logarithmic one cannot show do not count.

        Parameters
        ----------
        zero : begin at 0
        """
        kept = [value for value in values if fits(value, logarithmic)]
        if not kept:
            return cls(1.0, 10.0, True) if logarithmic else cls(0.0, 1.0)
        low, high = min(kept), max(kept)
        if logarithmic:
            room = max((high / low) ** 0.05, 1.02)
            return cls(low / room, high * room, True)
        largest = max(abs(low), abs(high))
        apart = high - low > max(ALIKE * largest, 1 / LARGEST)
        room = 0.05 * (high - low if apart else largest if largest > 1 / LARGEST else 1.0)
        return cls(0.0 if zero and low >= 0 else low - room, high + room)

    def share(self, value: float) -> float:
        """Where a value stands, from 0 to 1."""
        if self.logarithmic:
            return log10(value / self.low) / log10(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[tuple[float, str]]:
        """Values and labels, three to seven of them, as plain numbers."""
        values: list[float] = []
        step = None
        if self.logarithmic:
            powers = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
            for steps in STEPS:
                values = [step * 10.0**power for power in powers for step in steps]
                values = [value for value in values if self.low <= value <= self.high]
                if len(values) >= FEWEST:
                    break
        if len(values) < FEWEST:
            values = even(self.low, self.high)
            step = values[1] - values[0]
        while len(values) > MOST:
            values = values[::2]
        return [(value, tick(value, step)) for value in values]


def fits(value: float, logarithmic: bool) -> bool:
    """Whether an axis can show a number."""
    return isfinite(value) and abs(value) < LARGEST and (value > 1 / LARGEST or not logarithmic)


def even(low: float, high: float) -> list[float]:
    """Round numbers at even distances between two others."""
    rough = (high - low) / 4
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first = ceil(low / step)
    return [float(f"{number * step:.12g}") for number in range(first, floor(high / step + 1e-9) + 1)]


@dataclass(frozen=True)
class Curve:
    """A line through points, or the band between two of them.

    Parameters
    ----------
    name : for the legend; empty to leave it out
    points : x and y; what an axis cannot show is left out
    colour : number of a colour
    upper : of a band, its upper edge; `points` is the lower one
    dash : "" for a whole line, "dashed", "dotted" or "mixed"
    stairs : whether it keeps a value up to the next point
    """

    name: str
    points: Points
    colour: int = 0
    upper: Points = ()
    dash: str = ""
    stairs: bool = False


@dataclass(frozen=True)
class Level:
    """A level line across the whole chart, such as a baseline."""

    name: str
    value: float
    dash: str
    colour: int = -1


@dataclass(frozen=True)
class Chart:
    """Curves on two axes, as the template takes them.

    Parameters
    ----------
    title : of the figure
    alt : what it shows, for those who do not see it
    paths : of lines, as class and SVG path; bands first
    x_ticks, y_ticks : places and labels
    legend : class, dash and name of each line
    """

    part: ClassVar[str] = "chart"

    title: str
    alt: str
    x_title: str
    y_title: str
    paths: Sequence[tuple[str, str]]
    dots: Sequence[tuple[str, float, float]]
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]
    legend: Sequence[tuple[str, str]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def chart(
    title: str,
    curves: Sequence[Curve],
    x_title: str,
    y_title: str,
    levels: Sequence[Level] = (),
    logarithmic: tuple[bool, bool] = (False, False),
    y_zero: bool = False,
    near: bool = False,
) -> Chart | None:
    """Lay a chart out; None if no curve has a point that can be shown.

    Parameters
    ----------
    logarithmic : of x and of y
    y_zero : let a linear y axis begin at 0
    near : look at the curves closely, and only name the levels that are far from them
    """
    seen = [_visible(curve, logarithmic) for curve in curves]
    seen = [curve for curve in seen if curve.points]
    if not seen:
        return None
    levels = [level for level in levels if fits(level.value, logarithmic[1])]
    points = [point for curve in seen for point in (*curve.points, *curve.upper)]
    x_axis = Axis.around((x for x, _ in points), logarithmic[0])
    heights = [y for _, y in points]
    far = [level for level in levels if near and not min(heights) / FAR < level.value < max(heights) * FAR]
    levels = [level for level in levels if level not in far]
    y_axis = Axis.around([*(y for _, y in points), *(level.value for level in levels)], logarithmic[1], y_zero)
    place = Place(x_axis, y_axis)
    bands = [(f"band c{curve.colour % COLOURS}", place.band(curve)) for curve in seen if curve.upper]
    lines = [(_line(curve.colour, curve.dash), place.line(_path(curve))) for curve in seen if not curve.upper]
    across = [
        (_line(level.colour, level.dash), f"M{LEFT} {place.y(level.value):.1f}H{WIDTH - RIGHT}") for level in levels
    ]
    lone = [curve for curve in seen if len(curve.points) == 1 and not curve.upper]
    dots = [(f"c{curve.colour % COLOURS}", place.x(x), place.y(y)) for curve in lone for x, y in curve.points]
    named = [(_line(curve.colour, curve.dash) if not curve.upper else f"band c{curve.colour}", curve) for curve in seen]
    legend = [(style, curve.name) for style, curve in named if curve.name]
    legend += [(_line(level.colour, level.dash), f"{level.name}: {figure(level.value)}") for level in levels]
    legend += [
        (
            "line level none",
            f"{one.name}: {figure(one.value)}, {'above' if one.value > heights[0] else 'below'} the chart",
        )
        for one in far
    ]
    ends = "; ".join(
        f"{curve.name or title} from {figure(curve.points[0][1])} to {figure(curve.points[-1][1])}"
        for curve in seen
        if not curve.upper
    )
    beside = "; ".join(f"{level.name} {figure(level.value)}" for level in (*levels, *far))
    alt = f"{title}: {y_title} over {x_title}. {ends}{'; beside ' + beside if beside else ''}."
    return Chart(
        title,
        alt,
        x_title,
        y_title,
        [*bands, *across, *lines],
        dots,
        [(place.x(value), label) for value, label in x_axis.ticks()],
        [(place.y(value), label) for value, label in y_axis.ticks()],
        legend,
    )


@dataclass(frozen=True)
class Place:
    """Where values stand in the picture."""

    x_axis: Axis
    y_axis: Axis

    def x(self, value: float) -> float:
        """From the left."""
        return LEFT + self.x_axis.share(value) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """From the top."""
        return HEIGHT - BOTTOM - self.y_axis.share(value) * (HEIGHT - TOP - BOTTOM)

    def line(self, points: Points) -> str:
        """An SVG path through points."""
        return "M" + "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)

    def band(self, curve: Curve) -> str:
        """An SVG path around the area between two lines."""
        return f"{self.line(curve.points)}L{self.line([*curve.upper][::-1])[1:]}Z"


def worth_logarithm(values: Iterable[float], times: float = 8) -> bool:
    """Whether numbers are all above 0 and so far apart that a linear axis would squeeze the small ones."""
    kept = [value for value in values if isfinite(value)]
    return bool(kept) and min(kept) > 0 and max(kept) > times * min(kept)


def _line(colour: int, dash: str) -> str:
    return " ".join(part for part in ("line", f"c{colour % COLOURS}" if colour >= 0 else "level", dash) if part)


def _path(curve: Curve) -> Points:
    if not curve.stairs:
        return curve.points
    held = [(later, y) for (_, y), (later, _) in zip(curve.points, curve.points[1:], strict=False)]
    return [point for pair in zip(curve.points, [*held, curve.points[-1]], strict=True) for point in pair]


def _visible(curve: Curve, logarithmic: tuple[bool, bool]) -> Curve:
    """A curve without what its axes cannot show, thinned out to what can be told apart."""

    def shows(point: tuple[float, float]) -> bool:
        return all(map(fits, point, logarithmic))

    if curve.upper:
        both = [pair for pair in zip(curve.points, curve.upper, strict=True) if shows(pair[0]) and shows(pair[1])]
        both = _thinned(both)
        return replace(curve, points=[low for low, _ in both], upper=[high for _, high in both])
    return replace(curve, points=_thinned([point for point in curve.points if shows(point)]))


def _thinned(points: list[Any]) -> list[Any]:
    step = -(-len(points) // MOST_POINTS)
    return points if step <= 1 else [*points[:-1:step], points[-1]]


@dataclass(frozen=True)
class Scatter:
    """Predicted over true values, with the line on which they would be equal."""

    part: ClassVar[str] = "scatter"

    title: str
    alt: str
    x_title: str
    y_title: str
    path: str
    diagonal: str
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def scatter(title: str, true: Sequence[float], predicted: Sequence[float]) -> Scatter:
    """Lay a plot of predicted over true values out."""
    axis = Axis.around([*true, *predicted], False)
    place = Place(axis, axis)
    marks = "".join(f"M{place.x(x):.1f} {place.y(y):.1f}h0" for x, y in zip(true, predicted, strict=True))
    diagonal = place.line([(axis.low, axis.low), (axis.high, axis.high)])
    ticks = axis.ticks()
    return Scatter(
        title,
        f"{title}: predicted over true values of {counted(len(true), 'sample')}.",
        "true",
        "predicted",
        marks,
        diagonal,
        [(place.x(value), label) for value, label in ticks],
        [(place.y(value), label) for value, label in ticks],
    )
