"""Small files of captions, embeddings and latents, and of what a teacher of denoising answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from olacore.blocks import noise_of
from olacore.data import FORMS, ROW, Captions, Header, Source, Writer
from olacore.data.records import checksum_rows, checksums
from olacore.text.style import styled
from tests.support.makers import SPACE, smooth_pictures

SIDE, WIDTH = 24, 6
SITES = SIDE // SPACE.factor
COLOURS = ("red", "green", "blue", "pale", "dark", "warm")
THINGS = ("heart", "fox", "boat", "hat", "flag", "star", "moon", "tree")
LEVELS = (0.5, 2.0)


def captions_of(count: int) -> list[str]:
    """Captions of a colour and a thing."""
    return [f"a {COLOURS[k % len(COLOURS)]} {THINGS[k // len(COLOURS) % len(THINGS)]}" for k in range(count)]


def embeddings_of(captions: list[str]) -> np.ndarray:
    """What a text teacher might answer: (n, WIDTH) float32, a sum over words."""
    words = {word: np.random.default_rng(k).standard_normal(WIDTH) for k, word in enumerate(("a", *COLOURS, *THINGS))}
    return np.array([sum(words[word] for word in text.split()) for text in captions], np.float32)


def latents_of(embeddings: np.ndarray, seed: int = 0) -> np.ndarray:
    """Latents that follow from embeddings, and a little of their own: (n, 4, SITES, SITES) float64."""
    draw = np.random.default_rng(seed)
    shape = (SPACE.channels, SITES, SITES)
    means = np.tanh(embeddings @ draw.standard_normal((WIDTH, np.prod(shape)))).reshape(-1, *shape)
    return means + draw.normal(0, 0.2, means.shape)


def header_of(form: str, splits: dict[str, int], optional: tuple[str, ...], text: str, rows: int) -> Header:
    """A header of as many sources of each split; a key such as `held-out:concept` names a part too."""
    names = [name for name, count in splits.items() for _ in range(count)]
    sources = tuple(
        Source(f"{k}.png", "photograph", name.partition(":")[0], part=name.partition(":")[2])
        for k, name in enumerate(names)
    )
    captions = Captions(tuple(captions_of(len(names))), tuple((k,) for k in range(len(names))))
    settings = {"text_teacher": text, "text_sha256": text.encode().hex().ljust(64, "0")}
    sizes = {"H": SIDE, "W": SIDE, "E": WIDTH}
    count = len(names) * rows
    return Header(FORMS[form], sizes, count, SPACE, sources, optional=optional, settings=settings, captions=captions)


def of_captions(embeddings: np.ndarray, optional: tuple[str, ...]) -> dict[str, np.ndarray]:
    """What a file holds of each caption."""
    draw = np.random.default_rng(1)
    means = latents_of(embeddings)
    extra = {"text_means": means + draw.normal(0, 0.1, means.shape), "certainty": draw.uniform(0, 1, (len(means), 2))}
    return {"embeddings": embeddings} | {name: extra[name] for name in extra if name in optional}


def write_captioned(
    path: Path,
    splits: dict[str, int] | None = None,
    optional: tuple[str, ...] = ("text_means", "certainty"),
    text: str = "letters",
    styles: tuple[str, ...] = ("",),
) -> Path:
    """Write pictures with a caption each, a row a source, in styles by turns."""
    splits = splits or {"train": 30, "validation": 6, "held-out": 6}
    header = header_of("olacore/captioned/1", splits, optional, text, 1)
    count = header.capacity
    each = [styles[k % len(styles)] for k in range(count)]
    sources = tuple(replace(source, style=style) for source, style in zip(header.sources, each, strict=True))
    texts = tuple(map(styled, header.captions.texts, each))
    header = replace(header, sources=sources, captions=replace(header.captions, texts=texts))
    embeddings = embeddings_of(captions_of(count))
    arrays = {"frames": smooth_pictures(count, SIDE, SIDE), "latents": latents_of(embeddings, 2)}
    with Writer(path, header, rows_for(count, 1)) as writer:
        writer.add(arrays, rows_for(count, 1), of_captions(embeddings, optional))
    return path


def write_denoised(
    path: Path,
    splits: dict[str, int] | None = None,
    optional: tuple[str, ...] = ("answers", "text_means", "certainty"),
) -> Path:
    """Write rows of two levels a picture; an answer is the latent and a tenth of the noise that it was given."""
    splits = splits or {"train": 30, "validation": 6, "held-out": 6}
    header = header_of("olacore/denoised/1", splits, optional, "letters", len(LEVELS))
    count, sources = header.capacity, len(header.sources)
    embeddings = embeddings_of(captions_of(sources))
    latents = np.repeat(latents_of(embeddings, 2).astype(np.float16), len(LEVELS), 0)
    sigmas, seeds = np.tile(np.float32(LEVELS), sources), np.arange(100, 100 + count, dtype=np.uint64)
    noise = noise_of(seeds, latents.shape[1:])
    rows = rows_for(sources, len(LEVELS))
    answers = {
        "answers": latents + 0.1 * noise,
        "plain_answers": latents - 1,
        "noisy": latents + sigmas[:, None, None, None] * noise,
    }
    arrays: dict[str, Any] = {"latents": latents, "sigmas": sigmas, "noise_seeds": seeds, "caption": rows["source"]}
    arrays |= {name: array for name, array in answers.items() if name in optional}
    with Writer(path, header, rows) as writer:
        writer.add(arrays, rows, of_captions(embeddings, optional))
    return path


def rows_for(sources: int, each: int) -> np.ndarray:
    """Entries of as many rows of each source."""
    rows = np.zeros(sources * each, ROW)
    rows["source"], rows["pts"], rows["height"], rows["width"] = np.repeat(np.arange(sources), each), -1, SIDE, SIDE
    return rows


def replace_rows(path: Path, splits: tuple[int, ...] = (1, 2)) -> Path:
    """Put other numbers into all rows of some splits, and into what belongs to their captions alone."""
    draw = np.random.default_rng(9)
    with h5py.File(path, "r+") as file:
        entries, sources, captions = file["rows"][:], file["sources"]["split"], file["source_captions"][:]
        rows = np.flatnonzero(np.isin(sources[entries["source"]], splits))
        others = captions[np.isin(sources[captions[:, 0]], splits), 1]
        names = [
            name for name in ("frames", "latents", "answers", "text_means", "certainty", "embeddings") if name in file
        ]
        for name in names:
            array = file[name][:]
            some = others if name in ("text_means", "certainty", "embeddings") else rows
            new = draw.uniform(1, 200, array[some].shape)
            array[some] = new.astype(array.dtype)
            file[name][:] = array
        texts = file["captions"][:]
        texts[others] = [f"x{number}".encode() for number in others]
        file["captions"][:] = texts
        fields = ("frames", "latents", "recon", "sigmas", "noise_seeds", "caption", "answers", "plain_answers", "noisy")
        file["rows"]["crc32"] = 0
        entries["crc32"] = checksum_rows(entries, [file[name][:] for name in fields if name in file])
        file["rows"][:] = entries
        per_caption = [file[name][:] for name in ("embeddings", "text_means", "certainty") if name in file]
        file["caption_sums"][:] = checksums([texts, *per_caption])
    return path
