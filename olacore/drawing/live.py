"""A small module that draws, evolved while one waits: from prompts to the small pictures that come with a set.

Its data are the set's captions, as their embeddings, and the small pictures of what the set was trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from olacore.data import write_pairs
from olacore.drawing.generator import Generator
from olacore.drawing.pictures import Thumbnails
from olacore.modules.module import Module
from olacore.search.config import TrainConfig
from olacore.search.observers import Callback
from olacore.search.train import Result, train
from olacore.text.table import unit

# Hidden units, and pictures that the search does not learn from: to decide, and to be measured on.
UNITS, APART = 256, 200


def evolve_drawing(
    generator: Generator,
    out: Path,
    seconds: float,
    force: bool,
    callbacks: Sequence[Callback],
    should_stop: Callable[[], bool],
) -> Result:
    """Evolve a module from embeddings of prompts to small pictures.

    Parameters
    ----------
    generator : whose set has captions and small pictures
    out : run folder; its data lie beside it in OUT.h5
    seconds : of search, at most; a wide stack stops by itself before that

    Raises
    ------
    FileFormatError  if the set has no small pictures
    """
    captions = generator.captions
    pictures = Thumbnails(generator.set, len(captions.listed)).pictures
    inputs = captions.vectors * captions.scales.astype(np.float32)[:, None]
    targets = pictures.reshape(len(pictures), -1) / np.float32(127.5) - 1
    order = np.random.default_rng(0).permutation(len(pictures))
    split = np.zeros(len(pictures), np.uint8)
    split[order[:APART]], split[order[APART : 2 * APART]] = 1, 2
    data = out.with_suffix(".h5")
    write_pairs(data, inputs.astype(np.float32), targets, split, force=True)
    config = TrainConfig(None, (data,), stack=UNITS, seconds=seconds, out=out, force=force)
    return train(config, callbacks, should_stop)


def draw_small(generator: Generator, module: Module, prompts: Sequence[str]) -> np.ndarray:
    """Draw prompts with such a module: (n, side, side, 3) uint8."""
    basis = generator.captions.basis.astype(np.float64)
    answers = module.run(unit(generator.embed(prompts).astype(np.float64) @ basis.T).astype(np.float32))
    side = int(np.sqrt(answers.shape[1] // 3))
    return np.round(127.5 * (answers.clip(-1, 1) + 1)).astype(np.uint8).reshape(-1, side, side, 3)
