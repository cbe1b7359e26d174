"""A run that is over, or was interrupted, sent to loggers from what its folder says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from olacore.errors import OutputError
from olacore.files import is_there
from olacore.modules.module import load
from olacore.search.loggers.base import Run, entry, make_logger
from olacore.search.loggers.log_to import Sender, reason
from olacore.search.run_folder import AFFINE
from olacore.search.run_log import MODULE, read_config, timed_log

# What only a search that reached a limit leaves.
WRITTEN_LAST = ("baselines.safetensors", AFFINE)


def replay(folder: Path, targets: Sequence[str]) -> int:
    """Send a run to loggers: the scalars and steps of its log, at their times, its settings and held-out figures.

    Parameters
    ----------
    folder : of the run
    targets : NAME or NAME=PLACE of each logger

    Returns
    -------
    how many lines its log has

    Raises
    ------
    ConfigError  if there is no such logger, or its package is not installed
    FileFormatError  if the folder holds no run, or a damaged one
    OutputError  if a logger fails
    """
    lines = timed_log(folder)
    run = Run.of(folder, read_config(folder))
    made = folder / MODULE
    module = load(made) if is_there(made) else None
    finished = any(is_there(folder / name) for name in WRITTEN_LAST)
    for logger in [make_logger(target) for target in targets]:
        try:
            logger.prepare()
        except Exception as error:
            raise OutputError(f"cannot log to {logger.name}: {reason(error)}") from error
        sender = Sender(logger, run, told=False)
        sender.send("log", [entry(*line) for line in lines])
        if module is not None:
            sender.send_result(module, lines[-1][0]["generation"] if lines else 0, made.stat().st_mtime)
        sender.end(finished)
        sender.wait(None)
        if sender.error is not None:
            raise OutputError(f"cannot log {folder} to {sender.name}: {reason(sender.error)}") from sender.error
    return len(lines)
