"""Pictures for people: training curves, and rows of pictures side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from olacore.files import replacing

GAP = 4
CAPTION_HEIGHT = 18


def draw_curves(runs: Mapping[str, Sequence[dict[str, Any]]], floors: dict[str, float], path: Path) -> None:
    """Draw the best validation loss so far, over that of least squares, and trust against seconds, one line a run.

    Parameters
    ----------
    runs : the lines of each run's log
    floors : loss of least squares of each run's window on the same rows
    path : the picture to write
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, lines in runs.items():
        seconds = [line["seconds"] for line in lines]
        losses = np.array([line["best_validation_loss"] for line in lines], float)
        (curve,) = left.plot(seconds, losses / floors[name], label=name)
        low, middle, high = np.array([line["trust"] for line in lines]).reshape(-1, 3).T
        right.fill_between(seconds, low, high, alpha=0.2, color=curve.get_color())
        right.plot(seconds, middle, color=curve.get_color(), label=name)
    left.axhline(1, color="grey", linestyle="--", label="least squares")
    left.set(xlabel="seconds", ylabel="best validation loss so far, over least squares", xscale="log", yscale="log")
    left.set(title="Loss")
    right.set(xlabel="seconds", ylabel="least, median, most", ylim=(0, 1.02), title="Trust of the population")
    for axes in (left, right):
        if axes.has_data():
            axes.legend()
    FigureCanvasAgg(figure)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def side_by_side(rows: Sequence[Sequence[np.ndarray]], captions: Sequence[str]) -> np.ndarray:
    """Lay pictures of one size out in a grid under a line of captions.

    Parameters
    ----------
    rows : each holds one (H, W, 3) uint8 picture a caption

    Returns
    -------
    (height, width, 3) uint8
    """
    from PIL import Image, ImageDraw

    height, width, _ = rows[0][0].shape
    sheet = Image.new(
        "RGB",
        (len(captions) * (width + GAP) - GAP, CAPTION_HEIGHT + len(rows) * (height + GAP) - GAP),
        "white",
    )
    draw = ImageDraw.Draw(sheet)
    for column, caption in enumerate(captions):
        draw.text((column * (width + GAP) + 2, 3), caption, fill="black")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            place = (x * (width + GAP), CAPTION_HEIGHT + y * (height + GAP))
            sheet.paste(Image.fromarray(picture), place)
    return np.array(sheet)
