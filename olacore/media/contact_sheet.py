"""The contact sheet of a data set: some of its frames, their decodings, and their latents as false colour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from olacore.blocks import noise_of
from olacore.data import SPLITS, Dataset
from olacore.errors import DataError
from olacore.media.canvas import beside, fit, grid

CELL = 160
TITLES = {
    "frames": "frame",
    "recon": "teacher's decoding",
    "latents": "latent",
    "noisy": "noisy latent",
    "answers": "teacher's answer",
    "plain_answers": "without a prompt",
    "text_means": "mean of the text",
}
LATENTS = ("latents", "noisy", "answers", "plain_answers", "text_means")
# Rows of the data set on a sheet, and how many of them stand side by side.
MOST, ACROSS = 24, 2
# Standard deviations of a principal component that span black to white.
SPAN = 2.5


class Decoder(Protocol):
    """Turns latents into pictures."""

    def run(self, latents: Any, /) -> np.ndarray:
        """Turn latents (n, C, h, w) into pictures (n, H, W, 3) uint8, however odd they are."""


def draw_sheet(dataset: Dataset, decoder: Decoder | None = None) -> np.ndarray:
    """Draw rows that are evenly spread over the data set, each with its source, its part, its place and its caption.

    Of data with noise levels each row is shown noisy as well.

    Parameters
    ----------
    decoder : shows latents as pictures; without it they are shown as false colours

    Returns
    -------
    (height, width, 3) uint8

    Raises
    ------
    DataError  if the data set holds neither pictures nor latents
    """
    if not dataset.has("latents"):
        what = "plain pairs" if dataset.kind == "pairs" else dataset.kind
        raise DataError(f"a contact sheet shows frames and latents; this data set holds {what}.")
    chosen = spread_rows(dataset)
    fields = [name for name in TITLES if dataset.has(name)]
    others = [name for name in ("rows", "captions", "sigmas", "noise_seeds") if dataset.has(name)]
    read = dataset.read((*fields, *others), chosen, checked=False)
    if "sigmas" in read and "noisy" not in read:
        noise = noise_of(read["noise_seeds"], read["latents"].shape[1:])
        read["noisy"] = read["latents"] + read["sigmas"][:, None, None, None] * noise
        fields.insert(fields.index("latents") + 1, "noisy")
    shown = {name: draw_latents(read[name], decoder) if name in LATENTS else read[name] for name in fields}
    rows = [
        [fit(shown[name][place], CELL, CELL, smooth=name not in LATENTS) for name in fields]
        for place in range(len(chosen))
    ]
    labels = [
        label_of(dataset, number, {name: read[name][place] for name in others}) for place, number in enumerate(chosen)
    ]
    titles = [TITLES[name] for name in fields]
    turns = range(min(ACROSS, len(rows)))
    return beside([grid(rows[turn::ACROSS], titles, labels[turn::ACROSS], CELL) for turn in turns], 0)


def spread_rows(dataset: Dataset) -> np.ndarray:
    """Rows that are evenly spread over the data set; over each part of it where they have names."""
    parts = np.array([source.part or source.split for source in dataset.sources])
    if not any(source.part for source in dataset.sources):
        groups = [np.arange(dataset.count)]
    else:
        of_rows = parts[dataset.read(["rows"], np.arange(dataset.count), checked=False)["rows"]["source"]]
        groups = [np.flatnonzero(of_rows == part) for part in dict.fromkeys(of_rows.tolist())]
    most = MOST // len(groups)
    places = [
        np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.int64)) for rows in groups
    ]
    return np.sort(np.concatenate([rows[few] for rows, few in zip(groups, places, strict=True)]))


def label_of(dataset: Dataset, number: int, read: Mapping[str, Any]) -> str:
    """What stands above a row."""
    entry = read["rows"]
    source = dataset.sources[entry["source"]]
    when = "" if entry["pts"] < 0 else f", at {entry['pts']}"
    level = f", sigma {read['sigmas']:.3g}" if "sigmas" in read else ""
    part = source.part or SPLITS[dataset.split[number]]
    if "captions" in read:
        return f"{number}, {part}{level}: {read['captions'].decode('utf-8', 'replace')}"
    return f"{number}: {source.name}{when}, {part}{level}"


def draw_latents(latents: np.ndarray, decoder: Decoder | None) -> np.ndarray:
    """Show latents (m, C, h, w) as pictures."""
    if decoder and np.isfinite(latents).all():
        return decoder.run(latents)
    return false_colours(latents)


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
