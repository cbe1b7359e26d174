"""`python -m tests.fuzz`."""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.fuzz.cases import WRONG, kept
from tests.fuzz.kinds import KINDS
from tests.fuzz.pool import Fuzzer, Limits, Worker


def main() -> None:
    """Parse, run, print; exit code 1 if anything was found."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Mangle files and run the commands on them."
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="how long; by default 5")
    parser.add_argument("--cases", type=int, help="so many cases at most")
    parser.add_argument("--seed", type=int, default=0, help="of all damage")
    parser.add_argument("--kind", action="extend", nargs="+", choices=sorted(KINDS), help="by default all")
    parser.add_argument("--workers", type=int, default=1, help="processes; by default 1")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep an example of each place that is found")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run a kept CASE.json again")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    logging.disable(logging.INFO)
    if asked.replay:
        sys.exit(replay(asked.replay))
    names = asked.kind or [name for name, kind in KINDS.items() if all(map(find_spec, kind.needs))]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        fuzzer = Fuzzer({name: KINDS[name] for name in names}, Path(folder), asked.seed, asked.keep)
        start = time.monotonic()
        fuzzer.prepare()
        ready = time.monotonic()
        fuzzer.run(60 * asked.minutes, asked.cases, asked.workers)
        times = {"made ready": ready - start, "seconds": time.monotonic() - ready}
    if asked.json:
        sys.stdout.write(json.dumps(summary(fuzzer, times), indent=1) + "\n")
    else:
        show(fuzzer, times)
    sys.exit(bool(fuzzer.found))


def replay(note: Path, group: str = "cli:group", limits: Limits | None = None) -> int:
    """Run a kept case again; 1 if it is still wrong."""
    case, before = kept(note)
    worker = Worker(group, limits or Limits())
    shutil.copytree(note.parent, worker.place)
    outcome = worker.run(case)
    worker.close()
    sys.stdout.write(f"ola {' '.join(case.arguments)}\nbefore: {before}\nnow:    {outcome}\n")
    return outcome.verdict in WRONG


def summary(fuzzer: Fuzzer, times: dict[str, float]) -> dict[str, Any]:
    """Everything that was counted and found, in JSON types."""
    cases = sum(tally.cases for tally in fuzzer.tallies.values())
    return {
        "seed": fuzzer.seed,
        "cases": cases,
        **{name: round(value, 1) for name, value in times.items()},
        "cases a second": round(cases / max(times["seconds"], 1e-9), 2),
        "kinds": {name: {**vars(tally), "verdicts": dict(tally.verdicts)} for name, tally in fuzzer.tallies.items()},
        "places": {
            place: {"count": found.count, "case": asdict(found.case), **asdict(found.outcome)}
            for place, found in sorted(fuzzer.found.items())
        },
    }


def show(fuzzer: Fuzzer, times: dict[str, float]) -> None:
    """Print a table of the kinds, and the places."""
    found = summary(fuzzer, times)
    console = Console(width=None if sys.stdout.isatty() else 140)
    title = (
        f"{found['cases']} cases in {times['seconds']:.0f} s, {found['cases a second']} a second, seed {fuzzer.seed}"
    )
    table = Table(title=title, title_justify="left")
    for name in ("", "cases", "done", "refused", *WRONG, "most memory, MB", "slowest, s", "processor, ms"):
        table.add_column(name, justify="right" if name else "left")
    for name, tally in fuzzer.tallies.items():
        counts = (tally.verdicts[verdict] for verdict in ("done", "refused", *WRONG))
        mean = 1000 * tally.processor / max(1, tally.cases)
        figures = f"{tally.memory / 1e6:.0f}", f"{tally.slowest:.1f}", f"{mean:.0f}"
        table.add_row(name, str(tally.cases), *map(str, counts), *figures)
    console.print(table)
    for place, one in found["places"].items():
        words = f"{one['count']:4} {place}: {one['message'][:120]!r} ({'; '.join(one['case']['damage'])[:160]})"
        console.print(escape(ascii(words)[1:-1]), soft_wrap=True)


if __name__ == "__main__":
    main()
