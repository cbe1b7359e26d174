"""Worker processes that run nothing of the current folder, leave signals to their parent, and end when it does."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any

from olacore.errors import DataError

LEFT_TO_PARENT = (signal.SIGINT, signal.SIGTERM)
# Held while processes start: what they inherit is set for the whole process.
STARTING = threading.Lock()


class Worker(SpawnProcess):
    """A spawned process; see `spawning`."""

    def start(self) -> None:
        """Start it."""
        with inherited():
            super().start()

    def run(self) -> None:
        """Do its work, in the process itself."""
        threading.Thread(target=end_with_parent, daemon=True).start()
        super().run()

    def terminate(self) -> None:
        """End it at once: it has nothing to clean up, and heeds no SIGTERM."""
        self.kill()


class Spawning(SpawnContext):
    """Makes workers, also for a pool."""

    Process = Worker


def spawning() -> Spawning:
    """Return the context that starts workers.

    Ctrl-C reaches every process of a terminal, and SIGTERM often all of a group; the one that started them decides.
    Processes are spawned and not forked: a fork after a kernel has run would kill the child.
    """
    with inherited(PYTHONWARNINGS="ignore"):  # at a sudden end it tells of what it cleans up
        resource_tracker.ensure_running()
    return Spawning()


class Pool(ProcessPoolExecutor):
    """Workers that share jobs, and of whose deaths each is noticed at once.

    Parameters
    ----------
    workers : at most; each is started when a job comes and none is idle
    initializer, initargs : called in each worker, with these arguments
    """

    def __init__(
        self, workers: int, initializer: Callable[..., object] | None = None, initargs: tuple[Any, ...] = ()
    ) -> None:
        super().__init__(workers, spawning(), initializer, initargs)

    def _spawn_process(self) -> None:
        super()._spawn_process()  # type: ignore[misc]  # typeshed does not list it
        # Python's own begins to watch a worker when it next wakes up, which may be never: it would not notice the
        # death of the worker that it started last.
        self._executor_manager_thread_wakeup.wakeup()


@contextmanager
def inherited(**environment: str) -> Iterator[None]:
    """Set what a process that starts meanwhile inherits: a path without the current folder, and blocked signals."""
    environment["PYTHONSAFEPATH"] = "1"
    with STARTING:
        before = {name: os.environ.get(name) for name in environment}
        os.environ.update(environment)
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, LEFT_TO_PARENT) if hasattr(signal, "pthread_sigmask") else None
        try:
            yield
        finally:
            if mask is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


@contextmanager
def worker_deaths_told() -> Iterator[None]:
    """Raise `DataError` where a process died under the work of a pool."""
    try:
        yield
    except BrokenProcessPool as error:
        raise DataError("a worker process died, perhaps for want of memory; try fewer workers.") from error


def end_with_parent() -> None:
    """Wait for the parent's end, and end this process, whatever it does or waits for."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
