"""Captioned latents in memory, with the reading interface of a data set, and the small teachers that made them."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import numpy as np

from olacore.data import SPLITS
from teachers import LoadOptions, load_teacher, load_text_teacher
from tests.support.teacher_samples import save_model
from tests.support.text_samples import save_sentence

COLOURS, THINGS = ("red", "green", "blue", "grey"), ("cat", "dog", "sun", "box", "leaf")
# Of each thing's rows: the last colour of all is a combination held out, the last thing a concept held out.
PARTS = {"train": 0, "combination-validation": 1, "combination-held-out": 2, "concept-held-out": 2}


class CaptionedSample:
    """Rows in memory; see `Captioned` for what it answers.

    Parameters
    ----------
    fields : latents, embeddings, captions by name
    parts : of each row
    """

    def __init__(self, fields: dict[str, np.ndarray], parts: Sequence[str], space: Any) -> None:
        self.fields, self.space, self.count = dict(fields), space, len(parts)
        self.latent_shape: tuple[int, ...] | None = fields["latents"].shape[1:]
        names = [*PARTS]
        self.sources = [SimpleNamespace(part="" if name == "train" else name) for name in names]
        rows = np.zeros(self.count, [("source", np.int32)])
        rows["source"] = [names.index(part) for part in parts]
        self.fields["rows"] = rows
        self.split = np.array([PARTS[part] for part in parts])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def has(self, field: str) -> bool:
        return field in self.fields

    def indices(self, split: str) -> np.ndarray:
        return np.flatnonzero(self.split == SPLITS.index(split))

    def read(self, fields: Sequence[str], indices: np.ndarray) -> dict[str, np.ndarray]:
        return {name: self.fields[name][indices] for name in fields}


def save_teachers(folder: Path) -> tuple[Path, Path]:
    """A random autoencoder and a random sentence encoder, as folders."""
    return save_model(folder / "vae"), save_sentence(folder / "text")


def captioned_sample(vae: Path, text: Path, seed: int = 0) -> CaptionedSample:
    """Twenty captions whose latents (4, 4, 4) are a sum of a colour's and a thing's, with a little noise."""
    options = LoadOptions(self_test=False)
    random = np.random.default_rng(seed)
    colours, things = (random.standard_normal((len(of), 4, 4, 4)) for of in (COLOURS, THINGS))
    captions, latents, parts = [], [], []
    for number, thing in enumerate(THINGS):
        for place, colour in enumerate(COLOURS):
            captions.append(f"{colour} {thing}".encode())
            latents.append(colours[place] + things[number] + 0.1 * random.standard_normal((4, 4, 4)))
            last = number == len(THINGS) - 1
            parts.append("concept-held-out" if last else [*PARTS][max(0, (place + number) % 4 - 1)])
    embeddings = load_text_teacher(text, options).answer({"captions": np.array([c.decode() for c in captions])})
    fields = {"latents": np.array(latents, np.float16), "captions": np.array(captions, object), **embeddings}
    return CaptionedSample(fields, parts, load_teacher(vae, options).space)
