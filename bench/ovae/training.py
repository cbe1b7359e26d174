"""Part `train`: make every module with its one command, and record what that took."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from bench.common.cells import Cells
from bench.common.sources import code_digest, file_digest
from bench.ovae.recipes import Recipe
from bench.ovae.sources import SEARCH
from bench.ovae.workspace import Workspace, about
from olacore.modules.module import load
from olacore.search.observers import Event, Reported
from olacore.search.train import train


class Stages:
    """Follows the searches of a run, one after the other, by the lines of their logs.

    `seconds` are wall time of the search, without compiling and reading; `cpu` are those of all threads, from the
    first generation's report on.
    """

    def __init__(self, now: Callable[[], float] = time.process_time) -> None:
        self._now, self._began = now, 0.0
        self.stages: list[dict[str, float]] = []

    def __call__(self, event: Event) -> None:
        """Take a line of a log."""
        if not isinstance(event, Reported):
            return
        now, line = self._now(), event.line
        if not self.stages or line["generation"] <= self.stages[-1]["generations"]:
            self.stages.append({})
            self._began = now
        self.stages[-1].update(generations=line["generation"], seconds=line["seconds"], cpu=now - self._began)


def train_all(
    recipes: tuple[Recipe, ...], workspace: Workspace, cells: Cells, say: Callable[[str], object]
) -> dict[str, dict[str, Any]]:
    """Run every recipe that was not run yet, and return what is known of the runs by name."""
    found = {}
    for recipe in recipes:
        if not cells.frozen:
            workspace.make(recipe.source, say)
        if (value := train_one(recipe, workspace, cells, say)) is not None:
            found[recipe.name] = value
    return found


def train_one(
    recipe: Recipe, workspace: Workspace, cells: Cells, say: Callable[[str], object]
) -> dict[str, Any] | None:
    """Run a recipe unless it was run; None if it was not and cells are frozen."""
    if not workspace.h5(recipe.source).exists():
        return None
    with workspace.open(recipe.source) as dataset:
        facts = about(dataset)
    threads = numba.get_num_threads()
    folder = workspace.run(recipe)
    key = {
        "settings": recipe.settings,
        "data": facts["digest"],
        "code": code_digest(*SEARCH),
        "threads": threads,
        # A run whose files are gone, or were replaced, is run again.
        "files": {name: file_digest(folder / file) for name, file in recipe.makes.items()},
    }

    def make() -> dict[str, Any]:
        say(f"{recipe.name}: {recipe.command}")
        value = run(recipe, workspace.h5(recipe.source), folder)
        key["files"] = {name: file["sha256"] for name, file in value["files"].items()}
        say(f"{recipe.name}: {value['seconds']:.0f} s of search, {value['cpu']:.0f} CPU-seconds")
        return {**value, "threads": threads, "data": facts}

    return cells.get(f"train-{recipe.name}", key, make)


def run(recipe: Recipe, h5: Path, folder: Path) -> dict[str, Any]:
    """Run a recipe in a folder."""
    stages = Stages()
    began = time.perf_counter()
    train(recipe.config(h5, folder), (stages,))
    whole = time.perf_counter() - began
    files = {}
    for name, file in recipe.makes.items():
        path = folder / file
        module = load(path)
        files[name] = {
            "bytes": path.stat().st_size,
            "sha256": file_digest(path),
            "layers": list(module.layers),
            "behind": list(module.refiner.layers) if module.refiner else [],
            "held_out": (module.refiner or module).training.get("held_out", {}),
        }
    return {
        "command": recipe.command,
        "stages": stages.stages,
        "seconds": sum(stage["seconds"] for stage in stages.stages),
        "cpu": sum(stage["cpu"] for stage in stages.stages),
        "whole_seconds": whole,
        "files": files,
    }
