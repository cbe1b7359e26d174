"""The demonstration: pictures of prompts, then modules evolved while one waits, without torch.

The pictures are drawn by the sets that come with the package. Evolved are a small module that draws, from the captions
and small pictures of such a set, and from the shipped sample an affine encoder, an affine decoder, and a stack in the
decoder's place, beside modules that come with the package.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from olacore import pretrained
from olacore.data import open_dataset
from olacore.data.sample import sample_path
from olacore.drawing.generator import DEFAULT_SET, Generator
from olacore.drawing.live import draw_small, evolve_drawing
from olacore.errors import OutputExistsError
from olacore.files import make_folder, replace_file
from olacore.media.canvas import fit, grid
from olacore.media.curves import Floors, draw_curves
from olacore.media.pictures import write_picture
from olacore.modules.module import Module, load
from olacore.quality.baselines import Baselines
from olacore.quality.evaluation import evaluate
from olacore.quality.psnr import mean_psnr
from olacore.search.config import TrainConfig
from olacore.search.observers import Callback
from olacore.search.run_folder import RunFolder
from olacore.search.train import Result, train

SECONDS = 20.0
# Hidden units of the stack, and blocks of its search.
UNITS, GENERATIONS = 64, 100
CAPTIONS = (
    "original",
    "teacher's decoding",
    "organic decoder, teacher's latent",
    "organic stack, teacher's latent",
    "organic encoder and decoder",
    "sd15-decoder, shipped",
    "codec4 pair, shipped",
)
# Two of them are combinations that the sets were not trained on.
PROMPTS = (
    "a red heart",
    "woman firefighter: light skin tone",
    "rocket",
    "thumbs up: medium skin tone",
    "a cat",
    "pizza",
)
# Pixels along a side of a drawn picture on its sheet.
SHOWN = 160
# What is said before each part.
DRAWN = "1 of 3: the sets that come with the package draw six prompts; every module in them was evolved on a CPU"
EVOLVED = (
    "2 of 3: now a module is evolved that draws such prompts itself, 16 x 16 pixels, from captions and small pictures "
    "alone: changes are proposed at random, scored, and kept where the loss falls; no torch, no gradient"
)
ABOUT = (
    "3 of 3: an encoder, a decoder and a deeper decoder are evolved from 24 pictures and the latents that a teacher "
    "made of them, at most %s s each; what comes with the package was made the same way from 165 photographs"
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Demo:
    """What the demonstration gave.

    Parameters
    ----------
    results : of `drawing`, `encoder`, `decoder` and `stack`; those after an interruption are missing
    codec : PSNR in dB on the held-out pictures of the teacher, and of the organic encoder with the organic decoder
    """

    results: dict[str, Result]
    codec: dict[str, float]


def run_demo(
    out: Path,
    seconds: float = SECONDS,
    force: bool = False,
    watch: Callable[[str], Callback] = lambda module: lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Demo:
    """Draw, evolve each module for so many seconds at most, and write runs, pictures and `summary.json` into `out`.

    Parameters
    ----------
    watch : makes the callback of each module's search
    should_stop : as for `train`
    """
    sample = sample_path()
    if (out / "encoder").exists() and not force:
        raise OutputExistsError(f"the folder {out} already holds a demonstration; give --force to replace it.")
    make_folder(out)
    logger.info(DRAWN)
    generators = {name: Generator(name, kernels=False) for name in reversed(pretrained.sets())}
    rows = draw_prompts(generators, out)
    logger.info(EVOLVED)
    generator = generators[DEFAULT_SET]
    drawing = evolve_drawing(generator, out / "drawing", seconds, force, (watch("drawing"),), should_stop)
    results: dict[str, Result] = {"drawing": drawing}
    if drawing.stopped == "interrupted":
        return Demo(results, {})
    show_drawing(rows[DEFAULT_SET], [*draw_small(generator, drawing.module, PROMPTS)], out)
    logger.info(ABOUT, f"{seconds:g}")
    common: dict[str, Any] = {"h5": (sample,), "seconds": seconds, "force": force}
    for name, config in {
        "encoder": TrainConfig("encoder", out=out / "encoder", **common),
        "decoder": TrainConfig("decoder", out=out / "decoder", **common),
        "stack": TrainConfig(
            "decoder", stack=UNITS, weights="float16", generations=GENERATIONS, out=out / "stack", **common
        ),
    }.items():
        results[name] = train(config, (watch(name),), should_stop)
        if results[name].stopped == "interrupted":
            return Demo(results, {})
    of_sample = {name: result for name, result in results.items() if name != "drawing"}
    show_curves(of_sample, sample, out)
    codec = show_pictures({name: result.module for name, result in of_sample.items()}, sample, out)
    summary: dict[str, Any] = {name: result.figures for name, result in results.items()}
    summary["codec"] = codec
    replace_file(out / "summary.json", (json.dumps(summary, indent=2) + "\n").encode())
    return Demo(results, codec)


def draw_prompts(generators: Mapping[str, Generator], out: Path) -> dict[str, list[np.ndarray]]:
    """Write `prompts.png`, what each set draws of some prompts, and return the pictures."""
    begin = perf_counter()
    rows = {name: [one.draw(prompt)[0].picture for prompt in PROMPTS] for name, one in generators.items()}
    took = perf_counter() - begin
    write_rows(out / "prompts.png", [*rows.values()])
    logger.info("%d pictures of prompts drawn in %.1f s: %s", len(rows) * len(PROMPTS), took, out / "prompts.png")
    return rows


def show_drawing(shipped: Sequence[np.ndarray], small: Sequence[np.ndarray], out: Path) -> None:
    """Write `drawing.png`: above what a set draws, below what was evolved now."""
    write_rows(out / "drawing.png", [shipped, small])
    logger.info("below what comes with the package, what was evolved just now: %s", out / "drawing.png")


def write_rows(path: Path, rows: Sequence[Sequence[np.ndarray]]) -> None:
    """Write a sheet of pictures of the prompts."""
    titles = [prompt.replace(": ", ":\n") for prompt in PROMPTS]
    write_picture(path, grid([[fit(one, SHOWN, SHOWN) for one in row] for row in rows], titles))


def show_curves(results: dict[str, Result], sample: Path, out: Path) -> None:
    """Write `curves.png` of the runs, between least squares and the mean of the same validation samples."""
    logs, floors = {}, {}
    with open_dataset([sample]) as dataset:
        for name, result in results.items():
            run = RunFolder(result.folder, resume=True, force=False)
            baselines = Baselines.load(run.baselines)
            mean = evaluate(result.module, dataset, baselines, "validation")["mean"]["loss"]
            logs[name], floors[name] = run.read_log(), Floors(baselines.validation_loss, mean)
    draw_curves(logs, floors, out / "curves.png")


def show_pictures(modules: dict[str, Module], sample: Path, out: Path) -> dict[str, float]:
    """Write `side_by_side.png` of one held-out picture a source, and return the PSNR in dB over all held-out ones."""
    with open_dataset([sample]) as dataset:
        rows = dataset.read(("frames", "latents", "recon", "rows"), dataset.indices("held-out"))
    frames = rows["frames"]
    through = modules["decoder"].decode(modules["encoder"].encode(frames))
    decoded = (modules[name].decode(rows["latents"]) for name in ("decoder", "stack"))
    shipped = (
        load("sd15-decoder").decode(rows["latents"]),
        load("codec4-decoder").decode(load("codec4-encoder").encode(frames)),
    )
    columns = (frames, rows["recon"], *decoded, through, *shipped)
    _, first = np.unique(rows["rows"]["source"], return_index=True)
    sheet = grid([[column[index] for column in columns] for index in first], CAPTIONS)
    write_picture(out / "side_by_side.png", sheet)
    return {"teacher": mean_psnr(rows["recon"], frames), "organic": mean_psnr(through, frames)}
