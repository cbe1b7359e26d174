"""Islands that divide the work of one search: each does a part of it, and all get all parts.

They go through the same search from the same seed. What costs most is cut into jobs, which do not depend on each other;
every island does some of them and hands out what it found. So all have the same state at all times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Arrays = dict[str, np.ndarray]
# Hands out an island's arrays under a name, which a search uses once, and returns those of all islands in their order.
Gather = Callable[[str, Arrays], list[Arrays]]


def alone(name: str, arrays: Arrays) -> list[Arrays]:
    """Gather the arrays of a single island."""
    return [arrays]


@dataclass(frozen=True)
class Group:
    """One island of some that divide a search; by default the only one.

    Parameters
    ----------
    number, count : of this island, from 0 on, and of all
    gather : waits for the arrays that every island hands out under a name; a name is made of letters, digits,
        dots and hyphens, and an island that goes on from a checkpoint asks for some names again, with equal arrays
    """

    number: int = 0
    count: int = 1
    gather: Gather = alone

    def each(self, name: str, jobs: int, work: Callable[[int], np.ndarray]) -> list[np.ndarray]:
        """Return what `work` finds for every job, in their order; this island does each `count`-th of them.

        Parameters
        ----------
        name : of these jobs, which a search uses once
        """
        mine = {str(job): work(job) for job in range(self.number, jobs, self.count)}
        found = {job: array for part in self.gather(name, mine) for job, array in part.items()}
        return [found[str(job)] for job in range(jobs)]


ALONE = Group()
