"""All islands on this machine: a process for each, started again where it dies."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from typing import Any

from olacore.errors import DataError, OlacoreError
from olacore.jit.threads import threads
from olacore.search.backends.processes import Spawning, Worker, spawning
from olacore.search.config import TrainConfig
from olacore.search.finish import Result
from olacore.search.islands.exchange import WaitingEnded
from olacore.search.islands.job import Archipelago, gather, run_island
from olacore.search.observers import Event, Reported, Saved, Started
from olacore.search.run_folder import held

# Deaths of an island in a row, without a checkpoint in between, after which it is not started again.
MOST_DEATHS = 5
# Seconds between two looks at whether to stop.
LOOK = 0.2

# Settings, callbacks and whether to stop of one island; gives its result. It has to be picklable.
Job = Callable[[TrainConfig, Sequence[Callable[[Event], None]], Callable[[], bool]], Result]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Told(Event):
    """A line of the log of an island.

    Parameters
    ----------
    line : JSON types
    """

    line: dict[str, Any]


def train_islands(
    configs: Sequence[TrainConfig],
    callbacks: Sequence[Callable[[Event], None]] = (),
    should_stop: Callable[[], bool] = lambda: False,
    job: Job = run_island,
) -> Archipelago:
    """Run islands in processes of their own, which share the threads of this one, and keep the best one's module.

    Parameters
    ----------
    configs : of all islands, as `islands_of` makes them
    callbacks : none, or one for each island, called with `Started` and with `Told` for each line of its log
    should_stop : asked several times a second; true ends all of them as an interruption, saved and ready to resume
    job : what each process does

    Raises
    ------
    DataError  if an island dies again and again without getting on
    OlacoreError  what an island raised; the others are stopped and saved
    """
    assert configs[0].out is not None
    folder = configs[0].out.parent
    with held(folder):
        running = [Running(number, config, job) for number, config in enumerate(configs)]
        try:
            _run(running, callbacks, should_stop)
        finally:
            for one in running:
                one.end()
    errors = [one.error for one in running if one.error is not None]
    for error in errors:
        if not isinstance(error, WaitingEnded):
            raise error
    results = [one.result for one in running if one.result is not None]
    return gather(folder, results, incomplete=bool(errors))


@dataclass
class Running:
    """An island and its process.

    Parameters
    ----------
    number : of the island, from 0 on
    config, job : what it does
    """

    number: int
    config: TrainConfig
    job: Job
    result: Result | None = None
    error: Exception | None = None
    deaths: int = 0
    saved: int = -1
    process: Worker | None = field(default=None, repr=False)
    line: Connection | None = field(default=None, repr=False)

    @property
    def over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.result is not None or self.error is not None

    def start(self, context: Spawning, share: int) -> None:
        """Start its process."""
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, self.job, self.config, share))
        process.start()
        theirs.close()
        self.process, self.line = process, ours

    def ask_to_stop(self) -> None:
        """Let it save what it has, and end."""
        if self.line is not None:
            with suppress(OSError):
                self.line.send("stop")

    def take(self, callback: Callable[[Event], None] | None) -> bool:
        """Take one message; false if its process has ended."""
        assert self.line is not None
        try:
            kind, value = self.line.recv()
        except Exception:
            return False
        if kind == "result":
            self.result = value
        elif kind == "error":
            self.error = value
        elif kind == "saved":
            if value > self.saved:
                self.saved, self.deaths = value, 0
        elif kind == "warning":
            logger.warning("%s", value)
        elif callback is not None:
            callback(value)
        return True

    def died(self, stopping: bool) -> None:
        """Note the end of a process that left nothing, and let it go on from its folder."""
        assert self.process is not None
        self.process.join()
        code = self.process.exitcode
        self.end()
        self.deaths += 1
        how = f"by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"
        if stopping or self.deaths >= MOST_DEATHS:
            times = f"{self.deaths} times in a row without getting on, last " if self.deaths > 1 else ""
            self.error = DataError(
                f"island {self.number + 1} died {times}{how}, perhaps for want of memory; go on with --resume, or try "
                "fewer islands."
            )
            return
        logger.warning("island %d died %s, and goes on from its folder", self.number + 1, how)
        self.config = replace(self.config, resume=True, force=False)

    def end(self) -> None:
        """End its process at once, if there is one."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
        if self.line is not None:
            self.line.close()
        self.process = self.line = None


def _run(
    running: Sequence[Running], callbacks: Sequence[Callable[[Event], None]], should_stop: Callable[[], bool]
) -> None:
    """Let all islands come to an end; after an error of one, or where asked, they are stopped."""
    context, stopping = spawning(), False
    while not all(one.over for one in running):
        for one in running:
            if one.process is None and not one.over:
                one.start(context, len(running))
                if stopping:
                    one.ask_to_stop()
        lines = {one.line: one for one in running if one.line is not None}
        for ready in wait(list(lines), LOOK):
            one = lines[ready]  # type: ignore[index]
            alive = one.take(callbacks[one.number] if callbacks else None)
            if one.over:
                one.end()
            elif not alive:
                one.died(stopping)
        if not stopping and (should_stop() or any(one.error is not None for one in running)):
            stopping = True
            for one in running:
                one.ask_to_stop()


def work(line: Connection, job: Job, config: TrainConfig, islands: int) -> None:
    """What a process does: run an island on its share of the threads, and say what comes of it.

    Parameters
    ----------
    line : to whoever started it, and whose word on it, or end, asks to stop
    islands : that share the threads
    """
    import numba

    logging.getLogger("olacore").addHandler(_Warnings(line))
    logging.getLogger("olacore").propagate = False

    def tell(event: Event) -> None:
        if isinstance(event, Started):
            line.send(("event", event))
        elif isinstance(event, Reported):
            line.send(("event", Told(event.line)))
        elif isinstance(event, Saved):
            line.send(("saved", event.generation))

    try:
        share = max(1, numba.config.NUMBA_NUM_THREADS // islands)  # type: ignore[attr-defined]
        with threads(share):
            line.send(("result", job(config, (tell,), line.poll)))
    except Exception as error:
        if not isinstance(error, OlacoreError):  # where it comes from does not travel with it
            error.add_note(traceback.format_exc())
        line.send(("error", error))


class _Warnings(logging.Handler):
    def __init__(self, line: Connection) -> None:
        super().__init__(logging.WARNING)
        self.line = line

    def emit(self, record: logging.LogRecord) -> None:
        self.line.send(("warning", self.format(record)))
