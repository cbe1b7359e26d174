"""What a search says in words: that there are few pictures to learn from, and that what came out is poor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from olacore import pretrained
from olacore.data import Dataset
from olacore.foreign.names import counted
from olacore.modules.module import Module, load
from olacore.pretrained.catalogue import family_of
from olacore.quality.evaluation import Figures, loss_on

if TYPE_CHECKING:
    from olacore.search.config import TrainConfig

# Training pictures, and photographs or scenes that they are of, below which a word is said.
FEW_PICTURES, FEW_SCENES = 16, 4
# Of the variance of validation samples: what explains less has learned nothing that would be seen.
LEAST_R2 = 1e-3
# Held-out pictures at most that a shipped module is measured on.
COMPARED = 64
# What a module should be better than, and what it is where it is not.
LEAST = {
    "mean": "the mean of the targets, whatever is put in",
    "block_mean": "the mean colour of each block, which needs no module that draws",
}


def few_pictures(dataset: Dataset, kind: str, train: np.ndarray) -> str | None:
    """Say that there are few training pictures, and what to do; None where there are enough, or no pictures.

    Parameters
    ----------
    kind : of the module that learns from them
    train : the training rows
    """
    if not (dataset.sources and dataset.has("frames") and len(train)):
        return None
    sources = dataset.read(("rows",), train, checked=False)["rows"]["source"]
    scenes = len({dataset.sources[source].name for source in np.unique(sources).tolist()})
    if len(train) >= FEW_PICTURES and scenes >= FEW_SCENES:
        return None
    shipped = shipped_name(dataset, kind)
    return (
        f"{counted(len(train), 'training picture')} of {counted(scenes, 'scene')} are few, and what is learnt from "
        f"them may hold for them alone: {f'use {shipped}, or ' if shipped else ''}add pictures of other scenes."
    )


def poor_figures(module: Module, dataset: Dataset, parts: dict[str, Figures], held_out: np.ndarray) -> Iterator[str]:
    """Yield a sentence for everything that a module should have been better than and is not.

    Parameters
    ----------
    parts : held-out figures of module and baselines, by part
    held_out : the held-out rows
    """
    for part, figures in parts.items():
        ours = figures["module"]["loss"]
        for name, what in LEAST.items():
            if name in figures and not ours < figures[name]["loss"]:
                yield f"this is poor: on {part} samples the module is no better than {what} ({beside(figures, name)})."
    shipped = shipped_name(dataset, module.kind)
    if shipped and len(held_out):
        some = held_out[:COMPARED]
        ours, theirs = (loss_on(one, dataset, some) for one in (module, load(shipped)))
        if not ours <= theirs:
            yield (
                f"this is worse than {shipped}, which comes with the package: squared error {ours:.4g}, its "
                f"{theirs:.4g}, on {counted(len(some), 'held-out picture')}."
            )


def nothing_learned(training: Mapping[str, Any], stopped: str) -> str | None:
    """Say that a module explains next to nothing of the validation samples; None where it does.

    Parameters
    ----------
    training : what the module knows of its search
    stopped : why that ended, see `Result`
    """
    if training["validation_r2"] >= LEAST_R2:
        return None
    cut = "its time was over" if stopped == "time" else "it ended"
    return (
        f"it has learned nothing that shows: {cut} after {counted(training['generations'], 'generation')}, and on "
        "validation samples it is no better than the mean of the targets; give it more time."
    )


def ended_by_default(config: TrainConfig, stopped: str) -> str | None:
    """Say that a search ended after a number of generations that nobody asked for, before another limit; None if not.

    Parameters
    ----------
    config : of the search, as it was in the end
    stopped : why it ended, see `Result`
    """
    limited = config.seconds is not None or config.until_loss is not None
    if stopped != "generations" or config.generations is not None or not limited:
        return None
    return (
        f"stopped after the default {counted(config.settled.generations, 'generation')}; --generations searches longer."
    )


def beside(figures: Figures, name: str) -> str:
    """The squared errors of the module and of something beside it."""
    return f"squared error {figures['module']['loss']:.4g}, its {figures[name]['loss']:.4g}"


def shipped_name(dataset: Dataset, kind: str) -> str | None:
    """The shipped module of a kind for the latents of some data; None where there is none."""
    family = family_of(dataset.space)
    name = f"{family}-{kind}"
    return name if family and name in pretrained.names() else None
