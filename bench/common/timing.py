"""Repeated measurements: a warm-up, several samples, and the sides of a comparison in turn."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# OpenBLAS's threads spin for tens of milliseconds after a product, and would slow down what is measured next.
SETTLE = 0.05
MOST_CALLS = 100_000

Action = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """Seconds that one call took, one entry a sample."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Seconds of a typical sample."""
        return statistics.median(self.seconds)

    @property
    def minimum(self) -> float:
        """Seconds of the fastest sample."""
        return min(self.seconds)


@dataclass(frozen=True)
class Stopwatch:
    """How measurements are taken.

    Parameters
    ----------
    repeats : samples of every action
    shortest : seconds that a sample lasts at least; a faster action is called several times in it
    clock : gives seconds
    sleep : waits for seconds
    """

    repeats: int = 7
    shortest: float = 0.005
    clock: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], object] = time.sleep

    def measure(self, action: Action) -> Timing:
        """Time one action."""
        return self.compare({"": action})[""]

    def compare(self, sides: Mapping[str, Action], settle: float = 0.0) -> dict[str, Timing]:
        """Time several actions in turn: sample k of all of them comes before sample k + 1 of any.

        Parameters
        ----------
        settle : seconds to wait before every sample; `SETTLE` where a side leaves threads behind that spin
        """
        calls = {name: self._warm_up(action) for name, action in sides.items()}
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(self.repeats):
            for name, action in sides.items():
                if settle:
                    self.sleep(settle)
                seconds[name].append(self._sample(action, calls[name]))
        return {name: Timing(tuple(samples)) for name, samples in seconds.items()}

    def _warm_up(self, action: Action) -> int:
        """Compile and touch memory in a first call, and find from a second how many calls fill a sample."""
        action()
        once = self._sample(action, 1)
        if once * MOST_CALLS <= self.shortest:
            return MOST_CALLS
        return max(1, math.ceil(self.shortest / once))

    def _sample(self, action: Action, calls: int) -> float:
        started = self.clock()
        for _ in range(calls):
            action()
        return (self.clock() - started) / calls


def paired_ratio(above: Timing, below: Timing) -> float:
    """Median of the ratios of samples that were taken one after the other."""
    return statistics.median(a / b for a, b in zip(above.seconds, below.seconds, strict=True))
