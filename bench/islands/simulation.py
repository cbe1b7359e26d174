"""Islands that take turns in one process, and the time that they would take on a processor each.

Every island is a thread, and only the one whose turn it is runs, so that the process's time is its own. It runs until
it gathers what others hand out; there it waits, and the next one runs. Between two such places all take as long as the
slowest; what they hand out goes through sealed files, whose writing and reading counts. Nothing else of a real exchange
is in it: no network, and no waiting for a file to appear.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from threadpoolctl import threadpool_limits

from olacore.files import replace_file
from olacore.jit.threads import threads
from olacore.modules.tensor_file import open_sealed, seal
from olacore.strategies.group import Arrays, Group

T = TypeVar("T")


class Simulation:
    """A clock that several islands share.

    Parameters
    ----------
    count : of islands
    folder : for what they hand out

    Attributes
    ----------
    epochs : seconds up to where all had gathered last
    exchanged : seconds of it for writing and reading what was handed out
    """

    def __init__(self, count: int, folder: Path) -> None:
        self.count, self.folder = count, folder
        self.epochs = self.exchanged = 0.0
        self._spent, self._shared = [0.0] * count, [0.0] * count
        self._turn, self._began = 0, 0.0
        self._change = threading.Condition()
        self._failed: BaseException | None = None

    def run(self, island: Callable[[Group], T]) -> list[T]:
        """Run a function on every island, and return what each does."""
        found: dict[int, T] = {}

        def live(number: int) -> None:
            try:
                with threads(1), threadpool_limits(1):
                    self._wait(number)
                    found[number] = island(Group(number, self.count, lambda name, own: self._gather(number, name, own)))
                    self._pass_on(number)
            except BaseException as error:  # it is raised in the thread of the caller
                with self._change:
                    self._failed = self._failed or error
                    self._change.notify_all()

        lives = [threading.Thread(target=live, args=(number,)) for number in range(self.count)]
        for life in lives:
            life.start()
        for life in lives:
            life.join()
        if self._failed is not None:
            raise self._failed
        return [found[number] for number in range(self.count)]

    def now(self, number: int) -> float:
        """Simulated seconds, asked by the island that runs."""
        return self.epochs + self._spent[number] + time.process_time() - self._began

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Count nothing meanwhile."""
        stopped = time.process_time()
        yield
        self._began += time.process_time() - stopped

    def _gather(self, number: int, name: str, own: Arrays) -> list[Arrays]:
        if self.count == 1:
            return [own]
        began = time.process_time()
        # Files cannot be empty.
        replace_file(self._path(number, name), seal({f"part_{key}": part for key, part in own.items()}, {"name": name}))
        self._shared[number] += time.process_time() - began
        self._pass_on(number)
        self._wait(number)
        began = time.process_time()
        found = []
        for other in range(self.count):
            if other == number:
                found.append(own)
                continue
            with open_sealed(self._path(other, name)) as file:
                found.append({key.removeprefix("part_"): part for key, part in file.load().items()})
        self._shared[number] += time.process_time() - began
        return found

    def _path(self, number: int, name: str) -> Path:
        return self.folder / f"{number}-{name}.safetensors"

    def _wait(self, number: int) -> None:
        with self._change:
            while self._turn != number and self._failed is None:
                self._change.wait()
            if self._failed is not None:
                raise InterruptedError("another island failed")
        self._began = time.process_time()

    def _pass_on(self, number: int) -> None:
        self._spent[number] += time.process_time() - self._began
        with self._change:
            self._turn = (number + 1) % self.count
            if self._turn == 0:
                slowest = max(range(self.count), key=lambda island: self._spent[island])
                self.epochs += self._spent[slowest]
                self.exchanged += self._shared[slowest]
                self._spent, self._shared = [0.0] * self.count, [0.0] * self.count
            self._change.notify_all()
