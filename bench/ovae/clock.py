"""Processor time of what is compared, without what is measured in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Clock:
    """Seconds of all threads of this process, since `start`.

    Parameters
    ----------
    now : tells them
    """

    def __init__(self, now: Callable[[], float] = time.process_time) -> None:
        self._now = now
        self._spent = 0.0
        self._began: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return self._spent + (0.0 if self._began is None else self._now() - self._began)

    def start(self) -> None:
        """Run from zero."""
        self._spent, self._began = 0.0, self._now()

    def stop(self) -> None:
        """Stand still until `go_on`."""
        self._spent, self._began = self.seconds, None

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
