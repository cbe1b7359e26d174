"""What a backend is: a map of a job over payloads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

from olacore.registry import Registry

Payload = TypeVar("Payload")
Answer = TypeVar("Answer")


class Backend(ABC):
    """Runs jobs somewhere: in this process, in others, on other machines.

    Job, payloads and answers have to be picklable.
    """

    name: ClassVar[str]

    @abstractmethod
    def map(self, job: Callable[[Payload], Answer], payloads: Iterable[Payload]) -> list[Answer]:
        """Return what the job answers to each payload, in their order.

        Raises
        ------
        Exception  what a job raised, the first in the order of the payloads
        """


# Backends by name.
BACKENDS: Registry[Any] = Registry("backend")
