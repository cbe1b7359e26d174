"""A small set of modules that draws from text: random weights, words of `caption_samples`."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from olacore.drawing.bundle import make_set
from olacore.drawing.captions import OVER
from olacore.drawing.generator import Generator
from olacore.drawing.lift import OUTLINE
from olacore.media.wiener import WienerFilter
from olacore.modules.module import Module
from olacore.text import WordTable
from olacore.views.noisy import Window
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.prompt import Prompt
from olacore.views.word_table import SceneOfWords, TableOfWords
from tests.support.caption_samples import COLOURS, SIDE, SITES, THINGS, WIDTH, write_captioned
from tests.support.makers import make_module

KNOWN = ("a", "i", "with", *COLOURS, *THINGS, "juggle", "hearts")
# Like training captions, hardly unlike them, unlike them, and unknown: of the set that `write_mixed` makes.
KINDS = ("red heart", "blue fox with hat", "a i juggle hearts", "xqzv")
SIZE = 4
LEVELS = (0.5, 2.0)
# Of the text mean: more than its outline has, and fewer than its 36 targets.
COMPONENTS = 34


def word_table(size: int = SIZE, bits: int = 4, even: bool = False) -> WordTable:
    """Random vectors; "a" and "with" weigh little."""
    vectors = np.random.default_rng(0).standard_normal((len(KNOWN), size))
    shifts = np.where(np.isin(KNOWN, ("a", "with")), 0.08, 1.0)
    return WordTable.of(KNOWN, vectors, shifts, bits, even)


def filtered(
    channels: int, factor: int, level: float, side: tuple[int, int] = (SITES, SITES), wiener: int = 5, **settings: Any
) -> Window:
    """A view with a filter of random latents of that size."""
    numbers = channels * side[0] * side[1]
    draw = np.random.default_rng(4)
    residuals = draw.standard_normal((3 * numbers, numbers)) @ draw.standard_normal((numbers, numbers)) / numbers**0.5
    certainty = draw.uniform(0.5, 1, len(residuals))
    residuals[certainty > 0.75] *= 0.3
    known = certainty if settings.get("certain") else certainty[:0]
    fitted = WienerFilter.fit(lambda: [(residuals + 0.1, known)], wiener, level)
    return Window(channels, factor, level, wiener=wiener, height=side[0], width=side[1], filter=fitted, **settings)


def beyond_float16(own: WienerFilter, shape: tuple[int, ...]) -> np.ndarray:
    """A noisy latent and a text mean whose estimate float16 cannot hold: (2, C, h, w)."""
    return np.outer([65000, 60000], np.sign(own.directions[0])).reshape(2, *shape)


def modules(**changes: Any) -> dict[str, Module]:
    """A module for each part of a set; changes are views, or modules as they are."""
    views = {
        "text": TableOfWords(WIDTH, SIZE, unit=True, table=word_table()),
        "mean": Prompt(4, 8, 0.0, SITES, SITES, WIDTH),
        "decoder": PatchDecoder(4, 8, 3),
        "encoder": PatchEncoder(4, 8, 0),
    } | {
        f"level {level:g}": (Window if level < 1 else filtered)(4, 8, level, window=3, certain=True) for level in LEVELS
    }
    return {
        name: view
        if isinstance(view, Module)
        else make_module(view, seed=seed, components=COMPONENTS if name == "mean" else None)
        for seed, (name, view) in enumerate((views | changes).items())
    }


def of_scenes() -> dict[str, Any]:
    """Views of what makes and reads embeddings with the vectors of texts behind them, as changes of `modules`."""
    text = SceneOfWords(WIDTH, SIZE, unit=True, table=word_table())
    return {"text": text, "mean": Prompt(4, 8, 0.0, SITES, SITES, text.embedded)}


def write_set(
    folder: Path,
    levels: tuple[float, ...] = LEVELS,
    encoder: bool = True,
    refiner: Module | None = None,
    styles: tuple[str, ...] = ("",),
    **changes: Any,
) -> Path:
    """Make such a set in a folder, from data in it; views of other modules by what they do."""
    folder.mkdir(exist_ok=True)
    data = folder / "data.h5"
    if not data.exists():
        write_captioned(data, styles=styles)
    paths = {}
    for name, module in (modules(**changes) | ({"refiner": refiner} if refiner else {})).items():
        paths[name] = folder / f"{name.replace(' ', '-')}.safetensors"
        module.save(paths[name])
    asked = {"text": True, "mean": True, "decoder": True, "refiner": refiner, "encoder": encoder}
    named = {name: paths[name] for name, wanted in asked.items() if wanted}
    return make_set(folder / "set", named, data, levels=[paths[f"level {level:g}"] for level in levels])


def write_mixed(folder: Path, levels: tuple[float, ...] = LEVELS) -> Path:
    """Make such a set that of `KINDS` the second leans part of the way on captions, and the third most of it."""
    made = write_set(folder, levels)
    generator = Generator(made, kernels=False)
    likeness = [float(generator.captions.certainty(one)[0]) for one in generator.embed(KINDS[:-1])]
    assert likeness[0] > likeness[1] + OVER > likeness[2] + 2 * OVER
    outline = {"components": OUTLINE, "energy": 1.0, "rest": 1.0, "gains": [0.75, 0.25]}
    return resealed(made, "", seen=likeness[1] + OVER / 3, outline=outline)


def resealed(folder: Path, name: str, module: Any = None, **about: Any) -> Path:
    """A set with another module under a name, or something else said of it."""
    told = json.loads((folder / "set.json").read_text()) | about
    if module is not None:
        entry = next(one for one in (*told["modules"].values(), *told["levels"]) if one["file"] == name)
        module.save(folder / name)
        entry["sha256"] = sha256((folder / name).read_bytes()).hexdigest()
    (folder / "set.json").write_text(json.dumps(told))
    return folder


__all__ = [
    "KINDS",
    "KNOWN",
    "LEVELS",
    "SIDE",
    "SIZE",
    "beyond_float16",
    "filtered",
    "modules",
    "of_scenes",
    "resealed",
    "word_table",
    "write_mixed",
    "write_set",
]
