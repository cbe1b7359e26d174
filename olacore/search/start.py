"""The start of a search: scaling, options that the data choose, and the first population."""

from __future__ import annotations

import logging

from olacore.blocks import Block, rows_of
from olacore.foreign.names import counted
from olacore.search.advice import few_pictures
from olacore.search.task import Progress, Task
from olacore.search.validation import Validation
from olacore.strategies import Candidate, Problem
from olacore.strategies.common.telling import Tell, silent
from olacore.views.scaling import Scaling

# With fewer training samples than this many times the inputs, a warning says so.
FEW = 2

logger = logging.getLogger(__name__)


def measure(task: Task) -> tuple[Scaling, Problem, Block]:
    """Look at the first training samples: their scaling, what a strategy is told of them, and they themselves."""
    config, view, scaling = task.config, task.view, task.scaling
    block = view.gather(task.first_samples(), scaling)
    sample, _ = rows_of(block)
    problem = Problem(
        view.inputs,
        scaling.outputs,
        config.settled.population,
        config.seed,
        sample,
        task.schedule,
        scaling.input_scale,
        task.rows,
    )
    return scaling, problem, block


def start(task: Task, tell: Tell = silent) -> tuple[Progress, Validation]:
    """Return the first state of a search, and its validation samples.

    Parameters
    ----------
    tell : called before each trial of options that the data choose
    """
    config, view, strategy = task.config, task.view, task.strategy
    scaling, problem, block = measure(task)
    validation = Validation(task, scaling)
    if task.rows < FEW * view.inputs:
        logger.warning(
            "there %s %s for %d inputs: with so few, expect a large error on new data",
            "is" if task.rows == 1 else "are",
            counted(task.rows, "training sample"),
            view.inputs,
        )
    if few := few_pictures(task.dataset, view.kind, task.items["train"]):
        logger.warning("%s", few)

    def loss_of(candidate: Candidate) -> float:
        return validation.loss_of(strategy, candidate)

    tuned = strategy.tuned(problem, block, task.objective, loss_of, config.options, tell)
    state = tuned.start(problem)
    return Progress(tuned, scaling, state, tuned.best(state)), validation
