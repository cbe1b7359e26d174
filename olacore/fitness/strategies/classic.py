"""Trust as first conceived, on a genome's own episodes: it rises when a genome does better than it did, and falls when
it does worse; the untrusted mutate, and the least trusted are replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from olacore.fitness.layout import Layout
from olacore.fitness.strategies.base import GENOME_STRATEGIES, GenomeStrategy, State, normal


@GENOME_STRATEGIES.add
@dataclass(frozen=True)
class Classic(GenomeStrategy):
    """A population of genomes that each keep their best variant.

    A genome whose trust is under `threshold` shows a mutated variant, which takes its place if it was fitter; a trusted
    one shows itself, and its record follows what it does now, so that luck does not last.

    Parameters
    ----------
    up, down : what trust gains when a genome did better than its record, and loses when it did worse
    threshold : of trust, under which genomes mutate; 1 lets all of them mutate always
    memory : share of a record that stays when a genome shows itself
    copies : share of the population that is replaced by copies of the fittest in a generation, the least trusted first
    by_trust : 0 replaces those of the worst records instead, and gives each genome the same step: what trust buys
    """

    name: ClassVar[str] = "classic"
    by_axis: ClassVar[bool] = True
    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "up": (0, 1),
        "down": (0, 1),
        "threshold": (0, 1),
        "memory": (0, 1),
        "copies": (0, 0.5),
        "by_trust": (0, 1),
    }

    up: float = 0.3
    down: float = 0.05
    threshold: float = 0.9
    memory: float = 0.7
    copies: float = 0.05
    by_trust: int = 1

    def population(self, size: int) -> int:
        """As many genomes as a contiguous population usually has."""
        return 64

    def start(self, layout: Layout, population: int, mean: np.ndarray, sigma: float, seed: int) -> State:
        """Genomes around the mean, with half the trust that they can have and no record."""
        scales = (sigma * layout.scales).astype(np.float32)
        # A seed's generations begin at 0; the last that there can be is free for the start.
        genomes = mean.astype(np.float32) + scales * normal(seed, 2**31 - 1, population, layout.size)
        return {
            "genomes": genomes,
            "record": np.full(population, -np.inf),
            "trust": np.full(population, 0.5),
            "scales": scales,
        }

    def ask(self, state: State, seed: int, generation: int) -> np.ndarray:
        """Variants of the untrusted, and the trusted themselves."""
        genomes = state["genomes"]
        steps = self._steps(state)[:, None] * state["scales"]
        shown = genomes + steps.astype(np.float32) * normal(seed, generation, *genomes.shape)
        return np.where(self._mutate(state)[:, None], shown, genomes).astype(np.float32)

    def tell(self, state: State, genomes: np.ndarray, fitness: np.ndarray, seed: int, generation: int) -> None:
        """Keep what was fitter, move trust, and copy the fittest over the least trusted."""
        mutated, record = self._mutate(state), state["record"]
        better, worse = fitness > record, fitness < record
        trust = np.clip(state["trust"] + self.up * better - self.down * worse, 0, 1)
        kept = np.where((better & mutated)[:, None], genomes, state["genomes"])
        followed = np.where(np.isfinite(record), self.memory * record + (1 - self.memory) * fitness, fitness)
        record = np.where(mutated, np.maximum(record, fitness), followed)
        count = int(self.copies * len(record))
        if count:
            # The fittest in a row, and those to be replaced; of equal ones the later go first.
            fittest = np.argsort(-record, kind="stable")[:count]
            order = np.lexsort((record, trust)) if self.by_trust else np.argsort(record, kind="stable")
            replaced = [genome for genome in order if genome not in fittest][:count]
            kept[replaced], record[replaced] = kept[fittest[: len(replaced)]], record[fittest[: len(replaced)]]
            trust[replaced] = 0.5
        state.update(genomes=kept.astype(np.float32), record=record, trust=trust)

    def centre(self, state: State) -> np.ndarray:
        """Return the genome of the best record."""
        return state["genomes"][int(np.argmax(state["record"]))]

    def spread(self, state: State) -> float:
        """Return the root mean square of the genomes' distances from their mean."""
        return float(state["genomes"].std(0).mean())

    def _mutate(self, state: State) -> np.ndarray:
        return (state["trust"] < self.threshold) | ~np.isfinite(state["record"])

    def _steps(self, state: State) -> np.ndarray:
        """Steps of the genomes: the less its variants helped, the smaller; before it has a record it shows itself."""
        steps = 10 ** (state["trust"] - 0.5) if self.by_trust else np.ones(len(state["trust"]))
        return np.where(np.isfinite(state["record"]), steps, 0)
