"""The callback that sends a run to loggers, and holds up neither the search nor its end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from queue import Full, Queue
from time import time
from typing import Any

from olacore.modules.module import Module
from olacore.search.finish import INTERRUPTED
from olacore.search.loggers.base import Logger, Run, entry, held_out_of, make_logger
from olacore.search.loggers.pictures import PICTURE, sample_picture
from olacore.search.observers import Event, Finished, Reported, Started
from olacore.search.run_log import read_config, timed_log

# Seconds that the end of a run waits for slow loggers, and events that may wait for one of them.
WAIT, MOST_WAITING = 60.0, 10_000

log = logging.getLogger(__name__)


class LogTo:
    """Sends runs to loggers: a callback of `train`, and a context that waits for what is still to be sent.

    A logger that fails is told of in one warning and left out from then on; the run goes on as if there were none. A
    run that is resumed is sent from its beginning, as a new one.

    Parameters
    ----------
    targets : NAME or NAME=PLACE of each logger, see `olacore.search.loggers.LOGGERS`
    wait : seconds at most that `close` waits for a logger

    Raises
    ------
    ConfigError  if there is no such logger, or its package is not installed

    Examples
    --------
    >>> with LogTo("tensorboard") as log:  # doctest: +SKIP
    ...     train(config, callbacks=[log])
    """

    def __init__(self, *targets: str, wait: float = WAIT) -> None:
        self._targets, self._wait = targets, wait
        self._open: list[Sender] = []
        self._closing: list[Sender] = []
        self._failed: set[str] = set()
        self._step = 0
        for target in targets:
            first = make_logger(target)
            try:
                first.prepare()
            except Exception as error:
                self._failed.add(first.name)
                warn(first.name, error)

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, Started):
            self._begin(event)
        elif isinstance(event, Reported):
            self._log([(event.line, time())])
        elif isinstance(event, Finished):
            self._finish(event.module, event.stopped != INTERRUPTED)

    def __enter__(self) -> LogTo:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End what has not ended, and wait for what is still to be sent."""
        self._end(False)
        for sender in self._closing:
            if not sender.wait(self._wait):
                warn(sender.name, TimeoutError(f"it is not done after {self._wait:g} s"))
        self._closing = []

    def _begin(self, event: Started) -> None:
        self._end(False)
        self._failed |= {sender.name for sender in self._closing if sender.error}
        run = Run.of(event.folder, read_config(event.folder))
        made = [make_logger(target) for target in self._targets]
        self._open = [Sender(one, run) for one in made if one.name not in self._failed]
        self._log(timed_log(event.folder))

    def _log(self, lines: Sequence[tuple[Mapping[str, Any], float]]) -> None:
        if lines:
            self._step = lines[-1][0]["generation"]
            for sender in self._open:
                sender.send("log", [entry(*line) for line in lines])

    def _finish(self, module: Module, finished: bool) -> None:
        for sender in self._open:
            sender.send_result(module, self._step, time())
        self._end(finished)

    def _end(self, finished: bool) -> None:
        for sender in self._open:
            sender.end(finished)
        self._closing += self._open
        self._open = []


class Sender:
    """Sends one run to one logger, in a thread: a slow or broken service holds up nobody.

    Parameters
    ----------
    logger : a new one
    told : whether the first failure is warned of

    Attributes
    ----------
    error : the first failure; nothing is sent after it
    """

    def __init__(self, logger: Logger, run: Run, told: bool = True) -> None:
        self.name = logger.name
        self.error: BaseException | None = None
        self._logger, self._told = logger, told
        self._queue: Queue[tuple[str, tuple[Any, ...]] | None] = Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._work, name=f"log-to-{self.name}", daemon=True)
        self._thread.start()
        self.send("begin", run)

    def send(self, what: str, *arguments: Any) -> None:
        """Let the logger do one thing after the others: call that method of it."""
        if self.error is not None:
            return
        try:
            self._queue.put_nowait((what, arguments))
        except Full:
            self._fail(TimeoutError(f"{MOST_WAITING} events wait for it"))

    def send_result(self, module: Module, step: int, wall: float) -> None:
        """Send the held-out figures of a module, and a picture where it makes one of the shipped sample."""
        if figures := held_out_of(module.training):
            self.send("log", [(step, wall, figures)])
        try:
            pixels = sample_picture(module)
        except Exception as error:
            self._fail(error)
        else:
            if pixels is not None:
                self.send("picture", step, wall, PICTURE, pixels)

    def end(self, finished: bool) -> None:
        """Let the logger end when all is sent."""
        self.send("end", finished)
        with suppress(Full):  # of one that has failed
            self._queue.put_nowait(None)

    def wait(self, seconds: float | None) -> bool:
        """Wait until the logger has ended, and tell whether it has; without a limit where `seconds` is None."""
        self._thread.join(seconds)
        return self.error is not None or not self._thread.is_alive()

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            if self.error is not None:
                continue
            what, arguments = job
            try:
                getattr(self._logger, what)(*arguments)
            except BaseException as error:  # there is nobody above it
                self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self.error is None:
            self.error = error
            if self._told:
                warn(self.name, error)


def warn(name: str, error: BaseException) -> None:
    """Tell that a logger is left out."""
    log.warning("nothing more is logged to %s: %s", name, reason(error))


def reason(error: BaseException) -> str:
    """The first line of what an error says, or what it is."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
