"""What denoisers leave of held-out latents, beside the best linear ones with and without the text.

python -m bench.studies.denoisers ROWS.h5 RUN [RUN ...]: rows of `ola precompute --denoiser none --text-means`, and
modules of the view window that were trained on them. Prints a line of JSON for each: the share of the variance that is
left in each held-out part, by the module, by a Wiener filter of the whole latent around the mean of all, and by one
around the text mean; both have the principal axes and spreads of the training rows.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from bench.studies.text_to_latent import parts_of
from olacore.blocks import noise_of
from olacore.data import Dataset, open_dataset
from olacore.modules.module import load
from olacore.quality.evaluation import baselines_beside, evaluate_parts

BATCH = 512


class Wiener:
    """The best linear denoiser of deviations from something.

    Parameters
    ----------
    deviations : (n, numbers) of training latents
    """

    def __init__(self, deviations: np.ndarray) -> None:
        self.mean = deviations.mean(0)
        centred = deviations - self.mean
        self.spreads, self.axes = np.linalg.eigh(centred.T @ centred / len(centred))

    def clean(self, noisy: np.ndarray, level: float) -> np.ndarray:
        """Deviations without the noise of a level."""
        gains = np.maximum(self.spreads, 0) / (np.maximum(self.spreads, 0) + level**2)
        return np.asarray(self.mean + ((noisy - self.mean) @ self.axes * gains) @ self.axes.T)


def read(data: Dataset, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Latents, text means and noise of rows, (n, numbers) float64 each."""
    found = data.read(["latents", "text_means", "noise_seeds"], rows)
    noise = noise_of(found["noise_seeds"], found["latents"].shape[1:])
    arrays = (found["latents"], found["text_means"], noise)
    latents, means, drawn = (array.reshape(len(rows), -1).astype(np.float64) for array in arrays)
    return latents, means, drawn


def compare(data: Dataset, run: Path) -> dict[str, object]:
    """Figures of one module and of the filters at its level."""
    module = load(run)
    level = float(getattr(module.view, "level"))  # noqa: B009 - only denoisers have one
    items = module.view.items(data)
    latents, means, _ = read(data, np.intersect1d(items, data.indices("train")))
    mean = latents.mean(0)
    filters = {"Wiener": (False, Wiener(latents - mean)), "Wiener with text": (True, Wiener(latents - means))}
    figures = evaluate_parts(module, data, baselines_beside(run / "module.safetensors", module))
    left: dict[str, dict[str, float]] = {part: {"module": found["module"]["l2"]} for part, found in figures.items()}
    for part, rows in parts_of(data).items():
        latents, means, noise = read(data, np.intersect1d(items, rows))
        for name, (with_text, best) in filters.items():
            around = means if with_text else mean
            cleaned = around + best.clean(latents + level * noise - around, level)
            left[part][name] = float(np.square(cleaned - latents).sum() / np.square(latents - mean).sum())
    return {"level": level, "bytes": module.nbytes(), "left": left}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    asked = parser.parse_args()
    with open_dataset([asked.rows]) as data, threadpool_limits(1, user_api="blas"):
        for run in asked.runs:
            sys.stdout.write(json.dumps(compare(data, run)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
