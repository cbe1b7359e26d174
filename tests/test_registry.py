"""Registries: names, and what is said of those that nothing has."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from olacore.errors import ConfigError
from olacore.registry import Registry


@dataclass(frozen=True)
class Thing:
    name: str
    size: int = 0


def test_registry__finds_what_was_added_in_order():
    things: Registry[Thing] = Registry("thing")
    small, large = things.add(Thing("small")), things.add(Thing("large"))
    assert [*things] == ["small", "large"]
    assert (things.find("small"), things.find("large")) == (small, large)
    assert things.add(small) is small


def test_registry__names_what_is_missing_and_what_is_taken():
    things: Registry[Thing] = Registry("thing")
    things.add(Thing("small"))
    with pytest.raises(ConfigError, match="there is no thing 'big'; there are small"):
        things.find("big")
    with pytest.raises(ConfigError, match="there already is a thing 'small'"):
        things.add(Thing("small", 1))


def test_registry__works_as_a_decorator_of_classes():
    sorts: Registry[type[Thing]] = Registry("sort")

    @sorts.add
    class Named(Thing):
        name = "one"

    assert sorts.find("one") is Named
