"""Denoisers that were cloned from a pipeline beside the pipeline's own network.

python -m bench.studies.clones ROWS.h5 RUN [RUN ...] [--teacher PIPELINE]: rows of `ola precompute --denoiser PIPELINE`,
and modules of the view window that learnt its answers. Prints a line of JSON for each: by held-out part, what is left
of the true latents by the teacher and by the module, the ratio of the two errors, and the share R2 of the noise that
the teacher finds which the module finds too, whatever share of truth its own targets had; with --teacher, how long each
takes for one latent on one thread, by turns. Behind several modules of one level, share and view comes a line for the
mean of what they answer.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.common.threads import limit_threads
from bench.studies.text_to_latent import parts_of
from olacore.blocks import noise_of
from olacore.data import Dataset, open_dataset
from olacore.modules.module import Module, load
from olacore.views.denoising import DenoiserView

REPEATS = 15


def given_of(
    data: Dataset, view: DenoiserView, rows: np.ndarray, *fields: str
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What a module is given of rows, their own noise at the view's level, and more of the rows."""
    found = data.read(["latents", "noise_seeds", *fields, *(set(view.given) - {"noisy"})], rows)
    noise = noise_of(found["noise_seeds"], found["latents"].shape[1:])
    noisy = found["latents"].astype(np.float32) + np.float32(view.level) * noise
    return {**{name: found[name] for name in view.given if name != "noisy"}, "noisy": noisy}, found


def compare(data: Dataset, *modules: Module) -> dict[str, Any]:
    """Figures of each held-out part, of the mean of what modules of one view answer."""
    view = modules[0].view
    assert isinstance(view, DenoiserView)
    items = view.items(data)
    train = np.intersect1d(items, data.indices("train"))
    mean = data.read(["latents"], train)["latents"].mean(0, dtype=np.float64)
    told: dict[str, Any] = {}
    for part, rows in parts_of(data).items():
        given, found = given_of(data, view, np.intersect1d(items, rows), "answers")
        clean, teacher = (found[name].astype(np.float64) for name in ("latents", "answers"))
        ours = np.mean([module.run(given) for module in modules], axis=0, dtype=np.float64)
        spread = np.square(clean - mean).sum()
        missed = {name: float(np.square(one - clean).sum()) for name, one in (("teacher", teacher), ("module", ours))}
        noise = given["noisy"] - teacher  # what the teacher takes for noise, in the units of the latents
        told[part] = {name: error / spread for name, error in missed.items()}
        told[part]["ratio"] = missed["module"] / missed["teacher"]
        told[part]["noise r2"] = 1 - float(np.square(ours - teacher).sum() / np.square(noise - noise.mean()).sum())
    return told


def seconds(data: Dataset, module: Module, reference: str) -> dict[str, float]:
    """Medians for one latent, the teacher with its prompt."""
    from teachers.denoisers.load import load_denoiser

    view = module.view
    assert isinstance(view, DenoiserView)
    teacher = load_denoiser(reference)
    given, _ = given_of(data, view, view.items(data)[:1])
    sigma, caption = view.level, data.captions[0][0]
    tries = {
        "teacher": lambda: teacher.clean(given["noisy"][0], sigma, caption),
        "module": lambda: module.run(given),
    }
    taken: dict[str, list[float]] = {name: [] for name in tries}
    for number in range(REPEATS + 1):
        for name, run in tries.items():
            began = time.perf_counter()
            run()
            taken[name] += [time.perf_counter() - began] if number else []
    return {name: statistics.median(each) for name, each in taken.items()}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.studies.clones", description="Clones beside their teacher.")
    parser.add_argument("rows", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--teacher", help="the pipeline, to measure times")
    asked = parser.parse_args()
    alike: dict[tuple[Any, ...], list[Module]] = {}
    with open_dataset([asked.rows]) as data, limit_threads(1, torch=asked.teacher is not None):
        for run in asked.runs:
            module = load(run)
            view = module.view
            assert isinstance(view, DenoiserView)
            alike.setdefault((view.level, view.truth, *view.given), []).append(module)
            told = {"level": view.level, "truth": view.truth, "bytes": module.nbytes(), "left": compare(data, module)}
            tell(told | ({"seconds": seconds(data, module, asked.teacher)} if asked.teacher else {}))
        for (level, truth, *_), modules in alike.items():
            if len(modules) > 1:
                size, left = sum(module.nbytes() for module in modules), compare(data, *modules)
                tell({"level": level, "truth": truth, "mean of": len(modules), "bytes": size, "left": left})


def tell(line: dict[str, Any]) -> None:
    """Print a line of JSON at once."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
