"""The default: a population whose mean breeds one child a generation, improved row by row on the block in hand.

Every generation re-scores all genomes on a part of the block. How much worse than the best each row of a genome is,
remembered over blocks, is its evidence; trust is what the evidence leaves of a genome, exp(-evidence / temperature)
averaged over its rows. The parent is the mean of the population, row by row, in those proportions: while the search
moves fast only the newest genomes count, and when all that is left is the noise between blocks all of them do, which
averages it away. The child takes a step in every row wherever the block's loss falls (`step_rows`); it replaces the
genome that is trusted least.

Directions are principal axes of the inputs, scaled so that all responses are equally large, and rotated at random in
small groups. The first turn goes from the axes of the largest variance to those of the smallest, later ones in a
random order.

Recombination by weighted mean is that of evolution strategies (Beyer and Schwefel 2002, doi:10.1023/A:1015059928466);
mirrored trials follow Brockhoff et al. 2010, doi:10.1007/978-3-642-15844-5_2.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, ClassVar

import numpy as np

from olacore.blocks import Block
from olacore.jit.flags import ONE_AT_A_TIME
from olacore.jit.threads import one_blas_thread
from olacore.kernels.blend import blend_rows
from olacore.kernels.forward import multiply_packed
from olacore.kernels.lattice import from_lattice, to_lattice
from olacore.kernels.layout import CHUNK
from olacore.losses.objective import MSE, Objective
from olacore.strategies.base import STRATEGIES, Candidate, Problem, Report, State, Strategy, check_losses
from olacore.strategies.common.axes import take_axes
from olacore.strategies.common.migration import best_offers, offers
from olacore.strategies.common.telling import Tell, silent

FIRST_REACH, LEAST_REACH, MOST_REACH = 0.1, 1e-3, 0.3
# Axes along which the inputs hardly vary are not scaled up further than this share of the largest variance.
FLOOR = 1e-4
# Rows a direction that the first children are bred on.
FIRST_ROWS = 32
# Rows that the inputs' axes are found from.
SAMPLE_ROWS = 4096
# Shares of their steps that outputs take together where the loss couples them, until the loss falls.
TOGETHER = (1.0, 0.5, 0.25)
TINY = 1e-30
# Evidence against a row whose loss is not finite.
LARGEST = 1e30
# Evidence against the rows that a migrant beat, in temperatures: their share is zero until they are scored again.
BEATEN = 110.0
# With fewer training samples than this many times the inputs, shrinkage is chosen on the validation samples, in
# searches of so many turns through all directions.
SMALL, TRIAL_TURNS = 16, 4
SHRINKAGES = (0.0, 1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0)

logger = logging.getLogger(__name__)


@STRATEGIES.add
@dataclass(frozen=True)
class Rows(Strategy):
    """Trust-weighted mean, mirrored steps for each row.

    Parameters
    ----------
    directions : tried in a generation
    temperature : relative excess loss at which a row's share falls to 1/e
    memory : share of the old evidence that is kept when a block is scored
    audit : samples of the block that the whole population is scored on
    shrinkage : what a squared weight costs, in units of the loss; against overfitting of few rows
    lattice : every genome that is scored lies on a lattice of 255 levels a row, as int8 weights do
    """

    name: ClassVar[str] = "rows"
    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "directions": (1, inf),
        "temperature": (1e-9, inf),
        "memory": (0, 0.99),
        "audit": (1, inf),
        "shrinkage": (0, inf),
    }

    derived: ClassVar[tuple[str, ...]] = ("lattice",)
    stores: ClassVar[tuple[str, ...]] = ("float32", "float16", "int8")
    exchanges: ClassVar[int | None] = 20

    directions: int = 128
    temperature: float = 0.01
    memory: float = 0.5
    audit: int = 1024
    shrinkage: float = 0.0
    lattice: bool = False

    def stored(self, form: str) -> Rows:
        """Int8 weights are evolved on their lattice."""
        return replace(self, lattice=form == "int8")

    @property
    def chosen(self) -> dict[str, Any]:
        """The shrinkage."""
        return {"shrinkage": self.shrinkage}

    def tuned(
        self,
        problem: Problem,
        block: Block,
        objective: Objective,
        loss_of: Callable[[Candidate], float],
        asked: Collection[str],
        tell: Tell = silent,
    ) -> Rows:
        """Where samples are so few that a search would fit their noise, try several shrinkages in short searches."""
        if "shrinkage" in asked or problem.rows is None or problem.rows >= SMALL * problem.inputs:
            return self
        tried: dict[float, float] = {}
        for shrinkage in SHRINKAGES:
            tell(f"shrinkage {shrinkage:g}", len(SHRINKAGES))
            strategy = replace(self, shrinkage=shrinkage)
            state = strategy.start(problem)
            for generation in range(TRIAL_TURNS * -(-problem.inputs // self.directions)):
                with ONE_AT_A_TIME:
                    strategy.advance(state, block, problem.seed, generation, objective)
            tried[shrinkage] = loss_of(strategy.best(state))
        told = ", ".join(f"{loss:.4g} at {shrinkage:g}" for shrinkage, loss in tried.items())
        logger.info("validation losses of short trial searches, by shrinkage: %s", told)
        return replace(self, shrinkage=min(tried, key=lambda shrinkage: tried[shrinkage]))

    def start(self, problem: Problem) -> State:
        """All genomes at zero, with the inputs' principal axes."""
        shape = (problem.population, problem.outputs, problem.inputs)
        state = {
            "weights": np.zeros(shape, np.int8 if self.lattice else np.float32),
            "biases": np.zeros(shape[:2], np.float32),
            "trust": np.ones(problem.population, np.float32),
            "evidence": np.zeros(shape[:2]),
            "born": np.arange(problem.population) - problem.population,
            "reach": np.full(1, FIRST_REACH),
            "axes": scaled_axes(problem.sample, self.shrinkage),
        }
        return state | ({"scales": np.zeros(shape[:2], np.float32)} if self.lattice else {})

    def advance(self, state: State, block: Block, seed: int, generation: int, objective: Objective = MSE) -> Report:
        """Score all, breed the mean's child on this block, let it replace the least trusted.

        From the first block, where everything is still to be gained, several children come, each from a part of it.
        """
        if generation:
            return self._breed(state, block, seed, generation, objective)
        rows = max(FIRST_ROWS * (min(self.directions, block.inputs.shape[1]) + 1), self.audit)
        reports = [self._breed(state, part, seed, generation, objective) for part in block.parts(rows)]
        return replace(reports[0], nonfinite=sum(report.nonfinite for report in reports))

    def _breed(self, state: State, block: Block, seed: int, generation: int, objective: Objective) -> Report:
        nonfinite = self._audit(state, block, generation, objective)
        weights, biases = self._mean(state)
        directions = take_axes(state["axes"], self.directions, seed, generation, sorted_first=True)
        pre = np.empty((len(biases), block.rows), np.float32)
        multiply_packed(weights, biases, block.inputs, pre)
        responses = np.ones((len(directions) + 1, block.rows), np.float32)  # the last one is the bias
        multiply_packed(directions, np.zeros(len(directions), np.float32), block.inputs, responses[:-1])
        reach = float(state["reach"][0])
        terms = self._shrinkage_terms(weights, directions, block.rows)
        before, steps = objective.step(pre, block.targets, responses, np.float32(reach), *terms)
        nonfinite += check_losses(before, generation)
        with one_blas_thread():
            moves = steps[:, :-1] @ directions
        share = share_together(objective, weights, biases, moves, steps[:, -1], block) if objective.couples else 1
        weights += np.float32(share) * moves
        biases += np.float32(share) * steps[:, -1]
        usual = float(np.sqrt(np.square(steps, dtype=np.float64).mean()))
        state["reach"][0] = np.clip(0.7 * reach + 0.3 * usual, LEAST_REACH, MOST_REACH)
        place = np.lexsort((state["born"], state["trust"]))[0]
        if self.lattice:
            state["weights"][place], state["scales"][place] = to_lattice(weights)
        else:
            state["weights"][place] = weights
        state["biases"][place] = biases
        state["born"][place] = generation
        state["evidence"][place] = 0
        return Report(float(objective.total(before)), float((steps != 0).mean()) if share else 0.0, nonfinite)

    def emigrants(self, state: State) -> State:
        """The candidate's rows."""
        weights, biases = self.candidate(state)
        return {"row_weights": weights.copy(), "row_biases": biases.copy()}

    def immigrate(
        self,
        state: State,
        migrants: Sequence[State],
        block: Block,
        seed: int,
        generation: int,
        objective: Objective = MSE,
    ) -> int:
        """Take over the rows, or means of them and the candidate's, that have a lower loss on this block.

        Such a row replaces the one that the most evidence is against, and alone stands for its output until the
        others are scored again.
        """
        weights, biases = self.candidate(state)
        weights, biases = offers((weights[None], biases[None]), migrants)
        levels = [to_lattice(offer) for offer in weights] if self.lattice else []
        if self.lattice:
            weights = np.stack([from_lattice(*offer) for offer in levels])
        best = best_offers((weights, biases), block, objective, self.shrinkage)
        (rows,) = best.nonzero()
        best, places = best[rows], state["evidence"][:, rows].argmax(0)
        if self.lattice:
            state["weights"][places, rows] = np.stack([offer for offer, _ in levels])[best, rows]
            state["scales"][places, rows] = np.stack([scales for _, scales in levels])[best, rows]
        else:
            state["weights"][places, rows] = weights[best, rows]
        state["biases"][places, rows] = biases[best, rows]
        state["evidence"][:, rows] = np.maximum(state["evidence"][:, rows], BEATEN * self.temperature)
        state["evidence"][places, rows] = 0
        return len(rows)

    def gauges(self, state: State) -> dict[str, float]:
        """The usual step of a row."""
        return {"step": float(state["reach"][0])}

    def working_bytes(self, inputs: int, outputs: int, rows: int) -> int:
        """Pre-activations and responses (plain and bent) on the block, and the targets of the audited samples."""
        directions = min(self.directions, inputs) + 1
        return 4 * (rows * (outputs + 2 * directions) + outputs * min(self.audit, rows))

    def candidate(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean of the population in proportion to what the evidence leaves of each row; on the lattice if
        the genomes are.
        """
        weights, biases = self._mean(state)
        return (from_lattice(*to_lattice(weights)) if self.lattice else weights), biases

    def _mean(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        shares = self._shares(state)
        shares /= shares.sum(0)
        weights = np.empty(state["weights"].shape[1:], np.float32)
        biases = np.empty(state["biases"].shape[1:], np.float32)
        blend_rows(self._genomes(state), state["biases"], shares.astype(np.float32), weights, biases)
        return weights, biases

    def _genomes(self, state: State) -> np.ndarray:
        return from_lattice(state["weights"], state["scales"]) if self.lattice else state["weights"]

    def _shares(self, state: State) -> np.ndarray:
        return np.exp(-state["evidence"] / self.temperature)

    def _shrinkage_terms(self, weights: np.ndarray, directions: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """What a step costs in squared weights, in the form that `step_rows` takes; the bias costs nothing."""
        pull = np.zeros((len(weights), len(directions) + 1), np.float32)
        gram = np.zeros((len(directions) + 1, len(directions) + 1), np.float32)
        if self.shrinkage:
            with one_blas_thread():
                pull[:, :-1] = self.shrinkage * rows * (weights @ directions.T)
                gram[:-1, :-1] = self.shrinkage * rows * (directions @ directions.T)
        return pull, gram

    def _audit(self, state: State, block: Block, generation: int, objective: Objective) -> int:
        """Score every row of every genome on the first samples of the block and add to its evidence."""
        samples = min(self.audit, block.rows)
        chunks = -(-samples // CHUNK)
        targets = np.ascontiguousarray(block.targets[:, :samples])
        # Genomes that are still zero answer alike: at the start, where most are, one of them is scored for all.
        zero = ~(state["weights"].any((1, 2)) | state["biases"].any(1))
        scored = np.flatnonzero(~zero | (np.cumsum(zero) == 1))
        weights = self._genomes(state)[scored] if zero.any() else self._genomes(state)
        found = objective.score(weights, state["biases"][scored], block.inputs[:chunks], targets)
        losses = np.empty(state["biases"].shape, np.float32)
        losses[scored] = found
        if zero.any():
            losses[zero] = losses[zero.argmax()]
        nonfinite = check_losses(losses, generation)
        best = losses.min(0).astype(np.float64)
        known = np.isfinite(best) & (best > 0)
        excess = np.where(known, np.minimum(losses / np.where(known, best, 1) - 1, LARGEST), 0)
        evidence = self.memory * state["evidence"] + (1 - self.memory) * excess
        state["evidence"] = evidence - evidence.min(0)
        state["trust"] = self._shares(state).mean(1).astype(np.float32)
        return nonfinite


def share_together(
    objective: Objective, weights: np.ndarray, biases: np.ndarray, moves: np.ndarray, shifts: np.ndarray, block: Block
) -> float:
    """Return the share of the rows' steps that lowers a loss of all outputs, 0 if none does."""
    start = objective.loss_of(weights, biases, block.inputs, block.targets)
    for share in TOGETHER:
        child = weights + np.float32(share) * moves, biases + np.float32(share) * shifts
        if objective.loss_of(*child, block.inputs, block.targets) < start:
            return share
    return 0.0


def scaled_axes(sample: np.ndarray, shrinkage: float) -> np.ndarray:
    """Return the principal axes of `sample` (n, in) as rows, the largest variance first, each divided by the spread of
    the inputs along it.

    Shrinkage adds to the variance along every axis what it adds to the curvature of the loss.
    """
    few = sample[:SAMPLE_ROWS] - sample[:SAMPLE_ROWS].mean(0)
    with one_blas_thread():
        variance, axes = np.linalg.eigh(few.T @ few / np.float32(len(few)))
    variance = variance.astype(np.float64)
    variance = np.maximum(variance, FLOOR * max(float(variance[-1]), TINY)) + shrinkage
    return np.ascontiguousarray((axes / np.sqrt(variance)).T[::-1], dtype=np.float32)
