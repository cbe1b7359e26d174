"""Curves in characters, for terminals: eight dots in each character, or stars where a terminal lacks those."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import NamedTuple

import numpy as np

# Dots of a character, in four rows of two.
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
BRAILLE, STAR = 0x2800, "*"
# Characters of the numbers on the left.
MARGIN = 12
LEAST_WIDTH, LEAST_HEIGHT = MARGIN + 10, 3


class Part(NamedTuple):
    """Characters that stand beside each other.

    Parameters
    ----------
    series : number of the curve that is drawn there; -1 for numbers and axes
    """

    text: str
    series: int


def draw_text(
    curves: Sequence[Sequence[tuple[float, float]]], width: int, height: int, unit: str = "", dots: bool = True
) -> list[list[Part]]:
    """Draw curves over the same axes, the vertical one logarithmic.

    Parameters
    ----------
    curves : points (x, y) of each, x rising; what is not above 0 is left out
    width, height : in characters, the axis below included
    unit : of x
    dots : the terminal has characters of dots

    Returns
    -------
    lines of parts; none where no curve has a point, or where there is too little room
    """
    sound = [[(x, log10(y)) for x, y in points if 0 < y < float("inf")] for points in curves]
    every = [point for points in sound for point in points]
    if not every or width < LEAST_WIDTH or height < LEAST_HEIGHT:
        return []
    columns, rows = 2 * (width - MARGIN), 4 * (height - 1)
    (left, low), (right, high) = np.min(every, 0), np.max(every, 0)
    cells = np.zeros((height - 1, width - MARGIN), int)
    owner = np.full(cells.shape, -1)
    for number, points in enumerate(sound):
        if points:
            x, y = np.array(points).T
            x = (x - left) / max(right - left, 1e-300) * (columns - 1)
            y = (high - y) / max(high - low, 1e-12) * (rows - 1)
            _trace(cells, owner, number, x, y)
    labels = {0: f"{10**high:.4g}", height - 2: f"{10**low:.4g}"}
    lines = []
    for row in range(height - 1):
        parts = [
            Part(f"{labels.get(row, ''):>{MARGIN - 2}} │" if dots else f"{labels.get(row, ''):>{MARGIN - 2}} |", -1)
        ]
        for cell, series in zip(cells[row], owner[row], strict=True):
            mark = (chr(BRAILLE + cell) if dots else STAR) if cell else " "
            if parts[-1].series == series and len(parts) > 1:
                parts[-1] = Part(parts[-1].text + mark, series)
            else:
                parts.append(Part(mark, int(series)))
        lines.append(parts)
    first, last = f"{left:.4g}", f"{right:.4g}{unit}"
    return [*lines, [Part(" " * MARGIN + first + last.rjust(width - MARGIN - len(first)), -1)]]


def _trace(cells: np.ndarray, owner: np.ndarray, number: int, x: np.ndarray, y: np.ndarray) -> None:
    """Set the dots of one curve: a dot a column, and those between it and the one before."""
    over = np.arange(round(x[0]), round(x[-1]) + 1)
    found = np.round(np.interp(over, x, y)).astype(int)
    before = found[0]
    for column, row in zip(over, found, strict=True):
        step = 1 if row >= before else -1
        for dot in range(before + (step if row != before else 0), row + step, step):
            cells[dot // 4, column // 2] |= DOTS[dot % 4, column % 2]
            owner[dot // 4, column // 2] = number
        before = row
