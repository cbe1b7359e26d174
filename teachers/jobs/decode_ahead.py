"""The pictures of a plan's rows, decoded and resized ahead of the teacher, in order and in bounded memory.

Either a thread of this process does it, or spawned processes: task k goes to worker k modulo their number, and each
holds no more than one chunk that has not been asked for.
"""

import os
import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np

from olacore.errors import DataError, FileFormatError, OlacoreError
from olacore.media.find import Input
from olacore.media.pictures import Square, crop
from olacore.search.backends.processes import spawning
from teachers.collect.video import Video

# Pictures that are handed over together, and chunks that a thread may be ahead.
CHUNK, AHEAD = 8, 2
PICTURES_PER_TASK = 16


def default_workers() -> int:
    """Processes to decode in: none but a thread on up to four cores, then one for every four cores, at most eight."""
    cores = os.cpu_count() or 1
    return min(8, cores // 4) if cores > 4 else 0


@dataclass(frozen=True)
class Task:
    """Rows of one file, to be cut in order.

    Parameters
    ----------
    rows : (n,) of type `ROW`, rising in time
    size : side of the pictures
    keyframes, careful : see `Video`
    """

    source: Input
    rows: np.ndarray
    size: int
    keyframes: bool = False
    careful: bool = False


def cut_rows(task: Task) -> Iterator[np.ndarray]:
    """Give the picture of every row: (size, size, 3) uint8.

    Raises
    ------
    FileFormatError  if the file no longer gives the frames that it gave to the plan
    """
    squares = [Square(int(row["top"]), int(row["left"]), int(row["height"])) for row in task.rows]
    if task.source.kind == "picture":
        picture = task.source.picture()
        yield from (_cut(picture, task, square) for square in squares)
        return
    position = 0
    # What is damaged was counted by the survey.
    most = np.iinfo(np.int64).max
    with Video(task.source.path, keyframes=task.keyframes, careful=task.careful, most_damaged=int(most)) as video:
        for frame in video:
            if position == len(task.rows):
                return
            if frame.stamp != task.rows["pts"][position]:
                continue
            picture = frame.picture()
            while position < len(task.rows) and frame.stamp == task.rows["pts"][position]:
                yield _cut(picture, task, squares[position])
                position += 1
    if position < len(task.rows):
        stamp = task.rows["pts"][position]
        raise FileFormatError(f"{task.source} no longer gives the frame at {stamp}; make the data set anew.")


def _cut(picture: np.ndarray, task: Task, square: Square) -> np.ndarray:
    top, left, side = square
    height, width = picture.shape[:2]
    if min(top, left, side - 1) < 0 or top + side > height or left + side > width:
        where = f"of {side} pixels at ({top}, {left}); it has {height} x {width} pixels"
        raise FileFormatError(f"{task.source} does not give a square {where}; make the data set anew.")
    return crop(picture, task.size, square)


def cut_chunks(tasks: Sequence[Task]) -> Iterator[np.ndarray]:
    """The pictures of some tasks one after the other, as (m, size, size, 3) with m at most `CHUNK`."""
    held: list[np.ndarray] = []
    for task in tasks:
        for picture in cut_rows(task):
            held.append(picture)
            if len(held) == CHUNK:
                yield np.stack(held)
                held = []
    if held:
        yield np.stack(held)


@contextmanager
def pictures_ahead(tasks: Sequence[Task], workers: int) -> Iterator[Iterator[np.ndarray]]:
    """Give an iterator over the pictures of all tasks, in order; leaving the block ends the work.

    Parameters
    ----------
    workers : spawned processes to decode in; 0 for a thread of this process

    Raises
    ------
    OlacoreError  what decoding raised, where its picture would have come
    DataError  if a worker process dies
    """
    with _ahead_in_processes(_grouped(tasks), workers) if workers else _ahead_in_thread(tasks) as chunks:
        yield (picture for chunk in chunks for picture in chunk)


@contextmanager
def _ahead_in_thread(tasks: Sequence[Task]) -> Iterator[Iterator[np.ndarray]]:
    chunks: queue.Queue[np.ndarray | BaseException | None] = queue.Queue(AHEAD)
    stopped = threading.Event()

    def work() -> None:
        last: BaseException | None = None
        try:
            for chunk in cut_chunks(tasks):
                chunks.put(chunk)
                if stopped.is_set():
                    return
        except BaseException as error:
            last = error
        chunks.put(last)

    thread = threading.Thread(target=work, name="olacore-pictures", daemon=True)
    thread.start()

    def received() -> Iterator[np.ndarray]:
        while (chunk := chunks.get()) is not None:
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk

    try:
        yield received()
    finally:
        stopped.set()
        while thread.is_alive():
            with suppress(queue.Empty):
                chunks.get_nowait()
            thread.join(0.01)


def _grouped(tasks: Sequence[Task]) -> list[list[Task]]:
    """Tasks that a worker takes on together: a video alone, or a few pictures."""
    groups: list[list[Task]] = []
    for task in tasks:
        last = groups[-1] if groups else []
        small = last and task.source.kind == last[-1].source.kind == "picture" and len(last) < PICTURES_PER_TASK
        if small:
            last.append(task)
        else:
            groups.append([task])
    return groups


@contextmanager
def _ahead_in_processes(groups: Sequence[Sequence[Task]], workers: int) -> Iterator[Iterator[np.ndarray]]:
    context = spawning()
    count = min(workers, len(groups))
    with ExitStack() as ending:
        ends: list[Connection] = []
        for worker in range(count):
            here, there = context.Pipe(duplex=False)
            process = context.Process(target=_serve, args=(there, groups[worker::count]), daemon=True)
            process.start()
            there.close()
            ending.callback(process.join)
            ending.callback(process.terminate)
            ending.callback(here.close)
            ends.append(here)

        def received() -> Iterator[np.ndarray]:
            for number in range(len(groups)):
                while (chunk := _receive(ends[number % count])) is not None:
                    yield chunk

        yield received()


def _receive(end: Connection) -> np.ndarray | None:
    try:
        message = end.recv()
    except (EOFError, OSError) as error:
        raise DataError("a worker process died, perhaps for want of memory; go on with --resume.") from error
    if isinstance(message, BaseException):
        raise message
    return message


def _serve(end: Connection, groups: Sequence[Sequence[Task]]) -> None:
    """Work of a process: the chunks of each group, then None; or the error that ended it."""
    # Nobody reads any more: the writer has stopped or was killed.
    with suppress(BrokenPipeError):
        try:
            for group in groups:
                for chunk in cut_chunks(group):
                    end.send(chunk)
                end.send(None)
        except (OlacoreError, MemoryError) as error:
            end.send(error)
