"""The contact sheet of a data set: some of its frames, their decodings, and their latents as false colour."""

from __future__ import annotations

import numpy as np

from olacore.data import SPLITS, Dataset
from olacore.errors import DataError
from olacore.media.canvas import beside, fit, grid

CELL = 160
TITLES = {"frames": "frame", "recon": "teacher's decoding", "latents": "latent"}
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
    if dataset.kind != "latents":
        raise DataError("a contact sheet shows frames and latents; this data set holds plain pairs.")
    chosen = np.unique(np.linspace(0, dataset.count - 1, min(MOST, dataset.count)).round().astype(np.int64))
    fields = ("frames", *(("recon",) if dataset.has("recon") else ()), "latents")
    read = dataset.read((*fields, "rows"), chosen, checked=False)
    read["latents"] = false_colours(read["latents"])
    rows, labels = [], []
    for place, number in enumerate(chosen):
        entry = read["rows"][place]
        source = dataset.sources[entry["source"]]
        when = "" if entry["pts"] < 0 else f", at {entry['pts']}"
        labels.append(f"{number}: {source.name}{when}, {SPLITS[dataset.split[number]]}")
        rows.append([fit(read[name][place], CELL, CELL, smooth=name != "latents") for name in fields])
    titles = [TITLES[name] for name in fields]
    turns = range(min(ACROSS, len(rows)))
    return beside([grid(rows[turn::ACROSS], titles, labels[turn::ACROSS], CELL) for turn in turns], 0)


def false_colours(latents: np.ndarray) -> np.ndarray:
    """Show latents as pictures: their three main components over all sites as red, green and blue.

    Parameters
    ----------
    latents : (m, C, h, w) any float

    Returns
    -------
    (m, h, w, 3) uint8; with fewer than three channels the colours that are left stay grey, and so does a site with a
    NaN or inf
    """
    sites = latents.astype(np.float64).transpose(0, 2, 3, 1)
    whole = np.asarray(np.isfinite(sites).all(-1))
    if not whole.all():
        sites = np.where(whole[..., None], sites, sites[whole].mean(0) if whole.any() else 0)
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
