"""The contact sheet of a data set: some of its frames, their decodings, and their latents as false colour."""

from __future__ import annotations

import numpy as np

from olacore.data import SPLITS, Dataset
from olacore.errors import DataError

CELL, GAP, LINE = 160, 6, 16
# Rows of the data set on a sheet, and how many of them stand side by side.
MOST, ACROSS = 24, 2
# Standard deviations of a principal component that span black to white.
SPAN = 2.5


def draw_sheet(dataset: Dataset) -> np.ndarray:
    """Draw rows that are evenly spread over the data set, each with its source, split and place.

    Returns
    -------
    (height, width, 3) uint8

    Raises
    ------
    DataError  if the data set holds plain pairs
    """
    from PIL import Image, ImageDraw

    if dataset.kind != "latents":
        raise DataError("a contact sheet shows frames and latents; this data set holds plain pairs.")
    chosen = np.unique(np.linspace(0, dataset.count - 1, min(MOST, dataset.count)).round().astype(np.int64))
    fields = ("frames", *(("recon",) if dataset.has("recon") else ()), "latents")
    rows = dataset.read((*fields, "rows"), chosen)
    rows["latents"] = false_colours(rows["latents"])
    width = len(fields) * (CELL + GAP) + GAP
    height = CELL + LINE + GAP
    lines = -(-len(chosen) // ACROSS)
    sheet = Image.new("RGB", (ACROSS * width, lines * height + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for place, number in enumerate(chosen):
        left, top = place % ACROSS * width + GAP, place // ACROSS * height + GAP
        entry = rows["rows"][place]
        source = dataset.sources[entry["source"]]
        when = "" if entry["pts"] < 0 else f", at {entry['pts']}"
        label = f"{number}: {source.name}{when}, {SPLITS[dataset.split[number]]}"
        # The font that Pillow always has knows few letters.
        draw.text((left, top), label.encode("latin-1", "replace").decode("latin-1"), fill="black")
        for column, name in enumerate(fields):
            picture = Image.fromarray(rows[name][place])
            sharp = Image.Resampling.NEAREST if name == "latents" else Image.Resampling.LANCZOS
            sheet.paste(picture.resize((CELL, CELL), sharp), (left + column * (CELL + GAP), top + LINE))
    return np.array(sheet)


def false_colours(latents: np.ndarray) -> np.ndarray:
    """Show latents as pictures: their three main components over all sites as red, green and blue.

    Parameters
    ----------
    latents : (m, C, h, w) any float

    Returns
    -------
    (m, h, w, 3) uint8; with fewer than three channels the colours that are left stay grey
    """
    sites = latents.astype(np.float64).transpose(0, 2, 3, 1)
    centred = sites - sites.mean((0, 1, 2))
    flat = centred.reshape(-1, centred.shape[-1])
    variances, axes = np.linalg.eigh(flat.T @ flat / len(flat))
    main = axes[:, ::-1][:, :3]
    # An axis has no sign of its own: let its largest weight be positive.
    main = main * np.sign(main[np.abs(main).argmax(0), np.arange(main.shape[1])])
    spread = np.sqrt(np.maximum(variances[::-1][:3], 1e-12))
    values = np.zeros((*sites.shape[:3], 3))
    values[..., : main.shape[1]] = centred @ main / (SPAN * spread)
    return np.clip(np.rint(127.5 + 127.5 * values), 0, 255).astype(np.uint8)
