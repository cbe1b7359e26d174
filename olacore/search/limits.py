"""When a search ends, and which generations are reported."""

from __future__ import annotations

from olacore.search.task import Progress, Task


def limit_reached(task: Task, progress: Progress) -> str:
    """Name the limit that has been reached: "generations", "passes", "time", "loss", "frozen", or nothing."""
    config, settled = task.config, task.config.settled
    if settled.generations and progress.generation >= settled.generations:
        return "generations"
    if config.passes and progress.samples >= config.passes * task.rows_per_pass:
        return "passes"
    if settled.seconds and progress.seconds >= settled.seconds:
        return "time"
    if config.until_loss and progress.shown_loss <= config.until_loss:
        return "loss"
    if config.freezes and progress.stale >= config.patience:
        return "frozen"
    return ""


def is_reported(generation: int, every: int) -> bool:
    """Whether a generation is reported: every so many, and at the start, where much happens, 1, 2, 4, 8 too."""
    early = generation < every and generation & (generation - 1) == 0
    return early or generation % every == 0
