"""Filling the files of a job: the teacher works while pictures are decoded ahead and rows are written behind it."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from olacore.errors import FileFormatError
from olacore.foreign.names import counted
from teachers.collect.plan import Plan
from teachers.jobs.decode_ahead import Task, pictures_ahead
from teachers.jobs.job import Job
from teachers.jobs.outputs import Output

logger = logging.getLogger(__name__)

Opener = Callable[..., Output]
Tick = Callable[[int, int], None]
# Answers rows of a file; what it gives stores the answers.
Answer = Callable[[slice], Callable[[], None]]


class Filled(Protocol):
    """An open file that is filled row by row."""

    @property
    def done(self) -> int:
        """Rows that are in the file."""

    def close(self, complete: bool) -> None:
        """Finish the file."""


F = TypeVar("F", bound=Filled)


def make_files(paths: Sequence[Path], opened: Callable[..., Filled], force: bool) -> None:
    """Make every file with all its room before the first is filled, so that a full disk shows now.

    Raises
    ------
    OutputError  if there is no room for all of them; those that were made are gone again
    ConfigError  if a file is there that was made with other settings
    """
    made = []
    try:
        for number, path in enumerate(paths):
            if force or not path.exists():
                made.append(path)
            opened(number, force=force, resume=not force).close(complete=False)
    except BaseException:
        for path in made if not force else []:
            path.unlink(missing_ok=True)
        raise


def fill_files(job: Job, opened: Opener, size: int, batch: int, keyframes: bool, workers: int, tick: Tick) -> None:
    """Fill the files of a job one after the other, each from its first row that is missing.

    Parameters
    ----------
    opened : opens the file of a number, for going on with it
    size : side of the pictures
    tick : called with the rows done and all rows of the job, before the first row and after each batch
    """
    counts = [len(part.rows) for part in job.parts]
    told = False

    @contextmanager
    def asked(number: int, output: Output) -> Iterator[Answer]:
        nonlocal told
        left = job.rows - sum(counts[:number]) - output.done
        if left and not told:
            logger.info("%s", describe_work(job, output, size, left))
            told = True
        part = job.parts[number]
        tasks = [*tasks_of(job, part, output.done, size, keyframes)]
        with pictures_ahead(tasks, workers) as pictures:
            yield lambda here: output.answer(np.stack([*islice(pictures, here.stop - here.start)]), here.start)

    fill_each(counts, opened, asked, batch, tick)


def fill_each(
    counts: Sequence[int],
    opened: Callable[..., F],
    asked: Callable[[int, F], AbstractContextManager[Answer]],
    batch: int,
    tick: Tick,
) -> None:
    """Fill files one after the other, each from its first row that is missing.

    Parameters
    ----------
    counts : rows of each file
    opened : opens the file of a number, for going on with it
    asked : of such a file and its number, gives what answers some of its rows; they are asked for in order
    batch : rows at once
    tick : called with the rows done and all rows, before the first row and after each batch
    """
    before = 0
    for number, count in enumerate(counts):
        output = opened(number, resume=True)
        complete = False
        try:
            tick(before + output.done, sum(counts))
            with asked(number, output) as answer:
                for done in fill(output.done, count, batch, answer):
                    tick(before + done, sum(counts))
            complete = True
        finally:
            output.close(complete)
        before += count


def fill(done: int, count: int, batch: int, answer: Answer) -> Iterator[int]:
    """Fill one file, a batch at a time, and give the rows done after each one.

    A batch is written while the teacher works on the next. Batches begin at multiples of `batch`, whatever was done
    before, so that a picture always meets the same company.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="olacore-writer") as disk:
        stored: Future[None] | None = None
        for first in range(done, count, batch):
            store = answer(slice(first, min(first + batch, count)))
            before, stored = stored, None
            if before:
                before.result()
            stored = disk.submit(store)
            if before:
                yield first
        if stored:
            stored.result()
            yield count


def tasks_of(job: Job, part: Plan, done: int, size: int, keyframes: bool) -> Iterator[Task]:
    """What is left to decode of each file, in order.

    Raises
    ------
    FileFormatError  if the plan of a resumed file names a file that is not given
    """
    first = 0
    for file in part.files:
        last = first + file.rows
        if last > max(done, first):
            if file.sha256 not in job.inputs:
                raise FileFormatError(
                    f"the file {file.name!r} that the data set is made of, with SHA-256 {file.sha256!r}, is not among "
                    "those given; give it too, or make the data set anew."
                )
            rows = part.rows[max(done, first) : last]
            yield Task(job.inputs[file.sha256], rows, size, keyframes, careful=file.damaged > 0)
        first = last


def describe_work(job: Job, output: Output, size: int, left: int) -> str:
    """Say how much there is to do, how much room it takes and, from asking the teacher once, about how long."""
    blank = np.zeros((1, size, size, 3), np.uint8)
    output.answer(blank, 0)
    started = time.perf_counter()
    output.answer(blank, 0)
    seconds = (time.perf_counter() - started) * left
    room = job.rows * output.row_bytes / 1e6
    files = sum(file.rows > 0 for file in job.files)
    return (
        f"{counted(job.rows, 'picture')} from {counted(files, 'file')}, {left:,} to do: {room:,.0f} MB, about "
        f"{duration(seconds)} of the teacher's time ({seconds / left:.2g} s each)"
    )


def duration(seconds: float) -> str:
    """Seconds in words: 40 s, 12 min, 7.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
