"""The demonstration: pictures of prompts, then modules evolved from the shipped sample, without torch.

The pictures are drawn by the sets that come with the package. Evolved are an affine encoder, an affine decoder, and a
stack in the decoder's place, beside modules that come with the package.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from olacore import pretrained
from olacore.data import open_dataset
from olacore.data.sample import sample_path
from olacore.drawing.generator import Generator
from olacore.errors import OutputExistsError
from olacore.files import replace_file
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
ABOUT = (
    "three small maps are evolved from 24 pictures and the latents that a teacher made of them, at most %s s each: "
    "no torch, no gradient; what comes with the package was made the same way from 165 photographs"
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Demo:
    """What the demonstration gave.

    Parameters
    ----------
    results : of `encoder`, `decoder` and `stack`; those after an interruption are missing
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
    """Evolve each module for so many seconds at most and write runs, pictures, curves and `summary.json` into `out`.

    Parameters
    ----------
    watch : makes the callback of each module's search
    should_stop : as for `train`
    """
    sample = sample_path()
    if (out / "encoder").exists() and not force:
        raise OutputExistsError(f"the folder {out} already holds a demonstration; give --force to replace it.")
    out.mkdir(parents=True, exist_ok=True)
    draw_prompts(out)
    logger.info(ABOUT, f"{seconds:g}")
    results: dict[str, Result] = {}
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
    show_curves(results, sample, out)
    codec = show_pictures({name: result.module for name, result in results.items()}, sample, out)
    summary: dict[str, Any] = {name: result.figures for name, result in results.items()}
    summary["codec"] = codec
    replace_file(out / "summary.json", (json.dumps(summary, indent=2) + "\n").encode())
    return Demo(results, codec)


def draw_prompts(out: Path) -> None:
    """Write `prompts.png`: what each shipped set draws of some prompts."""
    begin, rows = perf_counter(), []
    for name in reversed(pretrained.sets()):
        generator = Generator(name, kernels=False)
        rows.append([generator.draw(prompt)[0].picture for prompt in PROMPTS])
    took = perf_counter() - begin
    titles = [prompt.replace(": ", ":\n") for prompt in PROMPTS]
    write_picture(out / "prompts.png", grid([[fit(one, SHOWN, SHOWN) for one in row] for row in rows], titles))
    logger.info("%d pictures of prompts drawn in %.1f s: %s", len(rows) * len(PROMPTS), took, out / "prompts.png")


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
