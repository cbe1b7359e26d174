"""All shares of a data set, made wherever a backend runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from olacore.errors import ConfigError, OlacoreError
from olacore.search.backends.base import make_backend
from teachers.jobs.run import Summary
from teachers.jobs.share_work import PrecomputeConfig, precompute_share


def precompute_shares(
    config: PrecomputeConfig,
    count: int,
    backend: str = "local",
    told: Callable[[int, Summary | OlacoreError], None] = lambda number, found: None,
    should_stop: Callable[[], bool] = lambda: False,
    **options: Any,
) -> list[Summary | OlacoreError]:
    """Make all shares of a data set, or go on with those that are not complete; `merge_shares` joins them.

    A share that fails stops no other.

    Parameters
    ----------
    config : what is asked for; its folder and sources are where all machines see them, under the same names
    count : how many shares
    backend : name of one of `olacore.search.backends`; it starts those that die again
    told : called with the number of each share, from 1 on, and what it came to, in the order of their ends
    should_stop : asked now and then; true ends the work with what is done kept, and there may be fewer answers
    options : of the backend, such as `workers`

    Returns
    -------
    what each share came to: its summary, or why it failed

    Raises
    ------
    ConfigError  if there can be no shares, or no such backend
    """
    if count < 1:
        raise ConfigError(f"there is 1 share or more; got {count}.")
    pool = make_backend(backend, options)
    found: dict[int, Summary | OlacoreError] = {}
    for number, one in pool.outcomes(Job(config, count), range(1, count + 1), should_stop):
        found[number + 1] = one
        told(number + 1, one)
    return [found[number] for number in sorted(found)]


@dataclass(frozen=True)
class Job:
    """Makes one of several shares; it can be pickled.

    Parameters
    ----------
    config : of all
    count : how many there are
    """

    config: PrecomputeConfig
    count: int

    def __call__(self, number: int, should_stop: Callable[[], bool]) -> Summary:
        """Make a share, the first of which is 1."""

        def heed(what: str, done: int, total: int) -> None:
            if should_stop():
                raise OlacoreError("it was asked to stop, and keeps what is done.")

        return precompute_share(self.config, number, self.count, heed)
