"""What a set can be expected to do: a few figures of pictures that were held apart, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from olacore.data import Dataset, open_dataset
from olacore.data.texts import read_texts
from olacore.drawing.bundle import embed
from olacore.drawing.module_set import ModuleSet, open_set
from olacore.errors import DataError
from olacore.foreign.names import counted
from olacore.modules.module import Module, load
from olacore.quality.evaluation import parts_of
from olacore.quality.psnr import psnr

# Pictures of a part that has figures, at least: of fewer, one of them decides more than an eighth of what is left.
FEW = 8
# Share of the latents' variance. Of concepts that were never seen text means of the shipped sets leave 0.84 and 0.88,
# and half of those pictures are smudges or wrong things; of new combinations 0.12, and most are what was asked for.
SMEARS = 0.8
# dB. The refiners of the shipped sets gain 2 to 3; a gain of less than this takes less than 1 % of the error away.
LEAST_GAIN = 0.05
# Pictures of a part that are decoded, at most, so that it takes some seconds.
DECODED = 64
# Parts that are shown: what is printed should be read.
MOST_PARTS = 6


@dataclass(frozen=True)
class Apart:
    """Pictures that were held apart, and what a set leaves of them.

    Parameters
    ----------
    part : what the data call it
    pictures : in it
    left : share of the latents' variance about the mean of training that the text mean leaves; NaN where there is none
    alone, refined : PSNR (m,) in dB of the first pictures by the decoder, and with the refiner; that is empty where
        there is none
    """

    part: str
    pictures: int
    left: float
    alone: np.ndarray
    refined: np.ndarray

    @property
    def few(self) -> bool:
        """Whether figures would say more of a single picture than of the set."""
        return self.pictures < FEW


def measure_apart(reference: Path | str, h5: Path) -> list[Apart]:
    """Measure a set on the validation pictures of its data, and then on each held-out part.

    Parameters
    ----------
    reference : the set, see `open_set`
    h5 : the data that it was made of

    Raises
    ------
    DataError  if the data have no captions or no latents
    FileFormatError  if set or data are missing or damaged
    """
    found = open_set(reference)
    with open_dataset([h5]) as data:
        if not data.captions or not data.has("latents"):
            raise DataError(f"{h5} has no pictures with captions, of which a set was made.")
        captions = read_texts(data)
        told = np.array(captions.captions, object)[captions.of_rows]
        text, mean, decoders = load(found.files["text"]), load(found.files["mean"]), decoders_of(found)
        parts = {
            name: rows
            for split in ("validation", "held-out")
            if len(indices := data.indices(split))
            for name, rows in parts_of(data, indices, split).items()
        }
        return [measured(name, data, rows, told[rows], text, mean, decoders) for name, rows in parts.items()]


def decoders_of(found: ModuleSet) -> list[Module]:
    """The decoder of a set without its refiner, and with it where it has one."""
    decoder = load(found.files["decoder"])
    refiner = load(found.files["refiner"]) if "refiner" in found.files else decoder.refiner
    return [decoder.with_refiner(None), *([decoder.with_refiner(refiner)] if refiner else [])]


def measured(
    name: str, data: Dataset, rows: np.ndarray, captions: np.ndarray, text: Module, mean: Module, decoders: list[Module]
) -> Apart:
    """Measure modules on some rows with their captions."""
    arrays = data.read(["latents", "rows"], rows)
    latents = arrays["latents"].astype(np.float32)
    finite = np.isfinite(latents).all((1, 2, 3))
    latents = latents[finite]
    pictures = len(np.unique(arrays["rows"]["source"][finite]))
    if not pictures:
        return Apart(name, 0, np.nan, np.empty(0), np.empty(0))
    made = embed(text, captions[finite].tolist())
    flat = latents.reshape(len(latents), -1)
    missed = flat - mean.denoise(embeddings=made).reshape(flat.shape)
    spread = float(np.square(flat - mean.scaling.target_mean).sum())
    left = float(np.square(missed).sum()) / spread if spread else np.nan
    some = data.read(["frames"], rows[finite][:DECODED])["frames"]
    drawn = [[*map(psnr, decoder.run(latents[:DECODED]), some)] for decoder in decoders]
    return Apart(name, pictures, left, np.array(drawn[0]), np.array(drawn[1] if drawn[1:] else []))


def table_of(parts: Sequence[Apart]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the figures of those parts that have enough pictures."""
    shown = [part for part in parts if not part.few][:MOST_PARTS]
    refined = any(len(part.refined) for part in shown)
    heads = ["", "pictures", "left by the text mean", "decoder, dB", *(["with refiner, dB"] if refined else [])]
    return heads, [
        [
            part.part,
            f"{part.pictures:,}",
            "-" if np.isnan(part.left) else f"{part.left:.2f}",
            *(f"{each.mean():.1f}" for each in (part.alone, part.refined) if len(each)),
        ]
        for part in shown
    ]


def sentences(parts: Sequence[Apart]) -> list[str]:
    """What the figures mean, and what to do where they are bad; the parts are in the order of `measure_apart`."""
    if not any(part.pictures for part in parts):
        return ["no pictures were held apart, so nothing is known of what it draws of captions that are new."]
    told, good = [], [part for part in parts if not part.few]
    if good:
        told.append("left by the text mean: the share of the latents' variance; the mean of all pictures leaves 1.")
    if good[MOST_PARTS:]:
        told.append(f"there are {counted(len(good) - MOST_PARTS, 'more part')}.")
    if few := [part for part in parts if part.few]:
        names = ", ".join(f"{part.part} ({part.pictures})" for part in few[:MOST_PARTS])
        more = f" and {counted(len(few) - MOST_PARTS, 'more part')}" if few[MOST_PARTS:] else ""
        told.append(f"too few pictures for figures, of which a part has to have {FEW}: {names}{more}.")
    gains = [gain for part in good if len(part.refined) for gain in part.refined - part.alone]
    if gains and (gain := float(np.mean(gains))) < LEAST_GAIN:
        what = "makes pictures worse" if gain <= -LEAST_GAIN else "has learned nothing"
        told.append(f"the refiner {what} ({gain:+.2f} dB): leave [refiner] out of the recipe.")
    if bad := [part for part in good if part.left > SMEARS]:
        left = " and ".join(f"{part.left:.2f} of {part.part}" for part in bad[:MOST_PARTS])
        what = "will be smears" if len(bad) == len(good) else "as theirs will be smears or other things"
        help_ = "more pictures help, or captions that share words"
        told.append(f"the text mean leaves {left} pictures, so prompts {what}: {help_}.")
    return told
