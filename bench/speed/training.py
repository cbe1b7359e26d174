"""Training end to end from a data set that is not in memory: rows a second, and the share of time spent waiting."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bench.common.pages import drop_pages
from bench.common.timing import Timing
from bench.speed.cases import FACTOR
from bench.speed.report import Row, rate_row
from olacore.data import ROW, LatentWriter, Source
from olacore.search.config import TrainConfig
from olacore.search.observers import Event, Reported
from olacore.search.train import train
from olacore.spaces import LatentSpace

PART = "training"
SPACE = LatentSpace("random numbers", "0" * 64, scaling=1.0, shift=0.0, channels=4)
# Pictures of the validation and of the held-out split; all others are for training.
KEPT_BACK = 16
APPENDED = 64
MIB = 1 << 20
# Generations between lines of the log, each with a validation.
REPORT_EVERY = 2
# More than there will ever be: the search ends when its log says so.
GENERATIONS = 1 << 30


@dataclass(frozen=True)
class Plan:
    """How long to train on how much.

    Parameters
    ----------
    pictures : of the data set; more than one buffer of the stream holds, or the data would be read once only
    side : of the pictures
    seconds : of search for each module
    intervals : that the search is cut into, each one a sample
    """

    pictures: int = 1024
    side: int = 256
    seconds: float = 20.0
    intervals: int = 7


@dataclass
class Log:
    """Lines of a training run's log; the data set's pages are dropped at every one of them.

    Parameters
    ----------
    path : of the data set
    seconds : after which the search is interrupted, so that it does not go on to fit baselines
    """

    path: Path
    seconds: float
    lines: list[dict[str, Any]] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        """Take a line of the log in."""
        if not isinstance(event, Reported):
            return
        drop_pages(self.path)
        self.lines.append(event.line)
        self.resident.append(resident_bytes())

    def is_over(self) -> bool:
        """Whether the search has gone on for long enough."""
        return len(self.lines) > 1 and self.lines[-1]["seconds"] >= self.seconds


def measure_training(plan: Plan, threads: int) -> Iterator[Row]:
    """Evolve an encoder and a decoder with the default settings on random pictures in an uncompressed file."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_random(Path(folder) / "random.h5", plan)
        for module in ("encoder", "decoder"):
            log = Log(path, plan.seconds)
            out = Path(folder) / module
            drop_pages(path)
            config = TrainConfig(module, (path,), report_every=REPORT_EVERY, generations=GENERATIONS, out=out)
            train(config, (log,), log.is_over)
            yield training_row(module, log, plan, threads)


def training_row(module: str, log: Log, plan: Plan, threads: int) -> Row:
    """The rate between the first line of the log and the last, with waiting and growth of memory in between."""
    lines = log.lines
    marks = [lines[i] for i in np.unique(np.linspace(0, len(lines) - 1, plan.intervals + 1).astype(int))]
    steps = list(pairwise(marks))
    rows = sum(after["samples"] - before["samples"] for before, after in steps) / len(steps)
    timing = Timing(
        tuple(
            (after["seconds"] - before["seconds"]) * rows / (after["samples"] - before["samples"])
            for before, after in steps
        )
    )
    spent = lines[-1]["seconds"] - lines[0]["seconds"]
    shares = {
        "waiting": (lines[-1]["waited"] - lines[0]["waited"]) / spent,
        "MiB growth": (max(log.resident) - log.resident[0]) / MIB,
        "passes": lines[-1]["samples"] / ((plan.pictures - 2 * KEPT_BACK) * (plan.side // FACTOR) ** 2),
    }
    shape = f"{plan.pictures} pictures of {plan.side}x{plan.side}, pages dropped"
    return rate_row(PART, module, shape, threads, timing, rows, "rows/s", shares)


def write_random(path: Path, plan: Plan) -> Path:
    """Write a data set of random pictures and latents."""
    cells = plan.side // FACTOR
    splits = ("train", "validation", "held-out")
    sources = [Source(f"random {split}", "photograph", split, "CC0") for split in splits]
    source = np.repeat(range(len(splits)), (plan.pictures - 2 * KEPT_BACK, KEPT_BACK, KEPT_BACK))
    size = (plan.side, plan.side)
    rng = np.random.default_rng(0)
    with LatentWriter(path, space=SPACE, size=size, capacity=plan.pictures, sources=sources) as writer:
        for first in range(0, plan.pictures, APPENDED):
            rows = np.zeros(min(APPENDED, plan.pictures - first), ROW)
            rows["source"] = source[first : first + APPENDED]
            frames = rng.integers(0, 256, (len(rows), *size, 3), np.uint8)
            writer.append(frames, rng.standard_normal((len(rows), SPACE.channels, cells, cells), np.float32), rows)
    return path


def resident_bytes() -> int:
    """Memory that the process holds now; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
