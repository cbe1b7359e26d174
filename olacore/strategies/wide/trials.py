"""How a wide stack's width and metric are chosen: by short searches, which the validation samples judge."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from olacore.blocks import Block
from olacore.losses.objective import Objective
from olacore.strategies.base import Candidate, Problem
from olacore.strategies.common.telling import Tell, silent
from olacore.strategies.group import ALONE
from olacore.strategies.wide.width import climb, lowest

if TYPE_CHECKING:
    from olacore.strategies.wide.strategy import Wide

# Units and generations of trials, the width of the first, and islands that need none of few units.
TRIAL_UNITS, TRIAL_GENERATIONS, FIRST_WIDTH, MANY = 512, 2, 2.0, 4
# Shrinkages of round units, of which many need less than few do, and in the metric of slopes.
ROUND, SLOPED = (0.25, 1.0), (0.01, 1.0)
# How often the metric follows the slopes, and the share of the loss of few round units that its own has to come below.
METRICS, WORTH = 2, 0.8

logger = logging.getLogger("olacore.strategies.wide")


def choose(
    strategy: Wide,
    problem: Problem,
    block: Block,
    objective: Objective,
    loss_of: Callable[[Candidate], float],
    tell: Tell = silent,
) -> Wide:
    """Return the strategy with a width and a metric.

    Trials are of few units first, then of all of them around the best width; on many islands, which try so many widths
    at once, of all from the start. Where the metric is not asked for, few units tell whether it is worth its time.
    """
    seeds = cache(partial(strategy.seeds, problem))

    def trial(units: int, metric: int, width: float, least: float) -> np.ndarray:
        tried = replace(strategy, units=units, width=width, metric=metric, group=ALONE)
        shrinkages = SLOPED if metric else ROUND
        state, loss = tried.first(problem, seeds(units), shrinkages), inf
        how = f"{len(state['weights'])} units of width {width:.3g}{' in the metric of slopes' * (metric > 0)}"
        tell(how, None)
        for generation in range(TRIAL_GENERATIONS + metric):
            tried.advance(state, block, problem.seed, generation, objective)
            if generation == TRIAL_GENERATIONS + metric - 1 or (metric and generation):
                loss = min(loss_of(tried.read(state, genome)) for genome in range(len(shrinkages)))
            if metric and generation and not loss < least:
                break
        logger.info("a trial of %s: validation loss %.4g", how, loss)
        return np.array(loss)

    def trials(name: str, units: int, metric: int, widths: Sequence[float], least: float = inf) -> list[float]:
        seeds(units)  # by all islands together
        jobs = f"{name}-{metric}-{widths[0]:g}"
        found = strategy.group.each(jobs, len(widths), lambda job: trial(units, metric, widths[job], least))
        return [float(x) for x in found]

    count, width, metric = strategy.group.count, FIRST_WIDTH, max(strategy.metric, 0)
    few = min(strategy.units, TRIAL_UNITS)
    if count < MANY or strategy.metric < 0:
        losses = climb(partial(trials, "few", few, metric), width, 4.0, count)
        width = next(iter(losses))
        if strategy.metric < 0:
            # Ends once it is above the loss of round units in the metric of their slopes.
            sloped = trials("sloped", few, METRICS, [width / 2], losses[width])[0]
            if sloped < WORTH * losses[width]:
                metric, width = METRICS, width / 2
    width = lowest(climb(partial(trials, "all", strategy.units, metric), width, 2.0, count))
    return replace(strategy, width=width, metric=metric)
