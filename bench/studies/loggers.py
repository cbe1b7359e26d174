"""What loggers cost a search, in the processor's own time, which other work on the machine disturbs little.

python -m bench.studies.loggers [LOGGER...] [--generations 60] [--json FILE]: an encoder on the shipped sample, once for
each logger that is installed; nothing leaves the machine. Prints, for a generation: the time of the search, that of the
callback in its thread, and that of the logger in a thread of its own. Threads and processes that a service starts are
not counted.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from time import process_time, thread_time
from typing import Any

from bench.common.markdown import write_markdown
from bench.common.report import describe_run, heading, write_report
from bench.common.tables import Table, number
from olacore.data.sample import sample_path
from olacore.search.config import TrainConfig
from olacore.search.loggers import LOGGERS, Logger, LogTo
from olacore.search.observers import Compiled, Event, Finished
from olacore.search.train import train

SCHEMA = "olacore/loggers/1"
OFFLINE = {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "MLFLOW_ALLOW_FILE_STORE": "true"}
TARGET = 0.005


class Counted:
    """Counts the time of a callback in the thread of the search, and that of the search, once it is compiled."""

    def __init__(self, callback: LogTo) -> None:
        self.callback = callback
        self.spent = self.search = 0.0
        self.began: float | None = None

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, Finished) and self.began is not None:
            self.search, self.began = process_time() - self.began, None
        begin = thread_time()
        self.callback(event)
        if self.began is not None:
            self.spent += thread_time() - begin
        if isinstance(event, Compiled):
            self.began = process_time()


def counting(kind: type[Logger], spent: list[float]) -> type[Logger]:
    """The same logger, with the time of each `log` counted in the thread where it is called."""

    class Counting(kind):  # type: ignore[valid-type,misc]
        def log(self, entries: Any) -> None:
            begin = thread_time()
            super().log(entries)
            spent.append(thread_time() - begin)

    return Counting


def measure(name: str, data: Path, generations: int, folder: Path, **settings: Any) -> dict[str, Any]:
    """Seconds of the processor for a generation: of the search, the callback and the logger's thread."""
    spent: list[float] = []
    kind = LOGGERS[name]
    LOGGERS[name] = counting(kind, spent)
    try:
        config = TrainConfig("encoder", (data,), generations=generations, out=folder / name, **settings)
        place = f"{name}={folder / 'boards'}" if name == "tensorboard" else name
        with LogTo(place) as log:
            counted = Counted(log)
            train(config, (counted,))
    finally:
        LOGGERS[name] = kind
    search = counted.search - sum(spent)
    found = {"search": search, "callback": counted.spent, "thread": sum(spent)}
    return {
        "logger": name,
        "lines": len(spent),
        **{what: seconds / generations for what, seconds in found.items()},
        "share": (counted.spent + sum(spent)) / search,
    }


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """Milliseconds of the processor for a generation, and the share of the search that a logger takes beside it."""
    cells = [
        [
            row["logger"],
            *(number(1000 * row[what], 3) for what in ("search", "callback", "thread")),
            f"{row['share']:.3%}",
        ]
        for row in rows
    ]
    return Table(["logger", "search, ms", "callback, ms", "its thread, ms", "share"], cells)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    installed = [name for name, kind in LOGGERS.items() if find_spec(kind.package)]
    parser.add_argument("loggers", nargs="*", default=installed)
    parser.add_argument("--generations", type=int, default=60)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    os.environ.update(OFFLINE)
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as room:
        os.environ["TRACKIO_DIR"] = room
        os.chdir(room)
        try:
            rows = [measure(name, sample_path(), given.generations, Path(room)) for name in given.loggers]
        finally:
            os.chdir(here)
    report = {**describe_run(SCHEMA, 1), "generations": given.generations, "rows": rows}
    about = f"{given.generations} generations, processor time of one; at most {TARGET:.1%} is wanted"
    sys.stdout.write(write_markdown([heading(report, about), table(rows)]))
    if given.json:
        write_report(report, given.json)


if __name__ == "__main__":
    main()
