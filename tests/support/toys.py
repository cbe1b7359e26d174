"""One of everything that can be added to olacore, in a few lines each: what CONTRIBUTING asks for and no more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numba
import numpy as np

from olacore.blocks import Block, RawBlock
from olacore.data import Dataset
from olacore.exports.base import Exporter, Part
from olacore.files import replace_file
from olacore.losses.elementwise import Elementwise
from olacore.losses.objective import MSE, Objective
from olacore.modules.kinds.base import Kind
from olacore.modules.module import Module
from olacore.search.backends.base import Backend
from olacore.search.config import TrainConfig
from olacore.search.finish import Result
from olacore.search.plans import SINGLE
from olacore.search.plans.base import Plan, Watch
from olacore.strategies.base import Problem, Report, State, Strategy, check_losses
from olacore.views.base import pack_standardised
from olacore.views.latents import LatentView, space_of
from olacore.views.noise import normal_like, uniform_of
from olacore.views.scaling import Scaling


@dataclass(frozen=True)
class Wander(Strategy):
    """A strategy: everybody mutates, and the better half is copied over the worse."""

    name: ClassVar[str] = "wander"

    sigma: float = 0.05

    def start(self, problem: Problem) -> State:
        """Genomes of zeros."""
        shape = (problem.population, problem.outputs, problem.inputs)
        trust = np.ones(problem.population, np.float32)
        return {"weights": np.zeros(shape, np.float32), "biases": np.zeros(shape[:2], np.float32), "trust": trust}

    def advance(self, state: State, block: Block, seed: int, generation: int, objective: Objective = MSE) -> Report:
        """Mutate all but the first, score, and sort."""
        draw = np.random.Generator(np.random.Philox(key=[seed, generation]))
        for name in ("weights", "biases"):
            state[name][1:] += self.sigma * draw.standard_normal(state[name][1:].shape).astype(np.float32)
        losses = objective.total(objective.score(state["weights"], state["biases"], block.inputs, block.targets))
        bad = check_losses(losses, generation)
        half = len(losses) // 2
        order = np.argsort(losses, kind="stable")
        order = np.concatenate([order[: len(order) - half], order[:half]])
        for name in ("weights", "biases"):
            state[name] = state[name][order]
        return Report(float(losses.min()), 0.5, bad)

    def candidate(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """The best."""
        return state["weights"][0], state["biases"][0]


@dataclass(frozen=True)
class NoisyMean(LatentView):
    """A view with two inputs: the mean of a noisy latent, and how noisy it is; the target is the clean mean."""

    kind: ClassVar[str] = "cleaner"
    name: ClassVar[str] = "mean"
    input_fields: ClassVar[tuple[str, ...]] = ("latents",)
    target_fields: ClassVar[tuple[str, ...]] = ("latents",)

    @classmethod
    def of(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Self:
        """The view of the data's latents."""
        space = space_of(dataset, cls)
        return cls(space.channels, space.factor)

    @property
    def inputs(self) -> int:
        """Channels, and the level."""
        return self.channels + 1

    @property
    def outputs(self) -> int:
        """Channels."""
        return self.channels

    def cut_inputs(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """The caller's own level, or a random one with its noise."""
        latents = raw.arrays["latents"].astype(np.float32)
        if "level" in raw.arrays:
            level = raw.arrays["level"]
        else:
            level = uniform_of(raw)
            latents = latents + level[:, None, None, None] * normal_like(raw, "latents")
        rows = np.hstack([latents.mean((2, 3)), np.asarray(level, np.float32)[:, None]])
        pack_standardised(rows[raw.item], scaling, out)

    def cut_targets(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """The mean of the latent as it is."""
        rows = raw.arrays["latents"].astype(np.float32).mean((2, 3))[raw.item]
        out[...] = ((rows - scaling.target_mean) / scaling.target_scale).T

    def site_count(self, arrays: Mapping[str, np.ndarray]) -> int:
        """One sample a latent."""
        return 1

    def empty(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Means."""
        return np.empty((len(arrays["latents"]), self.channels), np.float32)

    def assemble(self, outputs: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write means."""
        out[raw.item] = scaling.restore_targets(outputs).T


class Cleaner(Kind):
    """A kind that reads two named arrays."""

    name: ClassVar[str] = "cleaner"
    verb: ClassVar[str] = "clean"
    reads: ClassVar[tuple[str, ...]] = ("latents", "level")

    def run(self, module: Module, given: Mapping[str, np.ndarray]) -> np.ndarray:
        """Clean latents of known levels."""
        return module.answer({name: given[name] for name in self.reads})


def _lopsided(prediction: float, target: float) -> float:
    error = prediction - target
    return 4 * error if error > 0 else -error


def _lopsided_arrays(answers: np.ndarray, targets: np.ndarray) -> np.ndarray:
    errors = answers - targets
    return np.where(errors > 0, 4 * errors, -errors)


# A loss: four times as bad above the target as below it.
LOPSIDED = Elementwise("lopsided", numba.njit(_lopsided), _lopsided_arrays)


@dataclass(frozen=True)
class Summary(Exporter):
    """An exporter: sizes of the maps as JSON."""

    name: ClassVar[str] = "summary"
    suffix: ClassVar[str] = ".json"

    digits: int = 0

    def write(self, parts: Sequence[Part], path: Path) -> None:
        """Write the sizes."""
        program = parts[0].program
        sizes = [round(size, self.digits) for size in (program.inputs, *(len(step.biases) for step in program.steps))]
        replace_file(path, json.dumps({"sizes": sizes, "kind": parts[0].about["kind"]}).encode())


class Backwards(Backend):
    """A backend that takes the last payload first."""

    name: ClassVar[str] = "backwards"

    def map(self, job: Callable[[Any], Any], payloads: Iterable[Any]) -> list[Any]:
        """Run the jobs in this process."""
        return [job(payload) for payload in reversed(list(payloads))][::-1]


class Twice(Plan):
    """A plan of two searches, the second with another seed; the better one is the result."""

    name = "twice"

    def run(self, config: TrainConfig, watch: Watch) -> Result:
        """Search in OUT/0 and OUT/1."""
        from dataclasses import replace

        assert config.out is not None
        configs = [replace(config, module="encoder", seed=seed, out=config.out / str(seed)) for seed in (0, 1)]
        results = [SINGLE.run(one, watch) for one in configs]
        return min(results, key=lambda result: result.module.training["validation_loss"])
