"""What denoisers leave of held-out latents, beside the best linear ones with and without the text.

python -m bench.studies.denoisers ROWS.h5 RUN [RUN ...] [--backprop 60 [--rates 0.008]]: rows of `ola precompute
--denoiser none --text-means`, and modules of the view window that were trained on them. Prints a line of JSON for
each: the share of the variance that is left in each held-out part, by the module, by a Wiener filter of the whole
latent around the mean of all, and by one around the text mean; both have the principal axes and spreads of the
training rows. What the filter of a module leaves, where it has one, is shown too: what it reads before anything
evolved. The variance is that of the latents around their mean, site by site. With --backprop, stacks of the same shape
are learnt on the same rows under torch for so many CPU-seconds on one thread, and the best of the rates on validation
rows counts.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.common.clock import Clock
from bench.common.threads import limit_threads
from bench.ovae.learning import Learning
from bench.studies.clones import given_of
from bench.studies.text_to_latent import parts_of
from olacore.blocks import noise_of, rows_of
from olacore.data import Dataset, open_dataset
from olacore.modules.module import load
from olacore.quality.baselines import Baselines
from olacore.quality.evaluation import whole_items
from olacore.search.config import TrainConfig
from olacore.views.denoising import DenoiserView
from olacore.views.scaling import Scaling

# Of backprop.
RATES = (1e-3, 2e-3, 4e-3)


def read(data: Dataset, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Latents, text means and noise of rows, (n, numbers) float64 each."""
    found = data.read(["latents", "text_means", "noise_seeds"], rows)
    noise = noise_of(found["noise_seeds"], found["latents"].shape[1:])
    arrays = (found["latents"], found["text_means"], noise)
    latents, means, drawn = (array.reshape(len(rows), -1).astype(np.float64) for array in arrays)
    return latents, means, drawn


class Learnt(Learning):
    """Backprop of the shape of an evolved denoiser; nothing is measured on the way."""

    def _figure(self) -> float:
        return 0.0

    def missed(self, rows: np.ndarray) -> float:
        """Summed squared errors of rows."""
        plain, total = Scaling.identity(self.view.inputs, self.view.outputs), 0.0
        for raw, _ in whole_items(self.view, self.dataset, rows, self.view.fields_in(self.dataset)):
            inputs, _ = rows_of(self.view.gather(raw, self.scaling))
            guess = self.scaling.restore_targets(self.network.predict(inputs))
            total += float(np.square(guess - self.view.gather_targets(raw, plain)).sum(dtype=np.float64))
        return total


def learn(data: Dataset, rows: Path, run: Path, seconds: float, rates: Sequence[float]) -> Learnt:
    """Learn what a run evolved, with the best of some rates."""
    module, baselines = load(run), Baselines.load(run / "baselines.safetensors")
    config = TrainConfig("denoiser", (rows,), view="window", level=getattr(module.view, "level"))  # noqa: B009
    apart = np.intersect1d(module.view.items(data), data.indices("validation"))
    tried = [Learnt(config, module, baselines, data, rate, seconds, Clock()) for rate in rates]
    for one in tried:
        one.run()
    return min(tried, key=lambda one: one.missed(apart))


def compare(
    data: Dataset, run: Path, rows_file: Path | None = None, seconds: float = 0.0, rates: Sequence[float] = RATES
) -> dict[str, object]:
    """Figures of one module, of the filters at its level, and of backprop for so many seconds."""
    from teachers.comparison.wiener import Wiener

    module = load(run)
    view = module.view
    assert isinstance(view, DenoiserView)
    items = view.items(data)
    latents, means, _ = read(data, np.intersect1d(items, data.indices("train")))
    mean = latents.mean(0)
    filters = {"Wiener": (False, Wiener.fit(latents - mean)), "Wiener with text": (True, Wiener.fit(latents - means))}
    learnt = learn(data, rows_file, run, seconds, rates) if rows_file and seconds else None
    left: dict[str, dict[str, float]] = {}
    for part, rows in parts_of(data).items():
        rows = np.intersect1d(items, rows)
        latents, means, noise = read(data, rows)
        given, _ = given_of(data, view, rows)
        answers = {"module": module.run(given).reshape(latents.shape)}
        if own := getattr(view, "filter", None):
            noisy, text = (given[name].astype(np.float16) for name in ("noisy", "text_means"))
            answers["filter"] = own.clean(noisy, text, given.get("certainty")).reshape(latents.shape)
        for name, (with_text, best) in filters.items():
            around = means if with_text else mean
            answers[name] = around + best.clean(latents + view.level * noise - around, view.level)
        missed = {name: float(np.square(each - latents).sum()) for name, each in answers.items()}
        if learnt:
            missed["backprop"] = learnt.missed(rows)
        # One variance for all, of the latents around their mean site by site.
        spread = float(np.square(latents - mean).sum())
        left[part] = {name: error / spread for name, error in missed.items()}
    more = {"backprop": {"seconds": seconds, "rate": learnt.rate, "steps": learnt.steps}} if learnt else {}
    return {"level": view.level, "bytes": module.nbytes(), "left": left, **more}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--backprop", type=float, default=0.0, help="CPU-seconds for each rate; 0 leaves it out")
    parser.add_argument("--rates", type=float, nargs="+", default=RATES, help="of backprop's first steps")
    asked = parser.parse_args()
    with open_dataset([asked.rows]) as data, limit_threads(1, torch=asked.backprop > 0):
        for run in asked.runs:
            sys.stdout.write(json.dumps(compare(data, run, asked.rows, asked.backprop, asked.rates)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
