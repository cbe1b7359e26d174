"""How well stacks of given sizes tell the latent of a picture from its caption's embedding.

python -m bench.studies.text_to_latent DATA.h5 [--units 1024 ...] [--budget 3145728 ...] [--seeds 3] [--strategy wide]

Trains what `ola train --module denoiser --view text` trains with nothing else set, and prints a line of JSON for each
size: the share of the held-out parts' variance that is left, medians over the seeds, beside least squares, the nearest
training caption's picture and kernel ridge of all training captions, a closed form that keeps every one of them.
Processor seconds count everything from reading the data to the finished file, on as many threads as kernels run on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from bench.studies.text_means import KnownTexts, fit_and_ask
from olacore.data import Dataset, open_dataset
from olacore.search.config import TrainConfig
from olacore.search.train import train

# Of the kernel: chosen on the validation parts of google64.
WIDTH, RIDGE = 2.0, 0.1
Left = dict[str, float]


def parts_of(data: Dataset) -> dict[str, np.ndarray]:
    """The rows of each held-out part by its name."""
    rows = data.indices("held-out")
    sources = data.read(["rows"], rows)["rows"]["source"]
    names = np.array([data.sources[source].part or "held-out" for source in sources])
    return {str(name): rows[names == name] for name in np.unique(names)}


def closed_forms(data: Dataset, texts: KnownTexts) -> dict[str, Left]:
    """What is left of the variance of each held-out part by the nearest caption's picture and by a kernel."""
    numbers = {caption: number for number, caption in enumerate(texts.captions)}
    known = np.flatnonzero(texts.counts)
    mean = texts.counts[known] @ texts.latents[known] / texts.counts[known].sum()
    found: dict[str, Left] = defaultdict(dict)
    for part, rows in parts_of(data).items():
        read = data.read(["rows", "latents"], rows)
        truth = read["latents"].reshape(len(rows), -1).astype(np.float64)
        asked = np.array([numbers[data.captions[source][0]] for source in read["rows"]["source"]])
        nearest = known[(texts.units[asked] @ texts.units[known].T).argmax(1)]
        guesses = {
            "nearest caption": texts.latents[nearest],
            "kernel, all captions": fit_and_ask(texts, known, asked, WIDTH, RIDGE),
        }
        for name, guess in guesses.items():
            found[name][part] = float(np.square(guess - truth).sum() / np.square(truth - mean).sum())
    return dict(found)


def measure(h5: Path, seeds: int, folder: Path, **size: Any) -> dict[str, Any]:
    """Train a module of one size with several seeds."""
    left: dict[str, list[float]] = defaultdict(list)
    least_squares: Left = {}
    seconds, stored = [], []
    for seed in range(seeds):
        began = time.process_time()
        result = train(TrainConfig("denoiser", (h5,), view="text", seed=seed, out=folder / str(seed), **size))
        seconds.append(time.process_time() - began)
        stored.append(result.module.nbytes())
        for part, figures in result.parts.items():
            left[part].append(figures["module"]["l2"])
            least_squares[part] = figures["least_squares"]["l2"]
    return {
        **size,
        "layers": result.module.layers,
        "bytes": statistics.median(stored),
        "processor seconds": [round(one, 1) for one in seconds],
        "left": {part: round(statistics.median(values), 4) for part, values in left.items()},
        "left by seed": {part: [round(value, 4) for value in values] for part, values in left.items()},
        "least squares": {part: round(value, 4) for part, value in least_squares.items()},
    }


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.studies.text_to_latent",
        description="Measure stacks from a caption's embedding to latents.",
    )
    parser.add_argument("data", type=Path, help="captioned latents, HDF5")
    parser.add_argument("--units", type=int, nargs="*", default=[])
    parser.add_argument("--budget", type=int, nargs="*", default=[], help="bytes")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--strategy")
    asked = parser.parse_args()
    with open_dataset(asked.data) as data:
        forms = closed_forms(data, KnownTexts.read(data))
    for name, left in forms.items():
        tell({"name": name, "left": {part: round(value, 4) for part, value in left.items()}})
    sizes = [{"stack": units} for units in asked.units] + [{"budget": budget} for budget in asked.budget]
    for number, size in enumerate(sizes):
        with tempfile.TemporaryDirectory() as folder:
            if not number:  # so that seconds count no compilation
                measure(asked.data, 1, Path(folder) / "first", stack=300, generations=3, strategy=asked.strategy)
            tell(measure(asked.data, asked.seeds, Path(folder), strategy=asked.strategy, **size))


def tell(line: dict[str, Any]) -> None:
    """Print a line of JSON at once."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
