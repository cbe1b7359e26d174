"""Small data files with captions, and a denoiser in one line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from olacore.data import ROW, Captions, Header, InputFile, Source, Writer
from olacore.data.forms import CAPTIONED
from olacore.spaces import LatentSpace
from teachers.denoisers.schedule import Flow
from tests.support.data_samples import SPACE

SIDE, ROWS = 16, 6
# Two pictures share a caption, one has three.
TEXTS = (("a red heart",), ("a fox", "an orange fox", "animal"), ("a red heart",))
SOURCES = tuple(
    Source(f"{name}.png", "photograph", split, part=part)
    for name, split, part in (("a", "train", ""), ("b", "train", ""), ("c", "held-out", "concept-held-out"))
)

FILES = tuple(InputFile(f"{name}.png", "0" * 64, 2) for name in "abc")


def rows_of(count: int = ROWS) -> np.ndarray:
    """Rows of the pictures in turn."""
    rows = np.zeros(count, ROW)
    rows["pts"], rows["height"], rows["width"] = -1, SIDE, SIDE
    rows["source"] = np.arange(count) % len(SOURCES)
    return rows


def embed(texts: Any) -> dict[str, np.ndarray]:
    """As many numbers as a teacher would give, here of the letters."""
    return {"embeddings": np.array([[len(text), text.count("a"), text.count("e")] for text in texts], np.float32)}


def open_writer(
    path: Path, *, sha256: str = "0" * 64, space: LatentSpace = SPACE, side: int = SIDE, **mode: Any
) -> Writer:
    """A writer of such a file."""
    captions = Captions.of(TEXTS, rows_of())
    settings = {"text_teacher": "letters", "text_sha256": sha256}
    sizes = {"H": side, "W": side, "E": 3}
    header = Header(CAPTIONED, sizes, ROWS, space, SOURCES, settings=settings, files=FILES, captions=captions)
    return Writer(path, header, rows_of(), **mode)


def fill(writer: Writer, count: int = ROWS, step: int = 2) -> None:
    """Write its rows up to one, some at a time."""
    draw = np.random.default_rng(0)
    sizes = writer.header.sizes
    frames = draw.integers(0, 256, (ROWS, sizes["H"], sizes["W"], 3), np.uint8)
    latents = draw.standard_normal((ROWS, *(sizes[word] for word in "Chw")))
    for first in range(writer.rows_valid, count, step):
        here = slice(first, first + step)
        rows, texts = rows_of()[here], writer.header.captions.texts
        new = texts[writer.captions_valid : writer.captions_of(rows["source"])]
        writer.add({"frames": frames[here], "latents": latents[here]}, rows, embed(new) if new else {})


def make(path: Path, **mode: Any) -> Path:
    """A whole file."""
    with open_writer(path, **mode) as writer:
        fill(writer)
    return path


class ToyDenoiser:
    """What is best where latents are white, and a number for the caption; it needs no torch."""

    name, fingerprint, space, schedule, batch = "toy", "1" * 64, SPACE, Flow(100), 2
    settings: Mapping[str, Any] = {"denoiser": "toy"}

    def __init__(self, plain: bool = False) -> None:
        self.writes = ("answers", "plain_answers") if plain else ("answers",)

    def clean_each(self, noisy: np.ndarray, sigmas: np.ndarray, captions: list[str]) -> np.ndarray:
        """Shrink them."""
        lengths = np.array([len(text) for text in captions], np.float32)
        return noisy / (1 + sigmas**2).reshape(-1, 1, 1, 1).astype(np.float32) + lengths.reshape(-1, 1, 1, 1) / 100

    def answer(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Add the noise and take it away."""
        sigmas = arrays["sigmas"]
        noisy = arrays["latents"].astype(np.float32) + sigmas.reshape(-1, 1, 1, 1) * arrays["noise"]
        texts = {"answers": [*arrays["captions"]], "plain_answers": [""] * len(noisy)}
        return {name: self.clean_each(noisy, sigmas, texts[name]) for name in self.writes}
