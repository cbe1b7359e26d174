"""Measuring codecs on whole pictures: how good, how large, how fast."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from olacore.errors import ShapeError
from olacore.media.frames import pad_to_factor
from olacore.modules.latent_doubts import LatentWarning, doubt_latents
from olacore.modules.module import Module
from olacore.quality.latent_agreement import LatentAgreement
from olacore.quality.pictures.figures import Figures, mean_figures, picture_figures
from olacore.quality.protocols import EncodesPictures, PreviewLike
from olacore.quality.reference.simple import block_means
from olacore.quality.vae_test.codecs import TEACHER, Lineup, Row

REPEATS = 3
# Fast work is repeated oftener, while that takes no longer than this.
SECONDS, MOST_REPEATS = 0.2, 15


@dataclass(frozen=True)
class Measured:
    """What one picture gave.

    Parameters
    ----------
    rows : figures by row, with `encode_ms` and `decode_ms`
    small : the same for the smaller pictures of a preview, and of others made as small by area, by their factor
    latents : figures of encoders beside the teacher's latents; empty without a teacher
    pictures : reconstructions (H, W, 3) uint8 of the teacher and of ours, as far as there are any
    doubts : what is odd about the latents that a decoder got
    """

    rows: dict[str, Figures]
    small: dict[int, dict[str, Figures]]
    latents: dict[str, dict[str, Any]]
    pictures: dict[str, np.ndarray]
    doubts: list[str]


class VaeTest:
    """Measures a lineup on one picture after the other and keeps the means.

    Parameters
    ----------
    lineup : who takes part
    repeats : times that everything is done once it is warm; the median counts
    """

    def __init__(self, lineup: Lineup, repeats: int = REPEATS) -> None:
        self.lineup, self.repeats = lineup, repeats
        self._rows: list[dict[str, Figures]] = []
        self._small: list[dict[int, dict[str, Figures]]] = []
        self._latents = {name: LatentAgreement() for name in lineup.imitators} if TEACHER in lineup.encoders else {}

    def measure(self, picture: np.ndarray) -> Measured:
        """Encode and decode a picture (H, W, 3) uint8 of any size in every way.

        Sides that are no multiples of the latents' factor are padded for everybody by repeating the last pixels, and
        cut back.
        """
        height, width, _ = picture.shape
        frame = pad_to_factor(picture[None], self.lineup.factor)
        latents, encode_ms = {}, {}
        for name, encoder in self.lineup.encoders.items():
            latents[name], encode_ms[name] = self._timed(_encode, encoder, frame)
        rows: dict[str, Figures] = {}
        small: dict[int, dict[str, Figures]] = {}
        pictures: dict[str, np.ndarray] = {}
        previews = {row.name: row.decoder for row in self.lineup.rows if isinstance(row.decoder, PreviewLike)}
        factors = {preview.factor for preview in previews.values()}
        for row in self.lineup.rows:
            decoded, decode_ms = self._timed(_decode, row, latents[row.encoder])
            shown = decoded[0, :height, :width]
            rows[row.name] = {
                **picture_figures(shown, picture),
                "encode_ms": encode_ms[row.encoder],
                "decode_ms": decode_ms,
            }
            preview = previews.get(row.name)
            for factor in {preview.factor} if preview else factors:
                made = preview.small(latents[row.encoder]) if preview else block_means(decoded, factor)
                target = block_means(frame, factor)
                small.setdefault(factor, {})[row.name] = picture_figures(made[0], target[0])
            if row.name in (TEACHER, self.lineup.main):
                pictures[row.name] = shown
        self._rows.append(rows)
        self._small.append(small)
        return Measured(rows, small, self._compare(latents), pictures, self._doubt(latents))

    def means(self) -> dict[str, Any]:
        """Means over the pictures so far: `rows`, `small` and `latents` in the form of `Measured`."""
        factors = self._small[0] if self._small else {}
        return {
            "rows": _means(self._rows),
            "small": {factor: _means([each[factor] for each in self._small]) for factor in factors},
            "latents": {name: kept.figures() for name, kept in self._latents.items()} if self._rows else {},
        }

    def _compare(self, latents: dict[str, np.ndarray]) -> dict[str, dict[str, Any]]:
        found = {}
        for name, kept in self._latents.items():
            alone = LatentAgreement()
            for sums in (kept, alone):
                sums.add(latents[name], latents[TEACHER])
            found[name] = alone.figures()
        return found

    def _doubt(self, latents: dict[str, np.ndarray]) -> list[str]:
        found: dict[str, None] = {}
        for row in self.lineup.rows:
            if isinstance(row.decoder, Module) and (doubt := doubt_latents(latents[row.encoder], row.decoder)):
                found[f"{row.name}: {doubt}"] = None
        return [*found]

    def _timed(self, work: Callable[..., np.ndarray], *arguments: Any) -> tuple[np.ndarray, float]:
        """What some work gives, and the median of its milliseconds after a first time."""
        result = work(*arguments)
        took: list[float] = []
        while len(took) < self.repeats or (sum(took) < SECONDS and len(took) < MOST_REPEATS):
            started = time.perf_counter()
            work(*arguments)
            took.append(time.perf_counter() - started)
        return result, 1000 * float(np.median(took))


def _encode(encoder: EncodesPictures, frame: np.ndarray) -> np.ndarray:
    return encoder.encode(frame)


def _decode(row: Row, latents: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LatentWarning)  # the report has its own list of doubts
        made = row.decoder.decode(latents)
    expected = (len(latents), 8 * latents.shape[2], 8 * latents.shape[3], 3)
    if made.shape != expected:
        raise ShapeError(f"a decoder makes pictures 8 times as large as its latents, {expected}; got {made.shape}.")
    return made


def _means(pictures: list[dict[str, Figures]]) -> dict[str, Figures]:
    return {name: mean_figures([each[name] for each in pictures]) for name in pictures[0]} if pictures else {}
