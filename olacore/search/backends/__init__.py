"""Backends by name: where the jobs of a study run."""

from olacore.search.backends.base import BACKENDS, Backend
from olacore.search.backends.local import Local
from olacore.search.backends.ray import Ray

__all__ = ["BACKENDS", "Backend", "Local", "Ray"]
