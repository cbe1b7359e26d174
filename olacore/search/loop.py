"""The loop of a search: blocks from the data, generations of a strategy, validation, reports and checkpoints."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from olacore.blocks import Block, RawBlock
from olacore.data import BUFFER_BYTES, BlockStream
from olacore.errors import FileFormatError, OutputError, SearchError
from olacore.files import is_there
from olacore.jit.flags import ONE_AT_A_TIME
from olacore.kernels.layout import CHUNK
from olacore.search.finish import INTERRUPTED, best_module
from olacore.search.islands.exchange import Exchange
from olacore.search.limits import is_reported, limit_reached
from olacore.search.observers import (
    Advanced,
    Callback,
    Compiled,
    LogWriter,
    Reported,
    Saved,
    Started,
    Trying,
    Validated,
    Validating,
    notify,
)
from olacore.search.resume import resume, save
from olacore.search.start import start
from olacore.search.task import SEARCH_STREAM, Progress, Task
from olacore.search.validation import Samples, Shown, Validation, finite_or_none, shown_on, take
from olacore.strategies import Candidate, Report
from olacore.version import versions

CHECKPOINT_SECONDS = 10.0
# Samples, or pictures, that kernels are compiled on.
WARM_UP_ROWS = 64

logger = logging.getLogger(__name__)


def search(
    task: Task,
    callbacks: Sequence[Callback] = (),
    should_stop: Callable[[], bool] = lambda: False,
    report_at: Collection[int] = (),
) -> tuple[Progress, str]:
    """Go through generations until a limit is reached, and return where the search is, and which limit that was.

    Parameters
    ----------
    should_stop : asked after every generation; true ends the search as an interruption, saved and ready to resume
    report_at : generations that are reported beside the usual ones
    """
    config, folder = task.config, task.folder
    resumed = config.resume and is_there(folder.checkpoint)
    if config.resume and not resumed:
        logger.warning("there is no checkpoint in %s yet: the search starts anew", folder.path)
    exchange = Exchange.of(task, should_stop)
    task = task if exchange is None else exchange.task
    numbers = count(1)

    def tell(what: str, total: int | None) -> None:
        notify(callbacks, Trying(next(numbers), total, what))

    progress, validation = resume(task) if resumed else start(task, tell)
    if exchange is not None:
        exchange.check(progress)
    if (asked := config.settled.generations) and progress.generation > asked:
        logger.warning(
            "%s has %d generations, and %d are asked for: none is added", folder.path, progress.generation, asked
        )
    seed = 4 * task.search_seed + SEARCH_STREAM
    with task.view.stream(task.dataset, task.searched, task.block_rows, seed, progress.cursor) as stream:
        progress.cursor = stream.cursor
        if config.force:
            folder.clear()  # only now that data and settings have turned out to be sound
        if config.resume:
            folder.cut_log(progress.generation)
        folder.write_config({**task.settings(), "versions": versions()})
        memory = memory_plan(task, progress, validation, stream)
        parts = ", ".join(f"{name} {size / 2**20:.1f}" for name, size in memory.items())
        logger.info("memory plan: %.1f MiB (%s)", sum(memory.values()) / 2**20, parts)
        seen: list[Callback] = [LogWriter(folder), *callbacks]
        notify(seen, Started(task.view.kind, folder.path, task.settings(), memory))
        try:
            return progress, _run(task, progress, validation, stream, seen, should_stop, report_at, exchange)
        except np.linalg.LinAlgError as error:
            raise SearchError(f"the search cannot go on ({error}); look for huge values in the data.") from error


def _run(
    task: Task,
    progress: Progress,
    validation: Validation,
    stream: BlockStream,
    callbacks: Sequence[Callback],
    should_stop: Callable[[], bool],
    report_at: Collection[int],
    exchange: Exchange | None,
) -> str:
    raw = next(stream)
    _warm_up(task, progress, validation, raw)
    notify(callbacks, Compiled())
    began = checkpointed = time.perf_counter()
    spent, block, kept = progress.seconds, None, -1

    def validate() -> float:
        validate_now(progress, validation, callbacks)
        return progress.best_loss

    def loss_of(candidate: Candidate) -> float:
        return validation.loss_of(progress.strategy, candidate)

    def save_at_times() -> None:
        nonlocal checkpointed, kept
        # Of an island that waits, a checkpoint says nothing new.
        if progress.generation > kept and time.perf_counter() - checkpointed > CHECKPOINT_SECONDS:
            _checkpoint(task, progress, callbacks, exchange)
            checkpointed, kept = time.perf_counter(), progress.generation

    def idle() -> bool:
        save_at_times()
        return should_stop()

    while True:
        if exchange is not None and exchange.due(progress):
            block = task.view.gather(raw, progress.scaling, block)
            try:
                met = exchange.meet(progress, block, idle)
            except (FileFormatError, OutputError):  # nothing has changed yet
                _checkpoint(task, progress, callbacks, None)
                raise
            if not met:
                stopped = INTERRUPTED
                break
        if stopped := limit_reached(task, progress):
            break
        block = task.view.gather(raw, progress.scaling, block)
        report = _advance(task, progress, block)
        progress.generation += 1
        progress.samples += block.rows
        progress.nonfinite += report.nonfinite
        progress.replaced += report.replaced
        progress.cursor = stream.cursor
        progress.strategy.between(progress.state, progress.generation, task.search_seed, validate, loss_of)
        if exchange is not None:
            exchange.count(progress)
        progress.seconds = spent + time.perf_counter() - began
        notify(callbacks, Advanced(progress.generation, progress.samples, report))
        if is_reported(progress.generation, task.config.report_every) or progress.generation in report_at:
            shown = validate_now(progress, validation, callbacks)
            samples = Samples(block, None if progress.scaling.basis is None else task.view.gather_truth(raw))
            line = _line(task, progress, samples, report, shown, stream.wait_seconds)
            notify(callbacks, Reported(line, lambda: best_module(task, progress)))
        if should_stop():
            stopped = INTERRUPTED
            break
        save_at_times()
        raw = next(stream)
    _checkpoint(task, progress, callbacks, exchange)
    if exchange is not None and stopped != INTERRUPTED:
        exchange.leave(progress)
    # After the checkpoint, so that an interruption leaves no trace in a resumed run.
    validate()
    return stopped


def validate_now(progress: Progress, validation: Validation, callbacks: Sequence[Callback]) -> Shown:
    """Score the candidate of now, and keep it if it is the best so far."""
    notify(callbacks, Validating())
    shown, improved = take(progress, validation)
    notify(callbacks, Validated(shown.loss, shown.r2, improved))
    return shown


def memory_plan(task: Task, progress: Progress, validation: Validation, stream: BlockStream) -> dict[str, int]:
    """Bytes that a search holds: what grows with the population, the block, the working arrays and the data."""
    view, outputs = task.view, progress.scaling.outputs
    rows = -(-task.rows_per_pass // stream.blocks_per_pass)
    row, made = task.dataset.row_bytes(view.fields_in(task.dataset)), view.pass_bytes(task.dataset)
    whole = len(task.searched) * row
    return {
        "population": sum(array.nbytes for array in progress.state.values()),
        "block": 4 * -(-rows // CHUNK) * CHUNK * view.inputs + 4 * outputs * rows,
        "working arrays": progress.strategy.working_bytes(view.inputs, outputs, rows),
        "validation samples": validation.nbytes,
        # The group in use and the one that is read meanwhile; a split that fits one group is held once.
        "data": whole if whole <= BUFFER_BYTES else 2 * BUFFER_BYTES,
        **({"noisy latents": 2 * made * min(whole, BUFFER_BYTES) // row} if made else {}),
    }


def _advance(task: Task, progress: Progress, block: Block) -> Report:
    with ONE_AT_A_TIME:
        return progress.strategy.advance(progress.state, block, task.search_seed, progress.generation, task.objective)


def _warm_up(task: Task, progress: Progress, validation: Validation, raw: RawBlock) -> None:
    """Compile every kernel of a generation on a copy of the state, so that seconds count the search alone."""
    few = replace(raw, item=raw.item[:WARM_UP_ROWS], site=raw.site[:WARM_UP_ROWS])
    copy = {name: array.copy() for name, array in progress.state.items()}
    block = task.view.gather(few, progress.scaling)
    strategy = progress.strategy
    with ONE_AT_A_TIME:
        strategy.warm_up(copy, block, task.search_seed, progress.generation, task.objective)
        if task.config.island is not None:
            migrants = [strategy.emigrants(copy)]
            strategy.immigrate(copy, migrants, block, task.search_seed, progress.generation, task.objective)
    candidate = strategy.best(copy)
    validation.loss_of(strategy, candidate)
    validation.shown(strategy, candidate)


def _line(
    task: Task, progress: Progress, samples: Samples, report: Report, shown: Shown, waited: float
) -> dict[str, Any]:
    low, middle, high = (float(q) for q in np.quantile(progress.state["trust"], (0, 0.5, 1)))
    strategy = progress.strategy
    candidate = strategy.best(progress.state)
    loss, _ = shown_on(samples, strategy, candidate, progress.scaling, task.view.bound, task.objective)
    return {
        "generation": progress.generation,
        "seconds": round(progress.seconds, 3),
        "samples": progress.samples,
        "loss": finite_or_none(loss),
        "validation_loss": finite_or_none(shown.loss),
        "validation_r2": finite_or_none(shown.r2),
        "best_validation_loss": finite_or_none(progress.shown_loss),
        "best_validation_r2": finite_or_none(progress.shown_r2),
        "accepted": report.accepted,
        "trust": [low, middle, high],
        **(gauges := strategy.gauges(progress.state)),
        **({"replaced": progress.replaced} if "units" in gauges else {}),
        "nonfinite": progress.nonfinite,
        "waited": round(waited, 3),
        **({} if task.config.island is None else _exchanged(progress)),
    }


def _exchanged(progress: Progress) -> dict[str, Any]:
    seconds = {name: round(getattr(progress, name), 3) for name in ("exchanged", "awaited")}
    return {"migrated": progress.migrated, **seconds}


def _checkpoint(task: Task, progress: Progress, callbacks: Sequence[Callback], exchange: Exchange | None) -> None:
    save(task, progress)
    if exchange is not None:
        exchange.saved(progress)
    notify(callbacks, Saved(task.folder.checkpoint, progress.generation))
