"""The folder that `ola compare` writes: scatter plots, the worst frames, figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from olacore.data import Dataset
from olacore.files import make_folder, replace_file
from olacore.media.canvas import fit, grid
from olacore.media.contact_sheet import false_colours
from olacore.media.pictures import write_picture
from olacore.media.plots import drawing, style
from olacore.modules.module import Module
from olacore.quality.compare.measure import Comparison

CELL, ACROSS = 192, 4
# Error of a site, in spreads of the teacher's latents (root mean square over channels), that shows as white.
WHITE_ERROR = 2.0


def write_comparison(made: Comparison, module: Module, dataset: Dataset, out: Path) -> None:
    """Write `scatter.png`, `worst.png` and `compare.json`.

    Raises
    ------
    OutputError  if they cannot be written
    """
    make_folder(out)
    draw_scatter(made, out / "scatter.png")
    write_picture(out / "worst.png", draw_worst(made, module, dataset))
    replace_file(out / "compare.json", (json.dumps(made.figures, indent=1, allow_nan=False) + "\n").encode())


def draw_scatter(made: Comparison, path: Path) -> None:
    """Draw our value of each channel against the teacher's, the number of sites as logarithmic colour."""
    from matplotlib.colors import LogNorm

    channels = len(made.counts)
    columns = min(ACROSS, channels)
    lines = -(-channels // columns)
    most = max(2.0, float(made.counts.max()))
    with drawing(path, 3.1 * columns, 3.2 * lines + 0.4) as figure:
        for channel, counts in enumerate(made.counts):
            axes = figure.add_subplot(lines, columns, channel + 1)
            style(axes)
            bounds, r2 = made.edges[channel], made.figures["r2_each"][channel]
            axes.pcolormesh(bounds, bounds, np.ma.masked_equal(counts.T, 0), norm=LogNorm(1, most), rasterized=True)
            axes.plot(bounds[[0, -1]], bounds[[0, -1]], color="black", linewidth=0.7, linestyle="--")
            axes.set(title=f"channel {channel}" + ("" if r2 is None else f", R2 {r2:.3f}"), aspect="equal")
        figure.supxlabel("teacher's latent")
        figure.supylabel("ours")


def draw_worst(made: Comparison, module: Module, dataset: Dataset) -> np.ndarray:
    """Draw the worst frames: the frame, the teacher's latents, ours in the same colours, and the error.

    Returns
    -------
    (height, width, 3) uint8
    """
    rows = dataset.read(("frames", "latents"), made.worst)
    theirs = rows["latents"].astype(np.float32)
    ours = module.encode(rows["frames"])
    colours = np.split(false_colours(np.concatenate([theirs, ours])), 2)
    spread = np.maximum(np.array(made.figures["teacher_spread"]), 1e-6)[:, None, None]
    error = np.sqrt((((ours - theirs) / spread) ** 2).mean(1)) * (255 / WHITE_ERROR)
    grey = np.repeat(np.clip(np.rint(error), 0, 255).astype(np.uint8)[..., None], 3, -1)
    cells = [
        [fit(picture, CELL, CELL, smooth=not column) for column, picture in enumerate(row)]
        for row in zip(rows["frames"], *colours, grey, strict=True)
    ]
    labels = [f"{worst['row']}: {worst['source']}, L2 {worst['l2']:.3f}" for worst in made.figures["worst"]]
    return grid(cells, ("frame", "teacher's latent", "ours", f"error: white is {WHITE_ERROR:g} spreads"), labels, CELL)
