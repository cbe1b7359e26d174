"""Wide stacks: hidden units that are born at samples, for few rows and many outputs."""

from olacore.strategies.wide.strategy import Wide

__all__ = ["Wide"]
