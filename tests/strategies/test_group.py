"""Islands that divide the work of one search."""

from __future__ import annotations

import numpy as np
import pytest

from olacore.strategies import STRATEGIES, Wide
from olacore.strategies.group import ALONE, Arrays, Group


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_each__every_job_is_done_once_and_all_islands_have_all(count: int) -> None:
    jobs, done, handed = 5, [], []

    def work(job: int) -> np.ndarray:
        done.append(job)
        return np.full(job + 1, job)

    def keep(name: str, arrays: Arrays) -> list[Arrays]:
        assert name == "squares-1"
        handed.append(arrays)
        raise StopIteration

    for number in range(count):
        with pytest.raises(StopIteration):
            Group(number, count, keep).each("squares-1", jobs, work)
    assert sorted(done) == [*range(jobs)]
    for number in range(count):
        found = Group(number, count, lambda name, arrays: handed).each("squares-1", jobs, work)
        assert [part.tolist() for part in found] == [[job] * (job + 1) for job in range(jobs)]


def test_within__only_strategies_that_divide_change() -> None:
    group = Group(1, 3)
    for strategy in STRATEGIES.values():
        assert (strategy().within(group) != strategy()) == strategy.divides
    assert Wide().within(group).group is group
    assert Wide().group is ALONE
