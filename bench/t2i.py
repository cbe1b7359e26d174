"""Drawings of a set beside closed forms and backprop.

python -m bench.t2i DATA.h5 [--set google64] [--judge OTHER.h5] [--variety 1] [--backprop 60] [--json FILE]

`ola t2i-test`, and in the same table what else may stand in the place of text module and text mean: least squares with
shrinkage and a kernel of all training captions, both from the text teacher's own embeddings, which need the teacher and
hundreds of megabytes; and, with --backprop, a stack of as many units as the set's text mean, learnt under torch for so
many CPU-seconds. All are drawn by the decoder of the set, and its refiner where it has one.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.common.markdown import write_markdown
from bench.common.tables import Table, figure
from bench.common.threads import limit_threads
from bench.studies.text_means import KnownTexts, fit_and_ask
from bench.studies.text_to_latent import RIDGE, WIDTH
from olacore.data import open_dataset
from olacore.drawing.generator import DEFAULT_SET, Generator
from olacore.drawing.measure import Figures, measure
from olacore.drawing.settings import Settings
from olacore.errors import OlacoreError
from olacore.files import replace_file
from olacore.modules.plain import load_plain

# Of least squares; over the mean square of the embeddings. The one that is best on validation captions is taken.
SHRINKAGES = (1e-3, 1e-2, 1e-1)
# Of backprop.
BATCH, RATE, LEAST_RATE = 256, 2e-3, 0.02
Answer = Callable[[np.ndarray], np.ndarray]


def least_squares(texts: KnownTexts, known: np.ndarray, apart: np.ndarray) -> Answer:
    """Latents from embeddings by a linear map with the shrinkage that is best for the captions `apart`."""
    inputs, weights = texts.units[known], texts.counts[known][:, None]
    centre, mean = ((weights * part).sum(0) / weights.sum() for part in (inputs, texts.latents[known]))
    moments = (weights * (inputs - centre)).T @ (inputs - centre)
    together = (weights * (inputs - centre)).T @ (texts.latents[known] - mean)
    best: tuple[float, np.ndarray] | None = None
    for share in SHRINKAGES:
        shrunk = moments + share * np.trace(moments) / len(moments) * np.eye(len(moments))
        found = np.linalg.solve(shrunk, together)
        missed = float(np.square((texts.units[apart] - centre) @ found + mean - texts.latents[apart]).sum())
        if best is None or missed < best[0]:
            best = missed, found
    assert best is not None
    chosen = best[1]
    return lambda asked: (texts.units[asked] - centre) @ chosen + mean


def learn(texts: KnownTexts, known: np.ndarray, units: int, seconds: float) -> Answer:
    """A stack from embeddings to latents by backprop, for so many CPU-seconds on one thread."""
    from teachers.comparison.backprop import Network

    inputs, latents = (part[known].astype(np.float32) for part in (texts.units, texts.latents))
    centre, mean = inputs.mean(0), latents.mean(0)
    spread, scale = inputs.std(0) + 1e-6, float(latents.std())
    inputs, targets = (inputs - centre) / spread, (latents - mean) / scale
    start = np.zeros((targets.shape[1], inputs.shape[1]), np.float32), np.zeros(targets.shape[1], np.float32)
    network, draw, roots = Network(*start, units, 0), np.random.default_rng(0), np.sqrt(texts.counts[known])
    began = time.process_time()
    while (spent := time.process_time() - began) < seconds:
        rows = draw.integers(0, len(known), BATCH)
        rate = RATE * max(LEAST_RATE, 0.5 * (1 + np.cos(np.pi * spent / seconds)))
        network.step(inputs[rows], targets[rows], roots[rows].astype(np.float32), rate)
    asked = ((texts.units.astype(np.float32) - centre) / spread).astype(np.float32)
    return lambda numbers: network.predict(asked[numbers]).T * scale + mean


def drawers(h5: Path, generator: Generator, seconds: float) -> dict[str, Answer]:
    """What is drawn beside the set, from the numbers of pictures."""
    with open_dataset([h5]) as data:
        texts = KnownTexts.read(data)
        apart = np.unique(texts.of_rows[data.indices("validation")])
        rows = data.indices("validation")
        latents = data.read(["latents"], rows)["latents"].reshape(len(rows), -1)
        shape = data.latent_shape or ()
    for place in apart:
        texts.latents[place] = latents[texts.of_rows[rows] == place].mean(0)
    known = np.flatnonzero(texts.counts)
    answers = {
        "least squares": least_squares(texts, known, apart),
        "kernel, all captions": lambda asked: fit_and_ask(texts, known, asked, WIDTH, RIDGE),
    }
    if seconds:
        units = len(load_plain(generator.set.files["mean"]).parts["hidden_0_biases"])
        answers[f"backprop, {seconds:g} s"] = learn(texts, known, units, seconds)

    def drawn(answer: Answer) -> Answer:
        return lambda numbers: generator.paint(answer(texts.of_rows[numbers]).reshape(-1, *shape).astype(np.float32))

    return {name: drawn(answer) for name, answer in answers.items()}


def compare(h5: Path, name: str, judge: Path | None, settings: Settings, seconds: float) -> dict[str, Figures]:
    """Figures by part, then by what drew."""
    generator = Generator(name, kernels=False)
    with limit_threads(1, torch=seconds > 0):
        beside = drawers(h5, generator, seconds)
        return measure(generator, h5, settings=settings, other=judge, beside=beside)


def tables(found: dict[str, Figures]) -> list[Table]:
    """A table of each part."""
    return [
        Table(["", *names], [[who, *(figure(row.get(name)) for name in names)] for who, row in figures.items()], part)
        for part, figures in found.items()
        for names in [[*figures["set"]]]
    ]


def main() -> None:
    """Print the table, and write it."""
    parser = argparse.ArgumentParser(prog="python -m bench.t2i", description="Drawings beside closed forms.")
    parser.add_argument("data", type=Path, help="captioned pictures, as the set was made of")
    parser.add_argument("--set", default=DEFAULT_SET, help="a shipped set, the folder of one's own, or hf:user/name")
    parser.add_argument("--judge", type=Path, help="pictures of other makers, as of `ola t2i-test`")
    parser.add_argument("--variety", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backprop", type=float, default=0.0, help="CPU-seconds; 0 leaves it out")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    asked = parser.parse_args()
    try:
        settings = Settings(seed=asked.seed, variety=asked.variety)
        found = compare(asked.data, asked.set, asked.judge, settings, asked.backprop)
        sys.stdout.write(write_markdown(tables(found)))
        if asked.json:
            replace_file(asked.json, (json.dumps(found, indent=1) + "\n").encode())
    except OlacoreError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
