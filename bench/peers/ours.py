"""Our own strategies, on the same rows and clock as every peer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from bench.peers.method import Method, Weights, mean_loss
from bench.peers.problems import Problem
from olacore.losses.objective import Objective
from olacore.search.config import TrainConfig
from olacore.search.loop import SHRINKAGES, SMALL, TRIAL_TURNS
from olacore.strategies import Problem as Task
from olacore.strategies import State, Strategy, find_strategy
from olacore.views.view import Block


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
        population: int = TrainConfig.population,
        **options: Any,
    ) -> None:
        super().__init__(problem, loss, seed)
        kind = find_strategy(strategy)
        self.strategy, self.objective = kind.configured(options), Objective(loss)
        self.blocks: Iterator[Block] = problem.train.blocks(block, seed)
        task = Task(problem.inputs, problem.outputs, population, seed, problem.sample)
        shrinks = any(field.name == "shrinkage" for field in fields(kind))
        if shrinks and "shrinkage" not in options and problem.train.rows < SMALL * problem.inputs:
            self.strategy = self._choose_shrinkage(task)
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

    def _choose_shrinkage(self, task: Task) -> Strategy:
        block = next(self.blocks)
        tried: dict[float, float] = {}
        for shrinkage in SHRINKAGES:
            strategy = replace(self.strategy, **{"shrinkage": shrinkage})
            state = strategy.start(task)
            for generation in range(TRIAL_TURNS * -(-task.inputs // getattr(strategy, "directions", task.inputs))):
                strategy.advance(state, block, self.seed, generation, self.objective)
            tried[shrinkage] = mean_loss(strategy.candidate(state), self.problem.validation, self.loss)
        return replace(self.strategy, **{"shrinkage": min(tried, key=lambda shrinkage: tried[shrinkage])})
