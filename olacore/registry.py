"""Registries: things that are found by their names, and one sentence for a name that nothing has."""

from __future__ import annotations

from typing import Protocol, TypeVar

from olacore.errors import ConfigError


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """What it is found by."""


T = TypeVar("T", bound=Named)


class Registry(dict[str, T]):
    """Things of one sort by name, in the order in which they were added.

    Parameters
    ----------
    what : the sort, for messages, such as "strategy"
    """

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def add(self, thing: T) -> T:
        """Make a thing known by its name, and return it; of use as a decorator of classes.

        Raises
        ------
        ConfigError  if another thing has that name
        """
        if self.get(thing.name, thing) is not thing:
            raise ConfigError(f"there already is a {self.what} {thing.name!r}: {self[thing.name]!r}.")
        self[thing.name] = thing
        return thing

    def find(self, name: str) -> T:
        """Return the thing of that name.

        Raises
        ------
        ConfigError  if there is none; the message lists those there are
        """
        if name not in self:
            raise ConfigError(f"there is no {self.what} {name!r}; there are {', '.join(self)}.")
        return self[name]
