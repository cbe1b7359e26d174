"""Our own strategies, on the same rows and clock as every peer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from bench.peers.method import Method, Weights, mean_loss
from bench.peers.problems import Problem
from olacore.blocks import Block
from olacore.losses.objective import Objective
from olacore.search.config import TrainConfig
from olacore.search.rules import POPULATION
from olacore.strategies import STRATEGIES, Candidate, State, Strategy
from olacore.strategies import Problem as Task


class Ours(Method):
    """A strategy of olacore with the defaults of `ola train`, or with some of its options set.

    Where rows are few, the shrinkage is chosen in short trials on the validation rows, as training does; here that
    is on the clock.

    Parameters
    ----------
    strategy : its name
    block, population : as for `TrainConfig`
    options : of the strategy
    """

    def __init__(
        self,
        problem: Problem,
        loss: str,
        seed: int,
        strategy: str,
        block: int = TrainConfig.block,
        population: int = POPULATION,
        **options: Any,
    ) -> None:
        super().__init__(problem, loss, seed)
        kind = STRATEGIES.find(strategy)
        self.objective = Objective(loss)
        self.blocks: Iterator[Block] = problem.train.blocks(block, seed)
        rows = problem.train.rows
        task = Task(problem.inputs, problem.outputs, population, seed, problem.sample, rows=rows)
        self.strategy = self._tuned(kind.configured(options), task, options)
        self.state: State = self.strategy.start(task)
        self.generation = 0

    def advance(self) -> None:
        """One generation on the next block."""
        self.strategy.advance(self.state, next(self.blocks), self.seed, self.generation, self.objective)
        self.generation += 1

    def weights(self) -> Weights:
        """The candidate."""
        return self.strategy.candidate(self.state)

    def describe(self) -> dict[str, object]:
        """All options, with those that were chosen by the data."""
        return {"strategy": {field.name: getattr(self.strategy, field.name) for field in fields(self.strategy)}}

    def _tuned(self, strategy: Strategy, task: Task, options: dict[str, Any]) -> Strategy:
        """The strategy with what it chooses by the data, in trials that are on the clock."""

        def loss_of(candidate: Candidate) -> float:
            return mean_loss((candidate.weights, candidate.biases), self.problem.validation, self.loss)

        return strategy.tuned(task, next(self.blocks), self.objective, loss_of, options)
