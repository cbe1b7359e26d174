"""`ola report`: one page of one run, or one that compares several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from olacore.errors import ConfigError
from olacore.reports.compare_page import compare_page, plan_page
from olacore.reports.page import write_page
from olacore.reports.run import find_runs
from olacore.reports.run_page import Wishes, run_page


def report(paths: Sequence[Path], out: Path, wishes: Wishes | None = None) -> int:
    """Write a report of run folders into one file of HTML.

    Parameters
    ----------
    paths : run folders, or folders with several
    out : the file; whatever is there is replaced
    wishes : what it shows, and of which data; None for what the runs themselves name

    Returns
    -------
    bytes that were written

    Raises
    ------
    ConfigError  if no folder is named
    FileFormatError  if a folder is missing or holds no run
    OutputError  if the file cannot be written
    """
    if not paths:
        raise ConfigError("a report is of at least one run folder; name one that `ola train` made.")
    found = [find_runs(path) for path in paths]
    wishes, first = wishes or Wishes(), found[0]
    if len(found) > 1 or first.plan == "several":
        page = compare_page(found, wishes)
    elif first.plan in ("pair", "folds"):
        page = plan_page(first, wishes)
    else:
        page = run_page(first.runs[0], f"Run {first.name}", wishes)
    return write_page(page, out)
