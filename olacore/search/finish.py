"""The end of every search: a module, its figures beside the baselines, and its file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from olacore.data import Dataset
from olacore.data.decoded import DECODER
from olacore.modules.layers import Layer
from olacore.modules.module import Module, load
from olacore.quality.baselines import fit_to_data
from olacore.quality.evaluation import OF_TEXT_TEACHERS, Figures, evaluate_parts, joined
from olacore.search.advice import few_pictures, nothing_learned, poor_figures
from olacore.search.run_folder import RunFolder
from olacore.search.task import Progress, Task
from olacore.views.patch import PatchDecoder

INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Result:
    """What a training run gave.

    Parameters
    ----------
    module : the best module found, by its validation loss
    folder : the run folder
    stopped : why it ended: "generations", "passes", "time", "loss", "frozen" or "interrupted"
    parts : held-out figures of module and baselines by the part of the data, "held-out" where it has no name; empty
        where there are no held-out samples or the run was interrupted
    notes : sentences about few data and poor figures
    """

    module: Module
    folder: Path
    stopped: str
    parts: dict[str, Figures]
    notes: tuple[str, ...] = ()

    @property
    def figures(self) -> dict[str, Any]:
        """Held-out figures of module and baselines, by part where parts have names; see `parts`."""
        return joined(self.parts) if self.parts else {}


def best_module(task: Task, progress: Progress) -> Module:
    """Make a module of the best candidate so far."""
    best = progress.best
    layers = tuple(Layer(*layer) for layer in best.hidden)
    space = (
        task.dataset.space if {"frames", "latents"} & {*task.view.fields} and "recon" not in task.view.fields else None
    )
    stored = task.config.settled.weights
    summary = summary_of(task, progress)
    return Module(task.view, space, best.weights, best.biases, progress.scaling, summary, stored, layers)


def summary_of(task: Task, progress: Progress) -> dict[str, Any]:
    """Tell how a module was found, in JSON types, without dates, seconds or paths."""
    licences = sorted({source.licence for source in task.dataset.sources if source.licence})
    config, settled = task.config, task.config.settled
    return {
        "data": task.digest,
        "rows": task.rows_per_pass,
        "licences": licences,
        **makers_of(task),
        "strategy": settled.strategy.name,
        "options": {**config.options, **progress.strategy.chosen},
        "loss": task.objective.name,
        "output_weights": list(config.output_weights),
        **({"population": settled.population} if settled.strategy.populated else {}),
        "seed": config.seed,
        **({} if config.island is None else {"island": config.island.title, "migrated": progress.migrated}),
        "block": config.block,
        "generations": progress.generation,
        "validation_loss": float(f"{progress.shown_loss:.6g}"),
        "validation_r2": float(f"{progress.shown_r2:.6g}"),
    }


def makers_of(task: Task) -> dict[str, Any]:
    """Who made the embeddings or the pictures that a module reads, so that those of others are refused."""
    told = OF_TEXT_TEACHERS & {*task.view.fields}
    names = [*(("text_teacher", "text_sha256") if told else ()), *(("tokenizer_sha256",) if "tokens" in told else ())]
    settings = task.dataset.settings
    drawn = {"pictures_sha256": settings[DECODER]} if "recon" in task.view.fields and DECODER in settings else {}
    return {name: settings[name] for name in names if name in settings} | drawn


def finish(
    module: Module,
    dataset: Dataset,
    folder: RunFolder,
    items: dict[str, np.ndarray],
    stopped: str,
    skip_nonfinite: bool,
) -> Result:
    """Write a module, with its figures beside the baselines unless the run was interrupted.

    Parameters
    ----------
    items : indices of the usable items of each split
    """
    parts: dict[str, Figures] = {}
    notes: list[str] = []
    if stopped != INTERRUPTED:
        baselines = fit_to_data(dataset, module.view, module.scaling, items, module.training["seed"])
        baselines.save(folder.baselines)
        if len(items["held-out"]):
            parts = evaluate_parts(module, dataset, baselines, skip_nonfinite=skip_nonfinite)
            held_out = joined({part: rounded(figures) for part, figures in parts.items()})
            module = replace(module, training={**module.training, "held_out": held_out})
        few = few_pictures(dataset, module.kind, items["train"])
        poor = [*poor_figures(module, dataset, parts, items["held-out"])]
        notes = [note for note in (few, *poor, nothing_learned(module.training, stopped)) if note]
    module.save(folder.module)
    return Result(module, folder.path, stopped, parts, tuple(notes))


def keep_refined(refiner: Module, reference: Path | str, path: Path) -> None:
    """Write the decoder that a refiner was evolved behind with the refiner in it, where it is one that carries one."""
    decoder = load(reference)
    if isinstance(decoder.view, PatchDecoder) and decoder.refiner is None:
        decoder.with_refiner(refiner).save(path)


def rounded(figures: Figures) -> Figures:
    """Return the figures with six significant digits, single numbers only."""
    return {
        row: {name: float(f"{value:.6g}") for name, value in values.items() if isinstance(value, float)}
        for row, values in figures.items()
    }
