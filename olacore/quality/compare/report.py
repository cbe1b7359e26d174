"""The folder that `ola compare` writes: scatter plots, the worst frames, figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from olacore.data import Dataset
from olacore.errors import OutputError
from olacore.files import replace_file, replacing
from olacore.media.contact_sheet import false_colours
from olacore.media.pictures import write_picture
from olacore.modules.module import Module
from olacore.quality.compare.measure import Comparison

CELL, GAP, LINE, ACROSS = 192, 6, 16, 4
# Error of a site, in spreads of the teacher's latents (root mean square over channels), that shows as white.
WHITE_ERROR = 2.0


def write_comparison(made: Comparison, module: Module, dataset: Dataset, out: Path) -> None:
    """Write `scatter.png`, `worst.png` and `compare.json`.

    Raises
    ------
    OutputError  if they cannot be written
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {out}: {error.strerror}.") from error
    draw_scatter(made, out / "scatter.png")
    write_picture(out / "worst.png", draw_worst(made, module, dataset))
    replace_file(out / "compare.json", (json.dumps(made.figures, indent=1, allow_nan=False) + "\n").encode())


def draw_scatter(made: Comparison, path: Path) -> None:
    """Draw our value of each channel against the teacher's, the number of sites as logarithmic colour."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    channels = len(made.counts)
    columns = min(ACROSS, channels)
    lines = -(-channels // columns)
    figure = Figure(figsize=(3.1 * columns, 3.2 * lines + 0.4), layout="constrained")
    most = max(2.0, float(made.counts.max()))
    for channel, axes in enumerate(figure.subplots(lines, columns, squeeze=False).ravel()):
        if channel >= channels:
            axes.set_axis_off()
            continue
        bounds, counts = made.edges[channel], made.counts[channel]
        axes.pcolormesh(bounds, bounds, np.ma.masked_equal(counts.T, 0), norm=LogNorm(1, most), rasterized=True)
        axes.plot(bounds[[0, -1]], bounds[[0, -1]], color="black", linewidth=0.7, linestyle="--")
        r2 = made.figures["r2_each"][channel]
        axes.set(title=f"channel {channel}" + ("" if r2 is None else f", R2 {r2:.3f}"), aspect="equal")
    figure.supxlabel("teacher's latent")
    figure.supylabel("ours")
    FigureCanvasAgg(figure)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def draw_worst(made: Comparison, module: Module, dataset: Dataset) -> np.ndarray:
    """Draw the worst frames: the frame, the teacher's latents, ours in the same colours, and the error.

    Returns
    -------
    (height, width, 3) uint8
    """
    from PIL import Image, ImageDraw

    rows = dataset.read(("frames", "latents"), made.worst)
    theirs = rows["latents"].astype(np.float32)
    ours = module.encode(rows["frames"])
    colours = false_colours(np.concatenate([theirs, ours]))
    spread = np.maximum(np.array(made.figures["teacher_spread"]), 1e-6)[:, None, None]
    error = np.sqrt((((ours - theirs) / spread) ** 2).mean(1)) * (255 / WHITE_ERROR)
    grey = np.repeat(np.clip(np.rint(error), 0, 255).astype(np.uint8)[..., None], 3, -1)
    titles = ("frame", "teacher's latents", "ours", f"error: white is {WHITE_ERROR:g} spreads")
    width, height = CELL + GAP, CELL + LINE + GAP
    sheet = Image.new("RGB", (len(titles) * width + GAP, LINE + len(theirs) * height + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        draw.text((GAP + column * width, 2), title, fill="black")
    for line, worst in enumerate(made.figures["worst"]):
        top = LINE + line * height
        label = f"{worst['row']}: {worst['source']}, L2 {worst['l2']:.3f}"
        # The font that Pillow always has knows few letters.
        draw.text((GAP, top + 2), label.encode("latin-1", "replace").decode("latin-1"), fill="black")
        cells = (rows["frames"][line], colours[line], colours[len(theirs) + line], grey[line])
        for column, cell in enumerate(cells):
            sharp = Image.Resampling.NEAREST if column else Image.Resampling.LANCZOS
            picture = Image.fromarray(cell)
            sheet.paste(picture.resize(_fit(picture.size), sharp), (GAP + column * width, top + LINE))
    return np.array(sheet)


def _fit(size: tuple[int, int]) -> tuple[int, int]:
    """The largest size of this shape that fits into a cell."""
    grow = CELL / max(size)
    return max(1, round(size[0] * grow)), max(1, round(size[1] * grow))
