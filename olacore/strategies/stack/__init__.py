"""Stacks of an affine map and hidden tanh units."""

from olacore.strategies.stack.strategy import Stack

__all__ = ["Stack"]
