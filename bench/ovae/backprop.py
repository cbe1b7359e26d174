"""Part `backprop`: every kind of stack evolved, and by backprop on the same shape, data, thread and CPU-seconds.

The best learning rate counts. The clock of both sides is the process's time, gathering of data included, compiling and
the first steps not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.common.cells import Cells
from bench.common.sources import code_digest, file_digest
from bench.common.threads import limit_threads
from bench.ovae.followed import evolve, held_out_figure, open_config
from bench.ovae.learning import run_backprop
from bench.ovae.recipes import Recipe
from bench.ovae.sources import BACKPROP, SEARCH
from bench.ovae.workspace import Workspace
from olacore.blocks import RawBlock
from olacore.errors import ConfigError
from olacore.quality.baselines import Baselines
from olacore.search.config import TrainConfig
from olacore.search.rules import PAIR

RATES = (3e-4, 1e-3, 2e-3, 4e-3, 8e-3)


@dataclass(frozen=True)
class Case:
    """One kind of module that is compared.

    Parameters
    ----------
    recipe : that it comes from; of a pair its decoder, on the latents of its encoder
    """

    recipe: Recipe

    @property
    def name(self) -> str:
        """For tables."""
        return self.recipe.name if self.recipe.kind != PAIR else f"{self.recipe.family}-decoder"

    def config(self, workspace: Workspace, seed: int) -> TrainConfig:
        """Settings of its search."""
        h5, out = workspace.h5(self.recipe.source), workspace.work / "backprop" / f"{self.name}-{seed}"
        config = replace(self.recipe.config(h5, out), seed=seed)
        if self.recipe.kind != PAIR:
            return config
        # Both sides minimise what they are judged by.
        return replace(config, module="decoder", latents_from=workspace.run(self.recipe) / "encoder", loss="mse")


def compare_all(
    recipes: tuple[Recipe, ...],
    workspace: Workspace,
    cells: Cells,
    say: Callable[[str], object],
    rates: tuple[float, ...] = RATES,
    seeds: int = 1,
) -> list[dict[str, Any]]:
    """Compare the stacks among the recipes, and return one entry a case and seed."""
    found = []
    with limit_threads(1):
        for case in (Case(recipe) for recipe in recipes if "stack" in recipe.settings and not recipe.behind):
            for seed in range(seeds):
                value = compare(case, seed, workspace, cells, say, rates)
                if value is not None:
                    found.append(value)
    return found


def compare(
    case: Case, seed: int, workspace: Workspace, cells: Cells, say: Callable[[str], object], rates: tuple[float, ...]
) -> dict[str, Any] | None:
    """Evolve, then learn with each rate for as long; None where that is not there and cells are frozen.

    Raises
    ------
    ConfigError  if the encoder of a pair was not made yet
    """
    config = case.config(workspace, seed)
    if not config.h5[0].exists():
        return None
    if config.latents_from is not None and not Path(config.latents_from).is_dir():
        if cells.frozen:
            return None
        raise ConfigError(f"{case.name} needs its encoder in {config.latents_from}; run the part train first.")
    name = f"backprop-{case.name}-{seed}"
    with open_config(config) as dataset:
        key = {"settings": config.search_settings(), "data": dataset.digest(), "generations": config.generations}
    evolved = cells.get(f"{name}-evolved", {**key, "code": code_digest(*SEARCH)}, lambda: run_evolved(config))
    if evolved is None:
        return None
    say(f"{case.name}: evolved {evolved['curve'][-1][1]:.4f} in {evolved['curve'][-1][0]:.0f} CPU-seconds")
    seconds, curves = evolved["curve"][-1][0], {}
    assert config.out is not None
    against = {"module": evolved["sha256"], "seconds": seconds, "code": code_digest(*BACKPROP)}
    for rate in rates:

        def learn(rate: float = rate) -> dict[str, Any]:
            return run_backprop(config, rate, seconds)

        learnt = cells.get(f"{name}-{rate:g}", {**against, "rate": rate}, learn)
        if learnt is not None:
            curves[f"{rate:g}"] = learnt["curve"]
            say(f"{case.name}: backprop, rate {rate:g}, {learnt['curve'][-1][1]:.4f} in {learnt['steps']} steps")
    return summarise(case.name, seed, evolved, curves)


def summarise(name: str, seed: int, evolved: dict[str, Any], curves: dict[str, list[list[float]]]) -> dict[str, Any]:
    """Gains over affine least squares, and their ratio; None of backprop where it was not run."""
    gain = evolved["curve"][-1][1] - evolved["affine"]
    best = max(curves, key=lambda rate: curves[rate][-1][1]) if curves else None
    theirs = curves[best][-1][1] - evolved["affine"] if best else None
    return {
        "case": name,
        "seed": seed,
        "unit": evolved["unit"],
        "affine": evolved["affine"],
        "evolved": evolved["curve"],
        "backprop": curves,
        "best_rate": best,
        "gain": gain,
        "backprop_gain": theirs,
        "ratio": gain / theirs if theirs is not None and theirs > 0 else None,
    }


def run_evolved(config: TrainConfig) -> dict[str, Any]:
    """Evolve, and measure the module and least squares of its window on held-out pictures."""
    module, curve = evolve(config)
    assert config.out is not None
    baselines = Baselines.load(config.out / "baselines.safetensors")

    def affine(raw: RawBlock) -> np.ndarray:
        return module.scaling.restore_targets(baselines.predict(module.view.gather(raw, module.scaling)))

    with open_config(config) as dataset:
        figure = held_out_figure(affine, module.view, module.scaling, dataset)
    sha256 = file_digest(config.out / "module.safetensors")
    unit = "R2" if module.kind == "encoder" else "dB"
    return {"curve": curve, "affine": figure, "unit": unit, "sha256": sha256, "layers": list(module.layers)}
