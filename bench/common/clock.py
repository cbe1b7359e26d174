"""Seconds of what is compared, without what is measured in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Clock:
    """Processor time of all threads of this process and wall time, since `start`.

    Parameters
    ----------
    cpu, wall : give the seconds of either
    """

    def __init__(
        self, cpu: Callable[[], float] = time.process_time, wall: Callable[[], float] = time.perf_counter
    ) -> None:
        self._cpu, self._wall = cpu, wall
        self._spent = 0.0, 0.0
        self._began: tuple[float, float] | None = None

    @property
    def seconds(self) -> float:
        """Processor seconds so far."""
        return self._so_far()[0]

    @property
    def wall(self) -> float:
        """Wall seconds so far."""
        return self._so_far()[1]

    def start(self) -> None:
        """Run from zero."""
        self._spent, self._began = (0.0, 0.0), self._now()

    def stop(self) -> None:
        """Stand still until `go_on`."""
        self._spent, self._began = self._so_far(), None

    def go_on(self) -> None:
        """Run again."""
        self._began = self._now()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stand still meanwhile; does nothing to a clock that does not run."""
        running = self._began is not None
        self.stop()
        try:
            yield
        finally:
            if running:
                self.go_on()

    def _now(self) -> tuple[float, float]:
        return self._cpu(), self._wall()

    def _so_far(self) -> tuple[float, float]:
        if self._began is None:
            return self._spent
        now = self._now()
        return self._spent[0] + now[0] - self._began[0], self._spent[1] + now[1] - self._began[1]
