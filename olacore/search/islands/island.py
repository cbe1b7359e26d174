"""One island of several: which it is, from whom it takes migrants, and what it searches with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from olacore.errors import ConfigError

MOST_ISLANDS = 1000
MOST_EVERY = (1 << 31) - 1
# Bits of a seed: four streams of random numbers follow from each.
SEED_BITS = 62

Graph = Mapping[int, Sequence[int]]


@dataclass(frozen=True)
class Island:
    """One of several searches of the same module, which exchange migrants through a folder.

    Parameters
    ----------
    number, count : of this one, from 0 on, and of all
    exchange : folder that all islands see
    every : generations between two exchanges; None for as many as the strategy says
    lockstep : wait for the neighbours at each exchange, so that equal searches give equal bytes; else take what they
        published last
    graph : for each island the islands whose migrants it takes, none where it has no entry; None for both neighbours
        on a ring

    Raises
    ------
    ConfigError  if a number is out of range
    """

    number: int
    count: int
    exchange: Path
    every: int | None = None
    lockstep: bool = True
    graph: Graph | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "exchange", Path(self.exchange))
        if not 1 <= self.count <= MOST_ISLANDS:
            raise ConfigError(f"there may be 1 to {MOST_ISLANDS} islands; got {self.count}.")
        if not 0 <= self.number < self.count:
            raise ConfigError(f"islands of {self.count} have the numbers 1 to {self.count}; got {self.number + 1}.")
        if self.every is not None and not 1 <= self.every <= MOST_EVERY:
            raise ConfigError(f"generations between exchanges must be 1 to {MOST_EVERY}; got {self.every}.")
        for number, sources in (self.graph or {}).items():
            for each in (number, *sources):
                if not 0 <= each < self.count:
                    raise ConfigError(f"the graph names island {each + 1}; there are 1 to {self.count}.")
            if number in sources:
                raise ConfigError(f"in the graph, island {number + 1} takes its own migrants; leave it out there.")

    @property
    def name(self) -> str:
        """What it is called in its exchange folder, and by default its run folder."""
        return name_of(self.number)

    @property
    def title(self) -> str:
        """Which it is, from 1 on, and of how many."""
        return f"{self.number + 1} of {self.count}"

    @property
    def sources(self) -> tuple[int, ...]:
        """The islands whose migrants it takes, in their order."""
        return self.sources_of(self.number)

    def sources_of(self, number: int) -> tuple[int, ...]:
        """The islands whose migrants one of them takes, in their order."""
        if self.graph is not None:
            return tuple(sorted({*self.graph.get(number, ())}))
        return tuple(sorted({(number - 1) % self.count, (number + 1) % self.count} - {number}))

    def seed(self, seed: int) -> int:
        """Return what this island searches with: of the first the seed itself, of others one that follows from it.

        The first 62 bits of SHA-256 of "olacore island 2 of seed 0", the islands counted from 1 on.
        """
        if not self.number:
            return seed
        text = f"olacore island {self.number + 1} of seed {seed}"
        return int.from_bytes(sha256(text.encode()).digest()[:8], "big") >> (64 - SEED_BITS)

    def settings(self, every: int, sharded: bool) -> dict[str, Any]:
        """What decides the search, in JSON types; its folder does not."""
        graph = {str(one + 1): [source + 1 for source in self.sources_of(one)] for one in range(self.count)}
        return {
            "island": self.title,
            "every": every,
            "lockstep": self.lockstep,
            "graph": "ring" if self.graph is None else graph,
            "sharded": sharded,
        }

    def asked(self) -> dict[str, Any]:
        """What was asked for by the names of the command's options."""
        graph = {str(one + 1): [each + 1 for each in sources] for one, sources in (self.graph or {}).items()}
        return {
            "island": f"{self.number + 1}/{self.count}",
            "exchange": str(self.exchange),
            **({} if self.every is None else {"every": self.every}),
            **({} if self.lockstep else {"free": True}),
            **({} if self.graph is None else {"graph": json.dumps(graph)}),
        }


def name_of(number: int) -> str:
    """What an island is called, from 1 on."""
    return f"island-{number + 1}"


def check_island(island: Island, seconds: float | None, apart: str | None) -> None:
    """Raise `ConfigError` unless a search can be one of several islands.

    Parameters
    ----------
    seconds : after which it stops
    apart : what it is where that is more than one search
    """
    if apart:
        raise ConfigError(f"islands are searches of one module; {apart} makes several.")
    if island.lockstep and seconds is not None:
        raise ConfigError(
            "islands in lockstep stop by no clock: give --generations, --passes or --until-loss and no --time, "
            "or let them run --free."
        )
